import CLua
import LuaShim
import Support

/// How many values a native function has pushed as its results.
public struct Results {
    @usableFromInline let count: Int32
    @inlinable init(count: Int32) { self.count = count }
    /// No result.
    @inlinable public static var none: Results { Results(count: 0) }
}

/// One call of a native function: its arguments, numbered from 1 (a method's receiver does not count),
/// its options, and the way to give results.
///
/// The declared signature has been checked already. Where it names a default, reading an absent
/// argument or option gives that default; where it does not, read an optional: `let n: Int? = try call.get(2)`.
public struct Call {
    @usableFromInline let L: OpaquePointer
    @usableFromInline unowned(unsafe) let declaration: Declaration
    /// Arguments passed, without the receiver.
    public let count: Int

    @inlinable
    init(_ L: OpaquePointer, _ declaration: Declaration, count: Int) {
        self.L = L
        self.declaration = declaration
        self.count = count
    }

    @usableFromInline var base: Int32 { declaration.receivers }
    var function: Declaration { declaration }
    /// `resample` of `audio.resample`.
    public var functionName: String { declaration.name }
    public var stack: Stack { @inlinable get { Stack(L) } }
    /// The interpreter that makes the call.
    public var interpreter: Interpreter { Interpreter.of(L) }

    // MARK: results

    /// One result: `return try call.push(samples)`.
    @inlinable
    public func push(_ value: some LuaPushable) throws -> Results {
        try value.push(onto: stack)
        return Results(count: 1)
    }

    @inlinable
    public func push(_ a: some LuaPushable, _ b: some LuaPushable) throws -> Results {
        try a.push(onto: stack)
        try b.push(onto: stack)
        return Results(count: 2)
    }

    @inlinable
    public func push(_ a: some LuaPushable, _ b: some LuaPushable, _ c: some LuaPushable) throws -> Results {
        try a.push(onto: stack)
        try b.push(onto: stack)
        try c.push(onto: stack)
        return Results(count: 3)
    }

    /// A table with named values: `call.push(fields: ["frames": n, "format": "wav"])`.
    public func push(fields: Fields) throws -> Results { try push(fields) }

    /// Every element as a result of its own.
    public func push(all values: some Collection<any LuaPushable>) throws -> Results {
        try stack.reserve(values.count + 4)
        for value in values { try value.push(onto: stack) }
        return Results(count: Int32(values.count))
    }

    /// A byte string that need not be UTF-8.
    public func push(bytes: some Collection<UInt8>) throws -> Results {
        stack.push(bytes: bytes)
        return Results(count: 1)
    }

    /// An argument itself, for methods that return their receiver (0) or an argument.
    @inlinable
    public func pass(_ argument: Int) -> Results {
        lua_pushvalue(L, base + Int32(argument))
        return Results(count: 1)
    }

    // MARK: arguments

    /// Any readable type, by inference: `let rate: Int = try call.get(2)`, `let dims: [Int]? = try call.get(3)`.
    public func get<T: LuaReadable>(_ argument: Int, as type: T.Type = T.self) throws -> T {
        let index = base + Int32(argument)
        if lua_type(L, index) <= LUA_TNIL, let literal = parameter(argument)?.defaultValue, let value = T.from(literal)
        {
            return value
        }
        do throws(Mismatch) { return try T.read(stack, index) } catch { throw complaint(argument, error) }
    }

    @inlinable
    public func integer(_ argument: Int) throws -> Int {
        let index = base + Int32(argument)
        return lua_isinteger(L, index) != 0 ? Int(lua_tointegerx(L, index, nil)) : try get(argument)
    }

    @inlinable
    public func number(_ argument: Int) throws -> Double { try numberIfAny(argument) ?? get(argument) }

    public func boolean(_ argument: Int) throws -> Bool { try get(argument) }
    /// Text; must be UTF-8.
    public func string(_ argument: Int) throws -> String { try get(argument) }
    /// A string's bytes, whatever they are.
    public func bytes(_ argument: Int) throws -> [UInt8] { try get(argument, as: LuaBytes.self).bytes }
    public func integers(_ argument: Int) throws -> [Int] { try get(argument) }
    public func numbers(_ argument: Int) throws -> [Double] { try get(argument) }
    public func strings(_ argument: Int) throws -> [String] { try get(argument) }
    public func table(_ argument: Int) throws -> LuaTable { try get(argument) }
    /// A Lua function that may be called now or kept; it cannot yield.
    public func function(_ argument: Int) throws -> LuaFunction { try get(argument) }
    public func value(_ argument: Int) throws -> LuaValue { try get(argument) }

    /// An object: `let samples = try call.object(1, as: Tensor.self)`.
    @inlinable
    public func object<T: LuaObject>(_ argument: Int, as type: T.Type = T.self) throws -> T {
        try objectIfAny(argument) ?? get(argument)
    }

    /// The argument when it is an object of this class, nil for any other value: for `Tensor|number`.
    /// Throws when the object is closed.
    @inlinable
    public func objectIfAny<T: LuaObject>(_ argument: Int, as type: T.Type = T.self) throws -> T? {
        guard let box = shim_tobox(L, base + Int32(argument)) else { return nil }
        guard let object = box.pointee.object else { throw closedError(argument) }
        return Unmanaged<AnyObject>.fromOpaque(object).takeUnretainedValue() as? T
    }

    /// The argument when it is a number, nil for any other value.
    @inlinable
    public func numberIfAny(_ argument: Int) -> Double? {
        let index = base + Int32(argument)
        return lua_type(L, index) == LUA_TNUMBER ? lua_tonumberx(L, index, nil) : nil
    }

    @inlinable public func isNil(_ argument: Int) -> Bool { lua_type(L, base + Int32(argument)) <= LUA_TNIL }
    @inlinable public func isTable(_ argument: Int) -> Bool { lua_type(L, base + Int32(argument)) == LUA_TTABLE }
    @inlinable public func isString(_ argument: Int) -> Bool { lua_type(L, base + Int32(argument)) == LUA_TSTRING }
    @inlinable public func isFunction(_ argument: Int) -> Bool { lua_type(L, base + Int32(argument)) == LUA_TFUNCTION }
    @inlinable public func isNumber(_ argument: Int) -> Bool { lua_type(L, base + Int32(argument)) == LUA_TNUMBER }
    /// Whether it is a number of Lua's integer kind: 2, not 2.0.
    @inlinable public func isInteger(_ argument: Int) -> Bool { lua_isinteger(L, base + Int32(argument)) != 0 }

    /// The arguments of the `...` part, without a trailing option table.
    public var variadicRange: Range<Int> {
        guard let checks = try? declaration.argumentChecks() else { return count ..< count }
        let range = checks.variadicRange(self)
        return range.lowerBound + 1 ..< range.upperBound + 1
    }

    /// The `...` part as an array: `let shape: [Int] = try call.variadic()`. One table in its place counts
    /// as the list of them: `zeros(2, 3)` and `zeros({2, 3})`.
    public func variadic<T: LuaReadable>(as type: T.Type = T.self) throws -> [T] {
        let range = variadicRange
        if range.count == 1, isTable(range.lowerBound), T.self != LuaTable.self, T.self != LuaValue.self {
            return try get(range.lowerBound)
        }
        return try range.map { try get($0) }
    }

    // MARK: options

    /// The option table of the signature: `{width?: integer = 6}`.
    public var options: Options {
        get throws {
            let checks = try declaration.argumentChecks()
            let fields = checks.optionsIndex.flatMap { checks.parameters[$0].type.fields } ?? []
            return Options(L, checks.optionsSlot(self), fields, owner: declaration.path, path: "")
        }
    }

    /// An option, or its declared default: `let width: Int = try call.option("width")`.
    public func option<T: LuaReadable>(_ name: String, as type: T.Type = T.self) throws -> T {
        let checks = try declaration.argumentChecks()
        // Most calls name no options: their defaults are converted once.
        guard checks.optionsSlot(self) == nil else { return try options.get(name) }
        if let known: T = checks.defaults.value(name) { return known }
        let value: T = try options.get(name)
        checks.defaults.add(name, value)
        return value
    }

    // MARK: errors

    private func parameter(_ argument: Int) -> Parameter? {
        guard argument > 0, let checks = try? declaration.argumentChecks() else { return nil }
        if argument <= checks.parameters.count { return checks.parameters[argument - 1] }
        return checks.parameters.last(where: \.isVariadic)
    }

    private func complaint(_ argument: Int, _ mismatch: Mismatch) -> OpahError {
        if argument == 0 { return error("\(mismatch.problem)", hint: receiverHint) }
        let name = parameter(argument).flatMap { $0.isVariadic || $0.name.isEmpty ? nil : " (\($0.name))" } ?? ""
        return error("argument \(argument)\(name)\(mismatch.path): \(mismatch.problem)")
    }

    @usableFromInline
    func closedError(_ argument: Int) -> OpahError {
        complaint(argument, Mismatch("the \(Stack.typeName(L, base + Int32(argument))) was used after it was closed"))
    }

    /// An error of kind `argument` with the function's name in front.
    public func error(_ message: String, hint: String? = nil) -> OpahError {
        OpahError(.argument, "\(declaration.shownPath): \(message)", hint: hint)
    }

    /// An error about one argument: `throw call.error(at: 2, "must be positive")`.
    public func error(at argument: Int, _ message: String, hint: String? = nil) -> OpahError {
        var error = complaint(argument, Mismatch(message))
        error.hint = hint
        return error
    }

    /// None of operators and properties, which people do not call by name.
    var usageHint: String? {
        declaration.role != .function && declaration.role != .method
            ? nil : (try? declaration.signature()).map { "\(declaration.path)\($0.usage)" }
    }

    /// `t.add(x)` for `t:add(x)` passes the wrong thing as receiver.
    var receiverHint: String? {
        declaration.role == .method ? "methods are called with a colon: x:\(declaration.name)(...)" : nil
    }
}

extension Call {
    /// Gives up the receiver's object at once, as the end of a `<close>` variable does: for methods like `t:free()`.
    public func closeReceiver() { _ = shim_collect(L) }

    /// The receiver of a method, property or indexer.
    @inlinable
    func receiver<T: LuaObject>(as type: T.Type) throws -> T {
        if let box = shim_tobox(L, 1), let object = box.pointee.object,
            let value = Unmanaged<AnyObject>.fromOpaque(object).takeUnretainedValue() as? T
        {
            return value
        }
        throw receiverMismatch(T.luaClass.name)
    }

    @usableFromInline
    func receiverMismatch(_ name: String) -> OpahError {
        if let box = shim_tobox(L, 1), box.pointee.object == nil {
            return error(
                "the \(Stack.typeName(L, 1)) was used after it was closed",
                hint: "`local x <close>` gives it up at the end of its block; clone it to keep it longer")
        }
        return error(
            "called on \(Stack.typeName(L, 1) == "no value" ? "nothing" : "a \(Stack.typeName(L, 1))") instead of a \(name)",
            hint: receiverHint)
    }
}

/// The fields of an option table, with the defaults of the signature.
public struct Options {
    private let L: OpaquePointer
    /// The table's stack slot, nil when it was left out.
    private let slot: Int32?
    private let fields: [Parameter]
    let owner: String
    private let path: String

    init(_ L: OpaquePointer, _ slot: Int32?, _ fields: [Parameter], owner: String, path: String) {
        (self.L, self.slot, self.fields, self.owner, self.path) = (L, slot, fields, owner, path)
    }

    /// Those that are declared.
    public var names: [String] { fields.map(\.name) }

    /// Whether it was given, as something else than nil.
    public func has(_ name: String) throws -> Bool {
        guard try pushField(name) else { return false }
        defer { shim_pop(L, 1) }
        return lua_type(L, -1) != LUA_TNIL
    }

    /// The value, else the declared default, else nil where `T` is optional.
    public func get<T: LuaReadable>(_ name: String, as type: T.Type = T.self) throws -> T {
        let field = fields.first { $0.name == name }
        var given = try pushField(name)
        if given, lua_type(L, -1) == LUA_TNIL, field?.defaultValue != nil {
            shim_pop(L, 1)
            given = false
        }
        if !given {
            if let literal = field?.defaultValue, let value = T.from(literal) { return value }
            lua_pushnil(L)
        }
        do { return try Stack(L).take(T.self) } catch {
            throw OpahError(.argument, "\(owner): option '\(path)\(name)'\(error.path): \(error.problem)")
        }
    }

    /// An option table inside this one, empty when it was left out.
    public func nested(_ name: String) throws -> Options {
        let inner = fields.first { $0.name == name }?.type.fields ?? []
        guard try pushField(name) else { return Options(L, nil, inner, owner: owner, path: path + name + ".") }
        // The table stays on the stack until the call is over.
        let table = lua_type(L, -1) == LUA_TTABLE ? lua_gettop(L) : nil
        return Options(L, table, inner, owner: owner, path: path + name + ".")
    }

    private func pushField(_ name: String) throws -> Bool {
        guard let slot else { return false }
        try Stack(L).reserve(8)
        lua_pushvalue(L, slot)
        Stack(L).push(name)
        try getField(L)
        return true
    }
}
