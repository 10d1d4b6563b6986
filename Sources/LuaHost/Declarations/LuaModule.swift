import CLua
import LuaShim
import Support

/// A module that Lua code gets with `require`, declared in Swift:
///
///     let audio = LuaModule("opah.audio", "Reading, writing and measuring sound.") { m in
///         m.function("resample", "(samples: Tensor, from_rate: integer, to_rate: integer) -> Tensor",
///                    "Samples [T] or [channels, T] (float32) at another rate in Hz.") { call in ... }
///     }
public final class LuaModule: @unchecked Sendable {   // only used on the interpreter's thread
    /// What `require` takes: `opah.audio`.
    public let name: String
    public let doc: String
    private let build: (ModuleBuilder) -> Void
    private var content: ModuleBuilder?

    /// `declare` runs when the module is first required or asked about.
    public init(_ name: String, _ doc: String, _ declare: @escaping (ModuleBuilder) -> Void) {
        self.name = name
        self.doc = doc
        build = declare
    }

    /// `audio`: what messages and help put in front of a function's name.
    public var shortName: String { name.split(separator: ".").last.map(String.init) ?? name }

    private var declared: ModuleBuilder {
        if let content { return content }
        let builder = ModuleBuilder(shortName)
        content = builder
        build(builder)
        return builder
    }

    /// Functions and constants.
    public var declarations: [Declaration] { declared.declarations }
    public var classes: [LuaClass] { declared.classes }
    /// Modules that are fields of this one, loaded when first touched.
    public var submodules: [(field: String, module: String)] { declared.submodules }

    func member(_ name: String) -> Declaration? {
        declarations.first { $0.name == name }
            ?? declared.methodsOf?.member(name).flatMap { $0.role == .method ? $0 : nil }
    }

    /// The class whose methods are functions of this module too.
    var methodsOf: LuaClass? { declared.methodsOf }

    /// What `module(...)` does.
    var call: Declaration? { declared.call }

    /// Pushes the module's table.
    func pushTable(_ L: OpaquePointer) throws {
        let stack = Stack(L), interpreter = Interpreter.of(L)
        try stack.reserve(8)
        stack.pushTable(fields: declarations.count)
        for declaration in declarations where declaration.role == .function {
            stack.push(declaration.name)
            shim_pushfunction(L, interpreter.stand(for: declaration).opaque)
            lua_rawset(L, -3)
        }
        for (name, value) in declared.constants { try stack.setField(name, value()) }
        stack.pushTable(fields: 3)
        stack.push("__index")
        shim_pushfunction(L, missing.opaque)
        lua_rawset(L, -3)
        try stack.setField("__name", name)
        if let call = declared.call {
            stack.push("__call")
            shim_pushfunction(L, interpreter.stand(for: call).opaque)
            lua_rawset(L, -3)
        }
        lua_setmetatable(L, -2)
    }

    /// A field that is not there: a submodule to load, a method as a function, else an error with the nearest names.
    private lazy var missing = Declaration(.hidden, "__index", path: name, "", "") { [unowned self] call in
        guard lua_type(call.L, 2) == LUA_TSTRING else { return .none }
        let key = Stack.lossyString(call.L, 2)
        if let submodule = declared.submodules.first(where: { $0.field == key }) {
            try call.interpreter.pushRequired(call.L, submodule.module)
            call.stack.push(key)
            lua_pushvalue(call.L, -2)
            lua_rawset(call.L, 1)
            return Results(count: 1)
        }
        if let method = member(key) {
            shim_pushfunction(call.L, call.interpreter.stand(for: method).opaque)
            call.stack.push(key)
            lua_pushvalue(call.L, -2)
            lua_rawset(call.L, 1)
            return Results(count: 1)
        }
        let methods = declared.methodsOf?.declarations.filter { $0.role == .method }.map(\.name) ?? []
        throw OpahError(
            .argument, "\(name): no field '\(key)'",
            hint: declared.otherNames[key] ?? declared.methodsOf?.otherNames[key]
                ?? suggestion(for: key, in: declarations.map(\.name) + declared.submodules.map(\.field) + methods))
    }
}

/// Declares the content of a module.
public final class ModuleBuilder {
    private let shortName: String
    private(set) var declarations: [Declaration] = []
    private(set) var constants: [(name: String, value: () -> any LuaPushable)] = []
    private(set) var classes: [LuaClass] = []
    private(set) var submodules: [(field: String, module: String)] = []
    private(set) var methodsOf: LuaClass?
    private(set) var call: Declaration?
    private(set) var otherNames: [String: String] = [:]

    init(_ shortName: String) { self.shortName = shortName }

    /// `module.name(...)`.
    /// - Parameters:
    ///   - signature: `(samples: Tensor, rate: integer, opts?: {width?: integer = 6}) -> Tensor`; see `LuaType`.
    ///   - doc: one paragraph: shapes, units, index base, errors.
    ///   - settings: the options that configurations have keys for (`OptionTable.settings`).
    ///   - finishes: it also runs to its end while Lua is being stopped by Ctrl-C: for functions that save.
    ///   - body: reads from the call, returns `call.push(...)` or `.none`.
    public func function(
        _ name: String, _ signature: String, _ doc: String, example: String? = nil, forms: [String] = [],
        settings: [OptionSetting] = [], finishes: Bool = false, _ body: @escaping Body
    ) {
        declarations.append(
            Declaration(
                .function, name, path: "\(shortName).\(name)", signature, doc, example: example, forms: forms,
                settings: settings, body: finishes ? { call in try Interrupts.finishing { try body(call) } } : body))
    }

    /// `module.name`, a value. It is made when the module is loaded.
    public func constant(
        _ name: String, _ type: String, _ doc: String, example: String? = nil,
        _ value: @autoclosure @escaping () -> any LuaPushable
    ) {
        declarations.append(
            Declaration(.constant, name, path: "\(shortName).\(name)", type, doc, example: example) { _ in .none })
        constants.append((name, value))
    }

    /// The methods of a class may also be called as functions of this module: `tensor.exp(t)` for `t:exp()`.
    public func methods(of type: LuaClass) { methodsOf = type }

    /// Hints for unknown names: what to write instead of `json.loads`, where spelling alone would not lead there.
    public func otherNames(_ hints: [String: String]) { otherNames = hints }

    /// Lists a class in this module's documentation and stubs.
    public func type(_ type: LuaClass) { classes.append(type) }

    /// `module.field` loads the module of that name when first touched.
    public func submodule(_ field: String, _ module: String) { submodules.append((field, module)) }

    /// `module(...)`; the arguments start at 1.
    public func callable(_ signature: String, _ doc: String, _ body: @escaping Body) {
        call = Declaration(.function, "__call", path: shortName, signature, doc, receivers: 1, body: body)
    }

    /// Another name for a function declared above.
    public func alias(_ name: String, of existing: String) {
        guard let original = declarations.first(where: { $0.name == existing }) else { return }
        declarations.append(
            Declaration(
                original.role, name, path: "\(shortName).\(name)", original.signatureText,
                "Another name for `\(existing)`. \(original.doc)", example: original.example, body: original.body))
    }
}
