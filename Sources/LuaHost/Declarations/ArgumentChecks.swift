import CLua
import LuaShim
import Support

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
    /// What options are when they are left out.
    var defaults = OptionDefaults()

    // immutable
    nonisolated(unsafe) static let none = ArgumentChecks(Signature(parameters: [], results: []), strict: false)

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
        for i in 0 ..< fixed where !fast[i].accepts(L, base + Int32(i + 1)) { return false }
        guard call.count > fixed else { return true }
        guard variadic != nil else { return !strict }
        if hasTrailing, lua_type(L, base + Int32(call.count)) == LUA_TTABLE { return false }
        for i in fixed ..< call.count where !fast[fixed].accepts(L, base + Int32(i + 1)) { return false }
        return true
    }

    /// Throws `argument` unless the arguments are what the signature says.
    func verify(_ call: Call) throws {
        let L = call.L, base = call.base
        let fixed = variadic ?? parameters.count
        for i in 0 ..< fixed where !tests[i].accepts(L, base + Int32(i + 1)) {
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
                for i in variadic ..< last where !tests[variadic].accepts(L, base + Int32(i + 1)) {
                    throw mismatch(call, argument: i + 1, parameter: variadic)
                }
            }
        } else if strict && call.count > fixed {
            for i in fixed ..< call.count where lua_type(L, base + Int32(i + 1)) > LUA_TNIL {
                throw OpahError(
                    .argument,
                    "\(call.function.path): takes \(fixed == 0 ? "no arguments" : fixed == 1 ? "1 argument" : "at most \(fixed) arguments"), got \(call.count)",
                    hint: call.usageHint.map {
                        fixed == 0
                            ? $0
                            : $0 + "; of a call in last place all results are passed, in parentheses only the first"
                    })
            }
        }
        guard let optionsIndex, let slot = optionsSlot(call), let fields = parameters[optionsIndex].type.fields else {
            return
        }
        try verifyFields(call, slot, fields, tests[optionsIndex])
    }

    /// With `(...: integer, opts?: {...})` the last argument is the option table when it is a table
    /// without a list part.
    private func hasTrailingOptions(_ call: Call) -> Bool {
        let last = call.base + Int32(call.count)
        guard call.count > 0, lua_type(call.L, last) == LUA_TTABLE, lua_rawlen(call.L, last) == 0 else { return false }
        // `zeros({})`: an empty list of sizes.
        return call.count > 1 || !tests[variadic!].takesTables || hasEntries(call.L, last)
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
        guard let variadic else { return call.count ..< call.count }
        let end = parameters.count > variadic + 1 && hasTrailingOptions(call) ? call.count - 1 : call.count
        return min(variadic, end) ..< end
    }

    private func mismatch(_ call: Call, argument: Int, parameter: Int) -> OpahError {
        // `x.scale(2)` for `x:scale(2)`: the first complaint would be about the wrong argument.
        if call.function.role == .method, shim_tobox(call.L, 1) == nil {
            return call.receiverMismatch(String(call.function.path.prefix { $0 != ":" }))
        }
        let declared = parameters[parameter]
        let name = declared.isVariadic ? "" : " (\(declared.name))"
        let slot = call.base + Int32(argument)
        return OpahError(
            .argument,
            "\(call.function.shownPath): argument \(argument)\(name): \(tests[parameter].complaint(call.L, slot))",
            hint: tests[parameter].hint(call.L, slot) ?? optionHint(call, parameter, slot) ?? call.usageHint)
    }

    /// For a value that would do as an option, as in `t:mean(2, true)`, and for options that stand too early.
    private func optionHint(_ call: Call, _ parameter: Int, _ slot: Int32) -> String? {
        guard let optionsIndex, let fields = parameters[optionsIndex].type.fields else { return nil }
        let own = parameter == optionsIndex || parameters[parameter].isVariadic
        switch lua_type(call.L, slot) {
        case LUA_TBOOLEAN where own, LUA_TNUMBER where own, LUA_TSTRING where own:
            if let fitting = fields.indices.first(where: { tests[optionsIndex].fieldTests[$0].accepts(call.L, slot) }) {
                return "options are a table: { \(fields[fitting].name) = \(Stack.describe(call.L, slot)) }"
            }
            if parameter > 0, lua_type(call.L, slot) == LUA_TNUMBER, !parameters[parameter - 1].isVariadic,
                tests[parameter - 1].takesTables
            {
                return
                    "several values of \(parameters[parameter - 1].name) are one list, {1, 2}; options are a table: { \(fields[0].name) = ... }"
            }
        case LUA_TTABLE where parameter < optionsIndex && !own && lua_rawlen(call.L, slot) == 0:
            // What stands between them can be left out as nil.
            guard parameters[parameter ..< optionsIndex].allSatisfy(\.isOptional) else { return nil }
            let given =
                Array(repeating: "...", count: parameter) + Array(repeating: "nil", count: optionsIndex - parameter) + [
                    "{ \(fields[0].name) = ... }"
                ]
            return
                "options come last, nil leaves out what stands before: \(call.function.name)(\(given.joined(separator: ", ")))"
        default: break
        }
        return nil
    }

    /// Every key must be declared and every value of its type; nothing required may be missing.
    private func verifyFields(
        _ call: Call, _ slot: Int32, _ fields: [Parameter], _ test: TypeTest, path: String = ""
    ) throws {
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
                let error = OpahError(
                    .argument, "\(call.function.path): unknown option '\(path)\(shown)'",
                    hint: suggestion(for: shown, in: fields.map(\.name))
                        ?? "the options are " + fields.map(\.name).joined(separator: ", "))
                shim_pop(L, 2)
                throw error
            }
            let inner = test.fieldTests[index]
            guard inner.accepts(L, value) else {
                let error = OpahError(
                    .argument, "\(call.function.path): option '\(path)\(key)': \(inner.complaint(L, value))",
                    hint: inner.hint(L, value))
                shim_pop(L, 2)
                throw error
            }
            if let nested = fields[index].type.fields, lua_type(L, value) == LUA_TTABLE {
                do { try verifyFields(call, value, nested, inner, path: path + key + ".") } catch {
                    shim_pop(L, 2)
                    throw error
                }
            }
            if !fields[index].isOptional { seen.insert(key) }
            shim_pop(L, 1)
        }
        guard !hasDefaults else { return }
        for field in fields where !field.isOptional && !seen.contains(field.name) {
            throw OpahError(
                .argument,
                "\(call.function.path): option '\(path)\(field.name)' is missing (\(field.type.expectation))",
                hint: call.usageHint)
        }
    }
}

/// Whether a table has any entry at all.
private func hasEntries(_ L: OpaquePointer, _ slot: Int32) -> Bool {
    lua_pushnil(L)
    guard lua_next(L, slot) != 0 else { return false }
    shim_pop(L, 2)
    return true
}

/// Default values of options as Swift values, by name and type. A function reads a handful of options, so that
/// looking through them costs less than hashing.
struct OptionDefaults {
    private class Entry {
        let name: String, type: ObjectIdentifier
        init(_ name: String, _ type: ObjectIdentifier) { (self.name, self.type) = (name, type) }
    }

    private final class Value<T>: Entry {
        let value: T
        init(_ name: String, _ value: T) {
            self.value = value
            super.init(name, ObjectIdentifier(T.self))
        }
    }

    private var entries: [Entry] = []

    func value<T>(_ name: String) -> T? {
        let type = ObjectIdentifier(T.self)
        for entry in entries where entry.type == type && entry.name == name {
            return unsafeDowncast(entry, to: Value<T>.self).value
        }
        return nil
    }

    mutating func add<T>(_ name: String, _ value: T) { entries.append(Value(name, value)) }
}
