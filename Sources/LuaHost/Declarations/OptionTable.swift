import Support

/// The options that make up a value, each declared once: its name and type in Lua, its default (which is the value's
/// own), where it goes, what it is for, and which setting of a configuration it is, if any. Signatures, help, stubs,
/// completion, the reading of a call, and the checks of settings are made from it.
///
///     extension AdamW.Settings {
///         static let options = OptionTable(AdamW.Settings()) { o in
///             o.option("lr", \.learningRate, "the learning rate", key: "model.optimizer.lr", type: ["above": 0])
///         }
///     }
///     m.function("adamw", "(params: table, opts?: {\(AdamW.Settings.options)}) -> AdamW", "...") { call in
///         let settings = try AdamW.Settings.options.read(call.options)
// only used on the interpreter's thread
public struct OptionTable<Root>: CustomStringConvertible, @unchecked Sendable {
    private struct Option {
        let name: String, type: String, literal: Literal?, doc: String
        var setting: OptionSetting?
        var condition: Condition?
        let read: (inout Root, Options) throws -> Void
    }

    /// That another option is this word, or the option does not count.
    private struct Condition {
        let option: String, word: String
        let current: (Root) -> String
    }

    private let fresh: Root
    private var options: [Option] = []

    /// - Parameter fresh: what a call without options gets.
    public init(_ fresh: Root, _ declare: (inout OptionTable) -> Void) {
        self.fresh = fresh
        declare(&self)
    }

    /// Those that configurations have keys for.
    public var settings: [OptionSetting] { options.compactMap(\.setting) }

    /// As the signature of a function lists them, between the braces of its option table; keys of configurations stand in
    /// brackets.
    public var description: String {
        var names: [String] = []
        for option in options where !names.contains(option.name) { names.append(option.name) }
        return names.map { name in Self.text(options.filter { $0.name == name }) }.joined(separator: ", ")
    }

    /// The value that the options of a call make.
    public func read(_ given: Options) throws -> Root {
        var root = fresh
        for option in options {
            if let condition = option.condition {
                let word = condition.current(root)
                if word != condition.word {
                    let isKnown = options.contains { $0.name == option.name && $0.condition?.word == word }
                    if !isKnown, try given.has(option.name) {
                        throw Self.misplaced(option.name, condition, word, given)
                    }
                    continue
                }
            }
            try option.read(&root, given)
        }
        return root
    }

    private static func text(_ declared: [Option]) -> String {
        let option = declared[0], head = "\(option.name)?: \(option.type)"
        guard option.condition != nil else {
            let key = option.setting.map { " [\($0.key)]" } ?? ""
            return head + (option.literal.map { " = \($0)" } ?? "") + " \"\(option.doc)\(key)\""
        }
        // A default that counts for some words only is told and not promised.
        let docs = declared.map { option in
            let value = option.literal.map { "\($0) " } ?? ""
            return (option.doc, "\(value)of \(option.condition?.word ?? "")")
        }
        let isShared = docs.count > 1 && docs.allSatisfy { $0.0 == option.doc }
        let text =
            isShared
            ? "\(option.doc) (\(docs.map(\.1).joined(separator: ", ")))"
            : docs.map { "\($0.0) (\($0.1))" }.joined(separator: "; ")
        return head + " \"\(text)\""
    }

    private static func misplaced(
        _ name: String, _ condition: Condition, _ word: String, _ given: Options
    ) -> OpahError {
        OpahError(
            .argument, "\(given.owner): the \(condition.option) \"\(word)\" has no option '\(name)'",
            hint: "it belongs to \(condition.option) = \"\(condition.word)\"")
    }

    // MARK: declaring

    /// An option that is a property. One that is nil in a fresh value has no default.
    /// - Parameters:
    ///   - key: where configurations have it, as in `data.batch_size`; nil for nowhere.
    ///   - type: what it may be there, beyond what its type says, as configuration files write it: `["from": 1]`.
    public mutating func option<Value: LuaNamed>(
        _ name: String, _ path: WritableKeyPath<Root, Value>, _ doc: String, key: String? = nil, type: ConfigMap = [:]
    ) {
        append(name, Value.luaName, fresh[keyPath: path].literal, doc, key, type) { root, given in
            if try given.has(name) { root[keyPath: path] = try given.get(name) }
        }
    }

    /// An option that stands for something else in Swift.
    /// - Parameters:
    ///   - type: as signatures write it.
    ///   - value: its default; nil for none.
    ///   - set: puts what was given, or the default, into the value.
    public mutating func option<Given: LuaReadable>(
        _ name: String, _ type: String, _ value: Literal?, _ doc: String, key: String? = nil,
        type details: ConfigMap = [:], set: @escaping (inout Root, Given) throws -> Void
    ) {
        append(name, type, value, doc, key, details) { root, given in
            let value: Given = try given.get(name)
            do { try set(&root, value) } catch var error as OpahError {
                error.message = "\(given.owner): \(error.message)"
                throw error
            }
        }
    }

    private mutating func append(
        _ name: String, _ type: String, _ literal: Literal?, _ doc: String, _ key: String?, _ details: ConfigMap,
        read: @escaping (inout Root, Options) throws -> Void
    ) {
        let setting = key.map {
            OptionSetting(option: name, key: $0, literal: literal, luaType: type, details: details)
        }
        options.append(Option(name: name, type: type, literal: literal, doc: doc, setting: setting, read: read))
    }

    /// All options of a part.
    public mutating func include<Part>(_ table: OptionTable<Part>, at path: WritableKeyPath<Root, Part>) {
        for option in table.options {
            add(
                option, at: path,
                option.condition.map { part in
                    Condition(option: part.option, word: part.word) { part.current($0[keyPath: path]) }
                })
        }
    }

    /// All options of a part that counts when an option declared before is this word. Given with another word they
    /// are an error, unless that word's part has an option of the same name.
    public mutating func include<Part, Word: LuaChoice>(
        _ table: OptionTable<Part>, at path: WritableKeyPath<Root, Part>, where choice: String,
        _ word: KeyPath<Root, Word>, is wanted: Word
    ) {
        for option in table.options {
            add(
                option, at: path,
                Condition(option: choice, word: wanted.rawValue) { $0[keyPath: word].rawValue })
        }
    }

    private mutating func add<Part>(
        _ option: OptionTable<Part>.Option, at path: WritableKeyPath<Root, Part>,
        _ condition: Condition?
    ) {
        options.append(
            Option(
                name: option.name, type: option.type, literal: option.literal, doc: option.doc, setting: option.setting,
                condition: condition
            ) { root, given in try option.read(&root[keyPath: path], given) })
    }
}
