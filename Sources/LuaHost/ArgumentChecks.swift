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

/// The signature of a function in the form that is fast to check: per parameter a bit mask of the Lua
/// types it takes. Elements of lists are checked when they are read.
final class ArgumentChecks {
    let parameters: [Parameter]
    private let tests: [TypeTest]
    private let variadic: Int?
    /// One per parameter.
    private let fast: UnsafeMutablePointer<FastTest>
    private let fastCount: Int
    /// Whether further arguments are an error.
    private let strict: Bool
    /// Whether a parameter follows the `...`.
    private let hasTrailing: Bool
    /// The place of the option table among the parameters.
    let optionsIndex: Int?
    let isEmpty: Bool

    nonisolated(unsafe) static let none = ArgumentChecks(Signature(parameters: [], results: []), strict: false)  // immutable

    init(_ signature: Signature, strict: Bool) {
        parameters = signature.parameters
        fastCount = parameters.count
        fast = .allocate(capacity: fastCount + 1)
        fast.initialize(repeating: FastTest(), count: fastCount + 1)
        let fast = self.fast
        tests = parameters.enumerated().map { TypeTest($1.type, optional: $1.isOptional, fast: fast + $0) }
        variadic = parameters.firstIndex(where: \.isVariadic)
        optionsIndex = parameters.lastIndex { $0.type.fields != nil && !$0.isVariadic }
        self.strict = strict
        hasTrailing = variadic != nil && parameters.count > variadic! + 1
        isEmpty = parameters.isEmpty && !strict
    }

    deinit { fast.deallocate() }

    /// Whether the arguments are surely what the signature says; false means: look closer.
    @inline(__always)
    func acceptsFast(_ call: Call) -> Bool {
        let L = call.L, base = call.base
        let fixed = variadic ?? fastCount
        for i in 0..<fixed where !fast[i].accepts(L, base + Int32(i + 1)) { return false }
        guard call.count > fixed else { return true }
        guard variadic != nil else { return !strict }
        if hasTrailing, lua_type(L, base + Int32(call.count)) == LUA_TTABLE { return false }
        for i in fixed..<call.count where !fast[fixed].accepts(L, base + Int32(i + 1)) { return false }
        return true
    }

    /// Throws `argument` unless the arguments are what the signature says.
    func verify(_ call: Call) throws {
        let L = call.L, base = call.base
        let fixed = variadic ?? parameters.count
        for i in 0..<fixed where !tests[i].accepts(L, base + Int32(i + 1)) {
            throw mismatch(call, argument: i + 1, parameter: i)
        }
        if let variadic {
            var last = call.count
            if parameters.count > variadic + 1 {
                if hasTrailingOptions(call) {
                    guard tests[variadic + 1].accepts(L, base + Int32(last)) else {
                        throw mismatch(call, argument: last, parameter: variadic + 1)
                    }
                    last -= 1
                }
            }
            if last > variadic {
                for i in variadic..<last where !tests[variadic].accepts(L, base + Int32(i + 1)) {
                    throw mismatch(call, argument: i + 1, parameter: variadic)
                }
            }
        } else if strict && call.count > fixed {
            for i in fixed..<call.count where lua_type(L, base + Int32(i + 1)) > LUA_TNIL {
                throw OpahError(.argument, "\(call.function.path): takes \(fixed == 0 ? "no arguments" : fixed == 1 ? "1 argument" : "at most \(fixed) arguments"), got \(call.count)",
                                hint: call.usageHint)
            }
        }
        guard let optionsIndex, let slot = optionsSlot(call), let fields = parameters[optionsIndex].type.fields else { return }
        try verifyFields(call, slot, fields, tests[optionsIndex])
    }

    /// With `(...: integer, opts?: {...})` the last argument is the option table when it is a table
    /// without a list part.
    private func hasTrailingOptions(_ call: Call) -> Bool {
        let last = call.base + Int32(call.count)
        guard call.count > 0, lua_type(call.L, last) == LUA_TTABLE, lua_rawlen(call.L, last) == 0 else { return false }
        // `zeros({})`: an empty list of sizes.
        return call.count > 1 || !tests[variadic!].takesTables || shim_has_fields(call.L, last)
    }

    /// The stack slot of the option table, nil when none was passed.
    func optionsSlot(_ call: Call) -> Int32? {
        guard let optionsIndex else { return nil }
        if let variadic, optionsIndex > variadic {
            return hasTrailingOptions(call) ? call.base + Int32(call.count) : nil
        }
        let slot = call.base + Int32(optionsIndex + 1)
        return lua_type(call.L, slot) == LUA_TTABLE ? slot : nil
    }

    /// How many arguments the `...` has.
    func variadicRange(_ call: Call) -> Range<Int> {
        guard let variadic else { return call.count..<call.count }
        let end = parameters.count > variadic + 1 && hasTrailingOptions(call) ? call.count - 1 : call.count
        return min(variadic, end)..<end
    }

    private func mismatch(_ call: Call, argument: Int, parameter: Int) -> OpahError {
        // `x.scale(2)` for `x:scale(2)`: the first complaint would be about the wrong argument.
        if call.function.role == .method, shim_tobox(call.L, 1) == nil {
            return call.receiverMismatch(String(call.function.path.prefix { $0 != ":" }))
        }
        let declared = parameters[parameter]
        let name = declared.isVariadic ? "" : " (\(declared.name))"
        return OpahError(.argument, "\(call.function.path): argument \(argument)\(name): \(tests[parameter].complaint(call.L, call.base + Int32(argument)))",
                         hint: tests[parameter].hint(call.L, call.base + Int32(argument)) ?? call.receiverHint)
    }

    /// Every key must be declared and every value of its type; nothing required may be missing.
    private func verifyFields(_ call: Call, _ slot: Int32, _ fields: [Parameter], _ test: TypeTest, path: String = "") throws {
        let L = call.L
        if test.isTableOfOtherKind(L, slot) { return }
        guard lua_checkstack(L, 8) != 0 else { throw OpahError(.argument, "\(call.function.path): the stack is full") }
        let hasDefaults = lua_getmetatable(L, slot) != 0
        if hasDefaults { shim_pop(L, 1) }
        var seen: Set<String> = []
        // No allocation by Lua and no call happens in this loop, so nothing can change the table under `lua_next`.
        lua_pushnil(L)
        while lua_next(L, slot) != 0 {
            let key: String? = lua_type(L, -2) == LUA_TSTRING ? Stack.lossyString(L, -2) : nil
            let value = lua_gettop(L)
            guard let key, let index = fields.firstIndex(where: { $0.name == key }) else {
                if test.isOpen { shim_pop(L, 1); continue }
                let shown = key ?? "[\(Stack.describe(L, -2))]"
                let error = OpahError(.argument, "\(call.function.path): unknown option '\(path)\(shown)'",
                                      hint: suggestion(for: shown, in: fields.map(\.name))
                                        ?? "the options are " + fields.map(\.name).joined(separator: ", "))
                shim_pop(L, 2)
                throw error
            }
            let inner = test.fieldTests[index]
            guard inner.accepts(L, value) else {
                let error = OpahError(.argument, "\(call.function.path): option '\(path)\(key)': \(inner.complaint(L, value))",
                                      hint: inner.hint(L, value))
                shim_pop(L, 2)
                throw error
            }
            if let nested = fields[index].type.fields, lua_type(L, value) == LUA_TTABLE {
                do { try verifyFields(call, value, nested, inner, path: path + key + ".") }
                catch {
                    shim_pop(L, 2)
                    throw error
                }
            }
            if !fields[index].isOptional { seen.insert(key) }
            shim_pop(L, 1)
        }
        guard !hasDefaults else { return }
        for field in fields where !field.isOptional && !seen.contains(field.name) {
            throw OpahError(.argument, "\(call.function.path): option '\(path)\(field.name)' is missing (\(field.type.expectation))",
                            hint: call.usageHint)
        }
    }
}

/// Whether a table has any entry at all.
private func shim_has_fields(_ L: OpaquePointer, _ slot: Int32) -> Bool {
    lua_pushnil(L)
    guard lua_next(L, slot) != 0 else { return false }
    shim_pop(L, 2)
    return true
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

    private func members(_ type: LuaType) -> [LuaType] {
        if case .union(let types) = type { types } else { [type] }
    }
    private func acceptsAnyString(_ type: LuaType) -> Bool { members(type).contains { $0 == .string || $0 == .any } }
    private func acceptsOnlyIntegers(_ type: LuaType) -> Bool {
        let all = members(type)
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
        let got: String = switch kind {
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
