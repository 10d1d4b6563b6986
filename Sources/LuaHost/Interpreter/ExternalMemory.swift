import CLua
import LuaShim

/// The host objects that Lua holds, and the bytes they keep alive outside Lua.
///
/// Lua's own collector cannot keep up with them: it sees some seventy bytes per tensor, and since a userdata
/// with `__gc` lives for one more cycle, its threshold grows with the garbage. So the host counts, and runs a
/// full collection when garbage of enough objects or bytes could have piled up to be worth it.
public enum ExternalMemory {
    /// Garbage that may pile up between two collections: half of what is in use, within these bounds.
    private static let byteSlack = 64 << 20 ... 512 << 20
    /// The same in objects, for a small heap of Lua's own: with what they hold, a thousand small ones still lie in a
    /// processor's own cache, so that the memory of the collected is at hand for the next.
    private static let objectSlack = 1_000
    /// A collection walks Lua's whole heap, so it must serve at least one object per this many bytes of heap.
    private static let heapBytesPerObject = 64
    /// What Lua's heap holds of a host object: its own header of a userdata without user values, and the box.
    private static let userdataBytes = 32 + MemoryLayout<shim_box>.size

    static func newState() -> UnsafeMutablePointer<shim_state> {
        let state = UnsafeMutablePointer<shim_state>.allocate(capacity: 1)
        state.initialize(
            to: shim_state(
                host: nil, objects: 0, bytes: 0, object_limit: Int64(objectSlack),
                byte_limit: Int64(byteSlack.lowerBound)))
        return state
    }

    /// Bytes that are counted elsewhere; see `countAlso`. Set once, when the class is declared.
    @exclusivity(unchecked) @usableFromInline nonisolated(unsafe) static var elsewhere: () -> Int = { 0 }

    /// Lets a library's own count of bytes drive the collector too, for classes whose objects share memory or keep
    /// alive what Lua never sees: views of one storage, what is saved for gradients. Such a class declares no `bytes`.
    public static func countAlso(_ bytes: @escaping () -> Int) { elsewhere = bytes }

    /// Counts a new object; may collect first.
    @inlinable
    static func adopt(_ bytes: Int, _ L: OpaquePointer) {
        let state = shim_shared(L)!
        state.pointee.objects += 1
        state.pointee.bytes += Int64(bytes)
        if state.pointee.objects > state.pointee.object_limit
            || state.pointee.bytes + Int64(elsewhere()) > state.pointee.byte_limit
        {
            collect(L)
        }
    }

    static func release(_ bytes: Int64, _ L: OpaquePointer) {
        let state = shim_shared(L)!
        state.pointee.objects -= 1
        state.pointee.bytes -= bytes
    }

    @usableFromInline
    static func collect(_ L: OpaquePointer) {
        let state = shim_shared(L)!, before = Int(state.pointee.objects)
        shim_gc_collect(L)   // finalizes what is unreferenced, which counts it off
        let bytes = Int(state.pointee.bytes) + elsewhere(), objects = Int(state.pointee.objects)
        // What was finalized now is freed by the next collection, and is no heap that one has to walk: counted as such,
        // the limit would grow with the garbage.
        let heap = max(Int(shim_gc_count(L)) - (before - objects) * userdataBytes, 0)
        state.pointee.byte_limit = Int64(bytes + min(max(bytes / 2, heap, byteSlack.lowerBound), byteSlack.upperBound))
        state.pointee.object_limit = Int64(objects + max(objects / 2, heap / heapBytesPerObject, objectSlack))
    }

    /// Counts bytes that came (positive) or went (negative) for an object after it was pushed: a model
    /// that loaded its weights, an optimizer that made its state.
    public static func adjust(_ bytes: Int, _ interpreter: Interpreter) {
        let L = interpreter.current, state = shim_shared(L)!
        state.pointee.bytes += Int64(bytes)
        if bytes > 0, state.pointee.bytes + Int64(elsewhere()) > state.pointee.byte_limit { collect(L) }
    }
}
