import CLua
import LuaShim

/// The host objects that Lua holds, and the bytes they keep alive outside Lua.
///
/// Lua's own collector cannot keep up with them: it sees some seventy bytes per tensor, and since a userdata
/// with `__gc` lives for one more cycle, its threshold grows with the garbage. So the host counts, and runs a
/// full collection when garbage of enough objects or bytes could have piled up to be worth it.
public struct ExternalMemory {
    /// Bytes counted now.
    public private(set) var bytes = 0
    /// Host objects that Lua holds now.
    public private(set) var objects = 0
    /// A collection runs when either count would pass its limit.
    private var byteLimit = Self.byteSlack.lowerBound
    private var objectLimit = Self.objectSlack

    /// Garbage that may pile up between two collections: half of what is in use, within these bounds.
    private static let byteSlack = 64 << 20...512 << 20
    /// The same in objects, for a small heap of Lua's own.
    private static let objectSlack = 10_000
    /// A collection walks Lua's whole heap, so it must serve at least one object per this many bytes of heap.
    private static let heapBytesPerObject = 64

    @usableFromInline
    static func adopt(_ bytes: Int, _ L: OpaquePointer) {
        let interpreter = Interpreter.of(L)
        interpreter.external.objects += 1
        interpreter.external.bytes += bytes
        if interpreter.external.isDue { interpreter.external.collect(L) }
    }

    static func release(_ bytes: Int, _ L: OpaquePointer) {
        let interpreter = Interpreter.of(L)
        interpreter.external.objects -= 1
        interpreter.external.bytes -= bytes
    }

    private var isDue: Bool { bytes > byteLimit || objects > objectLimit }

    private func collect(_ L: OpaquePointer) {
        let interpreter = Interpreter.of(L)
        shim_gc_collect(L)          // finalizes what is unreferenced, which counts it off
        let now = interpreter.external, heap = Int(shim_gc_count(L))
        interpreter.external.byteLimit = now.bytes + min(max(now.bytes / 2, heap, Self.byteSlack.lowerBound), Self.byteSlack.upperBound)
        interpreter.external.objectLimit = now.objects + max(now.objects / 2, heap / Self.heapBytesPerObject, Self.objectSlack)
    }

    /// Counts bytes that came (positive) or went (negative) for an object after it was pushed: a model
    /// that loaded its weights, an optimizer that made its state.
    public static func adjust(_ bytes: Int, _ interpreter: Interpreter) {
        interpreter.external.bytes += bytes
        if bytes > 0, interpreter.external.isDue { interpreter.external.collect(interpreter.current) }
    }
}
