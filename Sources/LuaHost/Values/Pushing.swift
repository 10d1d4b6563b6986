import CLua
import LuaShim

/// A Swift value that can become a Lua value.
public protocol LuaPushable {
    /// Pushes exactly one value.
    func push(onto stack: Stack) throws
}

extension Bool: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(self) } }
extension Int: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(self) } }
extension Int32: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(Int(self)) } }
extension Int64: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(Int(self)) } }
extension UInt32: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(Int(self)) } }
extension Double: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(self) } }
extension Float: LuaPushable { @inlinable public func push(onto stack: Stack) { stack.push(Double(self)) } }
extension String: LuaPushable { public func push(onto stack: Stack) { stack.push(self) } }
extension Substring: LuaPushable { public func push(onto stack: Stack) { stack.push(String(self)) } }

/// `nil`, unless there is a value.
extension Optional: LuaPushable where Wrapped: LuaPushable {
    @inlinable
    public func push(onto stack: Stack) throws {
        if let self { try self.push(onto: stack) } else { stack.pushNil() }
    }
}

/// A list, 1-based.
extension Array: LuaPushable where Element: LuaPushable {
    @inlinable
    public func push(onto stack: Stack) throws {
        try stack.reserve(4)
        stack.pushTable(list: count)
        for i in indices { try stack.setElement(i + 1, self[i]) }
    }
}

/// A table by name. Use `Fields` where values differ in type.
extension Dictionary: LuaPushable where Key == String, Value: LuaPushable {
    public func push(onto stack: Stack) throws {
        try stack.reserve(4)
        stack.pushTable(fields: count)
        for (name, value) in self { try stack.setField(name, value) }
    }
}

/// A byte string: any bytes, UTF-8 or not.
public struct LuaBytes: LuaPushable, Equatable, Sendable {
    public var bytes: [UInt8]
    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public func push(onto stack: Stack) { stack.push(bytes: bytes) }
}

/// A table with named values of different types, in the order they are given:
/// `["sample_rate": 44100, "format": "wav", "peaks": [0.5, 0.7]] as Fields`. A nil value leaves its name out.
public struct Fields: LuaPushable, ExpressibleByDictionaryLiteral {
    public var pairs: [(name: String, value: any LuaPushable)]

    public init(_ pairs: [(name: String, value: any LuaPushable)] = []) { self.pairs = pairs }
    public init(dictionaryLiteral elements: (String, (any LuaPushable)?)...) {
        pairs = elements.compactMap { name, value in value.map { (name, $0) } }
    }

    public mutating func add(_ name: String, _ value: (any LuaPushable)?) {
        if let value { pairs.append((name, value)) }
    }

    public func push(onto stack: Stack) throws {
        try stack.reserve(4)
        stack.pushTable(fields: pairs.count)
        for (name, value) in pairs { try stack.setField(name, value) }
    }
}

/// A list of values of different types.
public struct List: LuaPushable, ExpressibleByArrayLiteral {
    public var items: [any LuaPushable]
    public init(_ items: [any LuaPushable] = []) { self.items = items }
    public init(arrayLiteral elements: any LuaPushable...) { items = elements }

    public func push(onto stack: Stack) throws {
        try stack.reserve(4)
        stack.pushTable(list: items.count)
        for (i, item) in items.enumerated() { try stack.setElement(i + 1, item) }
    }
}

/// A Swift closure as a Lua function, for iterators and functions that return functions:
/// `LuaClosure("factor", "(step: integer) -> number") { call in ... }`. Collected like any Lua value.
public struct LuaClosure: LuaPushable {
    private let declaration: Declaration

    /// `name` is what error messages call it. An empty signature checks nothing.
    public init(_ name: String, _ signature: String = "", _ doc: String = "", body: @escaping Body) {
        declaration = Declaration(.hidden, name, path: name, signature, doc, body: body)
    }

    public func push(onto stack: Stack) throws {
        try stack.reserve(4)
        try stack.push(object: declaration, of: Self.ownerClass)
        shim_pushboxed(stack.L)
    }

    private static let ownerClass = LuaClass("function", of: Declaration.self, "Keeps a closure alive.") { _ in }
}
