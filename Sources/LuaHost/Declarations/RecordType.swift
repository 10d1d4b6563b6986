/// A table that functions return or hand to callbacks, each field declared once: its name and type in Lua, where its
/// value comes from, and what it means. The type of signatures and the table itself are made from it.
///
///     extension StepLog {
///         static let record = RecordType<StepLog>("StepLog") { r in
///             r.field("step", \.step, "counts from 1")
///         }
///     }
///     "on_step?: fun(log: \(StepLog.record))"     and     try callback(StepLog.record.fields(of: log))
// only used on the interpreter's thread
public struct RecordType<Root>: CustomStringConvertible, @unchecked Sendable {
    public let name: String
    private var all: [(name: String, text: String, value: (Root) -> (any LuaPushable)?)] = []

    public init(_ name: String, _ declare: (inout RecordType) -> Void) {
        self.name = name
        declare(&self)
    }

    /// As signatures write it: `StepLog<{step: integer "counts from 1", ...}>`.
    public var description: String { "\(name)<{\(all.map(\.text).joined(separator: ", "))}>" }

    public func fields(of root: Root) -> Fields {
        Fields(all.compactMap { field in field.value(root).map { (field.name, $0) } })
    }

    // MARK: declaring

    public mutating func field<Value: LuaNamed>(_ name: String, _ path: KeyPath<Root, Value>, _ doc: String) {
        add(name, Value.luaName, isOptional: false, doc) { $0[keyPath: path] }
    }

    /// A field that is not always there.
    public mutating func field<Value: LuaNamed>(_ name: String, _ path: KeyPath<Root, Value?>, _ doc: String) {
        add(name, Value.luaName, isOptional: true, doc) { $0[keyPath: path] }
    }

    /// A field that is another type in Lua; with `?` after its name one that is not always there.
    public mutating func field(
        _ name: String, _ type: String, _ doc: String, _ value: @escaping (Root) -> (any LuaPushable)?
    ) {
        let isOptional = name.hasSuffix("?")
        add(isOptional ? String(name.dropLast()) : name, type, isOptional: isOptional, doc, value)
    }

    private mutating func add(
        _ name: String, _ type: String, isOptional: Bool, _ doc: String, _ value: @escaping (Root) -> (any LuaPushable)?
    ) {
        all.append((name, "\(name)\(isOptional ? "?" : ""): \(type) \"\(doc)\"", value))
    }
}
