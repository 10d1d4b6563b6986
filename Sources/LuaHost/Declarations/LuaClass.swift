import CLua
import LuaShim
import Support

/// A Swift class whose instances Lua code may hold.
///
///     extension Tensor: LuaObject {
///         public static let luaClass = LuaClass("Tensor", of: Tensor.self, "An array of numbers.") { c in
///             c.method("sum", "(dim?: integer) -> Tensor", "The sum over `dim` (1-based), or over all.") { t, call in
///                 try call.push(t.sum(dim: call.get(1)))
///             }
///         }
///     }
public protocol LuaObject: AnyObject, LuaPushable, LuaReadable {
    static var luaClass: LuaClass { get }
}

extension LuaObject {
    @inlinable
    public func push(onto stack: Stack) throws { try stack.push(object: self, of: Self.luaClass) }

    @inlinable
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Self {
        if let box = shim_tobox(stack.L, index), let object = box.pointee.object,
            let value = Unmanaged<AnyObject>.fromOpaque(object).takeUnretainedValue() as? Self
        {
            return value
        }
        throw stack.objectMismatch(luaClass, index)
    }
}

extension Stack {
    @usableFromInline
    func objectMismatch(_ type: LuaClass, _ index: Int32) -> Mismatch {
        if let box = shim_tobox(L, index), box.pointee.object == nil {
            return Mismatch("the \(Stack.typeName(L, index)) was used after it was closed")
        }
        return .expected(type.name, L, index)
    }
}

/// What Lua sees of a Swift class: methods, properties, operators, elements. Its metatable is made at
/// the first push of an instance.
public final class LuaClass: @unchecked Sendable {   // only used on the interpreter's thread
    public let name: String
    public let doc: String
    private let build: (LuaClass) -> Void
    private var built = false

    private var members: [Declaration] = []
    private var constantValues: [(name: String, value: any LuaPushable)] = []
    private var setters: [String: Declaration] = [:]
    private var metamethods: [Declaration] = []
    private var indexer: Declaration?
    private var newIndexer: Declaration?
    @usableFromInline var bytes: ((AnyObject) -> Int)?
    private(set) var onClose: ((AnyObject) -> Void)?
    private(set) var closes = false
    private var isLenient = false
    /// What to write instead of names that people know from elsewhere.
    private(set) var otherNames: [String: String] = [:]
    /// How to get an instance's content as plain values: what the refusal to write it as data advises.
    private(set) var asData: String?

    /// - Parameters:
    ///   - name: what signatures, messages and `__name` call it.
    ///   - doc: one paragraph.
    ///   - declare: declares the members; runs when they are first needed.
    public init<T: AnyObject>(
        _ name: String, of type: T.Type, _ doc: String, _ declare: @escaping (ClassBuilder<T>) -> Void
    ) {
        self.name = name
        self.doc = doc
        build = { declare(ClassBuilder<T>($0)) }
    }

    @usableFromInline var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private func prepare() {
        guard !built else { return }
        built = true
        build(self)
    }

    /// Methods, properties, constants and operators, in the order of declaration.
    public var declarations: [Declaration] {
        prepare()
        return members + metamethods
    }

    func member(_ name: String) -> Declaration? { declarations.first { $0.name == name } }

    // MARK: building

    func add(_ member: Declaration) { members.append(member) }
    func add(constant name: String, _ value: any LuaPushable) { constantValues.append((name, value)) }
    func add(metamethod: Declaration) { metamethods.append(metamethod) }
    func set(setter: Declaration, for name: String) { setters[name] = setter }
    func set(indexer: Declaration) { self.indexer = indexer }
    func set(newIndexer: Declaration) { self.newIndexer = newIndexer }
    func set(bytes: @escaping (AnyObject) -> Int) { self.bytes = bytes }
    func set(onClose: @escaping (AnyObject) -> Void) { (self.onClose, closes) = (onClose, true) }
    func setLenient() { isLenient = true }
    func set(otherNames: [String: String]) { self.otherNames = otherNames }
    func set(asData: String) { self.asData = asData }

    // MARK: the metatable

    /// Makes the metatable of this state and pushes it.
    @usableFromInline
    func pushMetatable(_ L: OpaquePointer) throws {
        prepare()
        let stack = Stack(L)
        try stack.reserve(12)
        stack.pushTable(fields: 12 + metamethods.count)
        try stack.setField("__name", name)
        setFunction(L, "__gc") { lua_pushcclosure(L, shim_collect, 0) }
        setFunction(L, "__close") { lua_pushcclosure(L, shim_collect, 0) }
        setFunction(L, "__eq") { shim_pushfunction(L, Self.identity.opaque) }
        setFunction(L, "__tostring") { shim_pushfunction(L, Self.plainText.opaque) }
        for declaration in metamethods where declaration.name != "__index" && declaration.name != "__newindex" {
            setFunction(L, declaration.name) { shim_pushfunction(L, declaration.opaque) }
        }

        stack.push("__index")
        stack.pushTable(fields: members.count)
        for declaration in members where declaration.role != .constant {
            stack.push(declaration.name)
            if declaration.role == .property {
                lua_pushlightuserdata(L, declaration.opaque)
            } else {
                shim_pushfunction(L, declaration.opaque)
            }
            lua_rawset(L, -3)
        }
        for (name, value) in constantValues { try stack.setField(name, value) }
        shim_pushindex(L, (indexer ?? unknownField).opaque)
        lua_rawset(L, -3)

        stack.push("__newindex")
        stack.pushTable(fields: setters.count)
        for (name, declaration) in setters {
            stack.push(name)
            lua_pushlightuserdata(L, declaration.opaque)
            lua_rawset(L, -3)
        }
        shim_pushnewindex(L, (newIndexer ?? readOnlyField).opaque)
        lua_rawset(L, -3)

        lua_pushvalue(L, -1)
        lua_rawsetp(L, shim_registry(), opaque)
    }

    private func setFunction(_ L: OpaquePointer, _ name: String, _ push: () -> Void) {
        Stack(L).push(name)
        push()
        lua_rawset(L, -3)
    }

    /// Two handles of one object are equal, unless the class says otherwise.
    private nonisolated(unsafe) static let identity = Declaration(.hidden, "__eq", path: "==", "", "") { call in
        let a = shim_tobox(call.L, 1)?.pointee.object, b = shim_tobox(call.L, 2)?.pointee.object
        return try call.push(a != nil && a == b)
    }

    fileprivate nonisolated(unsafe) static let plainText = Declaration(.hidden, "__tostring", path: "tostring", "", "")
    { call in
        let name = Stack.typeName(call.L, 1)
        guard let object = shim_tobox(call.L, 1)?.pointee.object else { return try call.push("\(name) (closed)") }
        return try call.push("\(name): 0x\(String(UInt(bitPattern: object), radix: 16))")
    }

    private lazy var unknownField = Declaration(.hidden, "__index", path: name, "", "", receivers: 1) {
        [unowned self] call in
        try unknown(call)
    }

    private lazy var readOnlyField = Declaration(.hidden, "__newindex", path: name, "", "", receivers: 1) {
        [unowned self] call in
        try refuse(call)
    }

    /// What setting a name gives that is no settable property.
    func refuse(_ call: Call) throws -> Results {
        let key = Stack.lossyString(call.L, 2)
        guard lua_type(call.L, 2) == LUA_TSTRING, let member = member(key) else {
            throw OpahError(
                .argument, "\(name): cannot set field \(Stack.describe(call.L, 2))",
                hint: lua_type(call.L, 2) == LUA_TSTRING ? suggestion(for: key, in: setters.keys) : nil)
        }
        throw OpahError(
            .argument,
            "\(name): '\(key)' is a \(member.role == .property ? "read-only property" : "\(member.role)") and cannot be set"
        )
    }

    /// What an unknown key gives: an error that names the nearest members.
    func unknown(_ call: Call) throws -> Results {
        if isLenient { return Results.none }
        guard lua_type(call.L, 2) == LUA_TSTRING else {
            throw OpahError(.index, "\(name): cannot be indexed with \(Stack.describe(call.L, 2))")
        }
        let key = Stack.lossyString(call.L, 2)
        throw OpahError(
            .argument, "\(name): no field or method '\(key)'",
            hint: otherNames[key] ?? suggestion(for: key, in: members.map(\.name)))
    }
}

/// Declares the members of a class.
public final class ClassBuilder<T: AnyObject> {
    private let target: LuaClass
    init(_ target: LuaClass) { self.target = target }

    /// How many bytes an instance keeps alive outside Lua, at the time it is pushed; the collector is
    /// driven by their sum. A view counts what it shows, not the storage it shares, and mapped files count
    /// nothing: a large number here means that collecting this object is worth a walk through Lua's heap.
    public func bytes(_ count: @escaping (T) -> Int) {
        target.set(bytes: { count(unsafeDowncast($0, to: T.self)) })
    }

    /// Runs when `local x <close>` ends or the object is collected, just before the reference is dropped.
    public func onClose(_ action: @escaping (T) -> Void) {
        target.set(onClose: { action(unsafeDowncast($0, to: T.self)) })
    }

    /// A constant of the class.
    public func constant(
        _ name: String, _ value: some LuaPushable, _ type: String, _ doc: String, example: String? = nil
    ) {
        target.add(
            Declaration(.constant, name, path: "\(target.name).\(name)", type, doc, example: example) { _ in .none })
        target.add(constant: name, value)
    }

    /// Unknown fields are nil rather than an error: for objects that are looked at like tables.
    public func unknownFieldsAreNil() { target.setLenient() }

    /// Hints for unknown names: what to write instead of `x:numpy()`, where spelling alone would not lead there.
    public func otherNames(_ hints: [String: String]) { target.set(otherNames: hints) }

    /// How to get an instance's content as plain values, for those who try to write it as JSON or settings.
    public func asData(_ hint: String) { target.set(asData: hint) }
}

extension ClassBuilder where T: LuaObject {
    /// `x:name(...)`. Arguments count from 1 after the receiver. A method that `finishes` runs to its end also
    /// while Lua is being stopped by Ctrl-C: for methods that save. For `forms` see `Declaration`.
    public func method(
        _ name: String, _ signature: String, _ doc: String, example: String? = nil, forms: [String] = [],
        finishes: Bool = false,
        _ body: @escaping (T, Call) throws -> Results
    ) {
        target.add(
            Declaration(
                .method, name, path: "\(target.name):\(name)", signature, doc, example: example, forms: forms,
                receivers: 1
            ) { call in
                let receiver = try call.receiver(as: T.self)
                return finishes ? try Interrupts.finishing { try body(receiver, call) } : try body(receiver, call)
            })
    }

    /// `x.name`, of the type that `type` says, and `x.name = v` where there is a setter (`v` is argument 1).
    public func property(
        _ name: String, _ type: String, _ doc: String, example: String? = nil,
        set: ((T, Call) throws -> Void)? = nil, _ get: @escaping (T, Call) throws -> Results
    ) {
        let getter = Declaration(
            .property, name, path: "\(target.name).\(name)", type, doc, example: example, receivers: 1
        ) {
            try get($0.receiver(as: T.self), $0)
        }
        target.add(getter)
        guard let set else { return }
        getter.isWritable = true
        target.set(
            setter: Declaration(.hidden, name, path: "\(target.name).\(name)", "(value: \(type))", doc, receivers: 1) {
                try set($0.receiver(as: T.self), $0)
                return .none
            }, for: name)
    }

    /// An operator or other metamethod: `__add`, `__len`, `__tostring`, `__call`, ... For operators all
    /// operands are arguments, and either of two may be the object: `(a: Tensor|number, b: Tensor|number) -> Tensor`.
    public func metamethod(
        _ name: String, _ signature: String, _ doc: String, example: String? = nil,
        _ body: @escaping (Call) throws -> Results
    ) {
        // A closed object can still be printed.
        let shown: Body =
            name != "__tostring"
            ? body
            : { call in
                shim_tobox(call.L, 1)?.pointee.object == nil ? try LuaClass.plainText.body(call) : try body(call)
            }
        target.add(
            metamethod: Declaration(
                .metamethod, name, path: "\(target.name).\(name)", signature, doc, example: example, body: shown))
    }

    /// `x[key]` for every key that is not a string; the key is argument 1.
    /// - Parameter shown: signature, documentation and example of `__index`, where it shall stand among the
    ///   metamethods.
    public func indexer(
        shown: (signature: String, doc: String, example: String)? = nil, _ body: @escaping (T, Call) throws -> Results
    ) {
        let target = target
        document("__index", shown)
        target.set(
            indexer: Declaration(.hidden, "__index", path: target.name, "", "", receivers: 1) { [unowned target] call in
                if call.isString(1) { return try target.unknown(call) }
                return try body(call.receiver(as: T.self), call)
            })
    }

    /// `x[name]` for names that only the object knows, tried after the declared members. Gives nil to refuse.
    public func dynamicFields(_ body: @escaping (T, String, Call) throws -> Results?) {
        let target = target
        target.set(
            indexer: Declaration(.hidden, "__index", path: target.name, "", "", receivers: 1) { [unowned target] call in
                guard call.isString(1) else { return try target.unknown(call) }
                return try body(call.receiver(as: T.self), call.string(1), call) ?? target.unknown(call)
            })
    }

    /// `x[key] = value` for every key that is not a string; key and value are arguments 1 and 2.
    public func newIndexer(
        shown: (signature: String, doc: String, example: String)? = nil, _ body: @escaping (T, Call) throws -> Void
    ) {
        let target = target
        document("__newindex", shown)
        target.set(
            newIndexer: Declaration(.hidden, "__newindex", path: target.name, "", "", receivers: 1) {
                [unowned target] call in
                if call.isString(1) { return try target.refuse(call) }
                try body(call.receiver(as: T.self), call)
                return .none
            })
    }

    /// A metamethod that is there by other means.
    private func document(_ name: String, _ shown: (signature: String, doc: String, example: String)?) {
        guard let shown else { return }
        target.add(
            metamethod: Declaration(
                .metamethod, name, path: "\(target.name).\(name)", shown.signature, shown.doc, example: shown.example
            ) { _ in .none })
    }

    /// Another name for a method or property declared above.
    public func alias(_ name: String, of existing: String, example: String? = nil) {
        target.add(alias: name, of: existing, example: example)
    }
}

extension LuaClass {
    func add(alias: String, of existing: String, example: String? = nil) {
        guard let original = member(existing) else { return }
        let copy = Declaration(
            original.role, alias, path: "\(name):\(alias)", original.signatureText,
            "Another name for `\(existing)`. \(original.doc)", example: example ?? original.example,
            receivers: original.receivers, body: original.body)
        add(copy)
    }
}
