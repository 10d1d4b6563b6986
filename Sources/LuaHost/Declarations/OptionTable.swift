import Support

/// The options that make up a value, each declared once: its name and type in Lua, its default (which is the value's
/// own), where it goes, and what it is for. Signatures, help, stubs, completion and the reading of a call are made from
/// it.
///
///     extension AdamW.Settings {
///         static let options = OptionTable(AdamW.Settings()) { o in
///             o.option("lr", \.learningRate, "the learning rate")
///         }
///     }
///     m.function("adamw", "(params: table, opts?: {\(AdamW.Settings.options)}) -> AdamW", "...") { call in
///         let settings = try AdamW.Settings.options.read(call.options)
// only used on the interpreter's thread
public struct OptionTable<Root>: CustomStringConvertible, @unchecked Sendable {
    private let fresh: Root
    private var options: [(text: String, read: (inout Root, Options) throws -> Void)] = []

    /// - Parameter fresh: what a call without options gets.
    public init(_ fresh: Root, _ declare: (inout OptionTable) -> Void) {
        self.fresh = fresh
        declare(&self)
    }

    /// As the signature of a function lists them, between the braces of its option table.
    public var description: String { options.map(\.text).joined(separator: ", ") }

    /// The value that the options of a call make.
    public func read(_ given: Options) throws -> Root {
        var root = fresh
        for option in options { try option.read(&root, given) }
        return root
    }

    // MARK: declaring

    /// An option that is a property. One that is nil in a fresh value has no default.
    public mutating func option<Value: LuaNamed>(_ name: String, _ path: WritableKeyPath<Root, Value>, _ doc: String) {
        option(name, Value.luaName, fresh[keyPath: path].literal, doc) { (root, value: Value) in
            root[keyPath: path] = value
        }
    }

    /// An option that stands for something else in Swift.
    /// - Parameters:
    ///   - type: as signatures write it.
    ///   - value: its default; nil for none.
    ///   - set: puts what was given, or the default, into the value.
    public mutating func option<Given: LuaReadable>(
        _ name: String, _ type: String, _ value: Literal?, _ doc: String,
        set: @escaping (inout Root, Given) throws -> Void
    ) {
        let text = "\(name)?: \(type)\(value.map { " = \($0)" } ?? "") \"\(doc)\""
        options.append(
            (
                text,
                { root, given in
                    let value: Given = try given.get(name)
                    do { try set(&root, value) } catch var error as OpahError {
                        error.message = "\(given.owner): \(error.message)"
                        throw error
                    }
                }
            ))
    }

    /// All options of a part.
    public mutating func include<Part>(_ table: OptionTable<Part>, at path: WritableKeyPath<Root, Part>) {
        for option in table.options {
            options.append((option.text, { root, given in try option.read(&root[keyPath: path], given) }))
        }
    }
}
