import CLua
import LuaShim
import Support

/// What most arguments are checked with: plain memory, no reference counting.
struct FastTest {
    /// Bits of `lua_type` values that need no closer look.
    var plain: UInt16 = 0
    /// Integers need none either.
    var integers = false
    /// The class that matched last time.
    var lastClass: UnsafeRawPointer?

    /// false means: look closer.
    @inline(__always)
    func accepts(_ L: OpaquePointer, _ slot: Int32) -> Bool {
        let kind = lua_type(L, slot)
        if plain & (1 << UInt16(truncatingIfNeeded: max(kind, 0))) != 0 { return true }
        if kind == LUA_TUSERDATA, let lastClass, let box = shim_tobox(L, slot) { return box.pointee.type == lastClass }
        return integers && lua_isinteger(L, slot) != 0
    }
}

/// One type as a mask over `lua_type` values, with what a mask cannot say.
final class TypeTest {
    private let type: LuaType
    private var mask: UInt16 = 0
    private var integersOnly = false
    private var classes: [String] = []
    private var literals: [String] = []
    private var recordOnly = true
    private var anyUserdata = false
    private let fast: UnsafeMutablePointer<FastTest>?
    private(set) var isOpen = false
    private(set) var fieldTests: [TypeTest] = []
    var acceptsNil: Bool { mask & (1 << LUA_TNIL) != 0 }
    var takesTables: Bool { mask & (1 << LUA_TTABLE) != 0 }

    init(_ type: LuaType, optional: Bool, fast: UnsafeMutablePointer<FastTest>? = nil) {
        self.type = type
        self.fast = fast
        add(type)
        if optional { mask |= 1 << LUA_TNIL }
        if acceptsAnyString(type) { literals = [] }
        integersOnly = acceptsOnlyIntegers(type)
        var plain = mask
        if !anyUserdata { plain &= ~(1 << LUA_TUSERDATA) }
        if integersOnly { plain &= ~(1 << LUA_TNUMBER) }
        if !literals.isEmpty { plain &= ~(1 << LUA_TSTRING) }
        if !fieldTests.isEmpty { plain &= ~(1 << LUA_TTABLE) }
        fast?.pointee = FastTest(plain: plain, integers: integersOnly)
    }

    private func acceptsAnyString(_ type: LuaType) -> Bool { type.members.contains { $0 == .string || $0 == .any } }
    private func acceptsOnlyIntegers(_ type: LuaType) -> Bool {
        let all = type.members
        return all.contains(.integer) && !all.contains(.number) && !all.contains(.any)
    }

    private func add(_ type: LuaType) {
        switch type {
        case .any:
            mask = .max
            anyUserdata = true
            recordOnly = false
        case .null: mask |= 1 << LUA_TNIL
        case .boolean: mask |= 1 << LUA_TBOOLEAN
        case .integer, .number: mask |= 1 << LUA_TNUMBER
        case .string: mask |= 1 << LUA_TSTRING
        case .literal(let text):
            mask |= 1 << LUA_TSTRING
            literals.append(text)
        case .function, .callback: mask |= 1 << LUA_TFUNCTION
        case .table, .array, .map:
            mask |= 1 << LUA_TTABLE
            recordOnly = false
        case .record(let fields, let open):
            mask |= 1 << LUA_TTABLE
            isOpen = open
            fieldTests = fields.map { TypeTest($0.type, optional: $0.isOptional) }
        case .instance(let name):
            mask |= 1 << LUA_TUSERDATA
            classes.append(name)
        case .union(let types): types.forEach(add)
        case .named(_, let type): add(type)
        }
    }

    /// A table that the union takes as a list rather than as options.
    func isTableOfOtherKind(_ L: OpaquePointer, _ slot: Int32) -> Bool { !recordOnly && lua_rawlen(L, slot) > 0 }

    func accepts(_ L: OpaquePointer, _ slot: Int32) -> Bool {
        let kind = lua_type(L, slot)
        guard mask & (1 << UInt16(truncatingIfNeeded: max(kind, 0))) != 0 else { return false }
        switch kind {
        case LUA_TUSERDATA where !anyUserdata: return acceptsObject(L, slot)
        case LUA_TNUMBER where integersOnly: return isIntegral(L, slot)
        case LUA_TSTRING where !literals.isEmpty: return literals.contains(Stack.lossyString(L, slot))
        default: return true
        }
    }

    private func isIntegral(_ L: OpaquePointer, _ slot: Int32) -> Bool {
        var exact: Int32 = 0
        _ = lua_tointegerx(L, slot, &exact)
        return exact != 0
    }

    private func acceptsObject(_ L: OpaquePointer, _ slot: Int32) -> Bool {
        guard let box = shim_tobox(L, slot), let pointer = box.pointee.type else { return false }
        let name = Unmanaged<LuaClass>.fromOpaque(pointer).takeUnretainedValue().name
        guard classes.contains(name) else { return false }
        fast?.pointee.lastClass = UnsafeRawPointer(pointer)
        return true
    }

    /// `integer expected, got string`
    func complaint(_ L: OpaquePointer, _ slot: Int32) -> String {
        let kind = lua_type(L, slot)
        let got: String =
            switch kind {
            case LUA_TNUMBER where mask & (1 << LUA_TNUMBER) != 0: Stack.describe(L, slot)
            case LUA_TSTRING where !literals.isEmpty: "\"\(Stack.lossyString(L, slot))\""
            default: Stack.typeName(L, slot)
            }
        return "\(type.expectation) expected, got \(got)"
    }

    func hint(_ L: OpaquePointer, _ slot: Int32) -> String? {
        guard lua_type(L, slot) == LUA_TSTRING, !literals.isEmpty else { return nil }
        return suggestion(for: Stack.lossyString(L, slot), in: literals)
    }
}
