import LuaHost
import Serving
import Support

/// A MessagePack value as a Lua value.
struct PackedValue: LuaPushable {
    private let value: Packed
    init(_ value: Packed) { self.value = value }

    func push(onto stack: Stack) throws {
        try stack.reserve(4)
        switch value {
        case .null: stack.pushNil()
        case .bool(let value): stack.push(value)
        case .int(let value): stack.push(value)
        case .double(let value): stack.push(value)
        case .string(let bytes), .binary(let bytes): stack.push(bytes: bytes)
        case .list(let items): try List(items.map { PackedValue($0) }).push(onto: stack)
        case .map(let pairs): try Fields(pairs.map { ($0.key, PackedValue($0.value)) }).push(onto: stack)
        }
    }
}

extension Packed {
    /// From a Lua value; `binary` makes byte strings of all strings that are values.
    init(lua value: LuaValue, binary: Bool, depth: Int) throws {
        guard depth <= Packed.maxDepth else {
            throw OpahError(.argument, "msgpack_encode: tables are nested more than \(Packed.maxDepth) deep")
        }
        switch value {
        case .null: self = .null
        case .boolean(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .number(let value): self = .double(value)
        case .string(let text): self = binary ? .binary(Array(text.utf8)) : .string(Array(text.utf8))
        case .bytes(let bytes): self = .binary(bytes)
        case .table(let table):
            let pairs = try table.pairs(), count = try table.count()
            if pairs.count == count {
                self = .list(try table.list().map { try Packed(lua: $0, binary: binary, depth: depth + 1) })
                return
            }
            self = .map(
                try pairs.map { key, value in
                    guard let name = key.string else {
                        throw OpahError(.argument, "msgpack_encode: a table is a list, or has names as keys")
                    }
                    return (name, try Packed(lua: value, binary: binary, depth: depth + 1))
                }.sorted { $0.0 < $1.0 }.map { (key: $0.0, value: $0.1) })
        default: throw OpahError(.argument, "msgpack_encode: functions and objects have no MessagePack")
        }
    }
}
