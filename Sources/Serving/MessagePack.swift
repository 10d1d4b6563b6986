import Support

/// MessagePack, as far as JSON's types and byte strings go: no extension types. For requests of strangers: depth, size
/// and the number of values are bounded before anything is believed.
public indirect enum Packed: Equatable, Sendable {
    case null, bool(Bool), int(Int), double(Double), string([UInt8]), binary([UInt8]), list([Packed])
    /// Keys are strings.
    case map([(key: String, value: Packed)])

    public static let maxDepth = 32, maxValues = 4_000_000

    public static func == (a: Packed, b: Packed) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.string(let a), .string(let b)), (.binary(let a), .binary(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.map(let a), .map(let b)): a.map(\.key) == b.map(\.key) && a.map(\.value) == b.map(\.value)
        default: false
        }
    }

    /// Reads one value that takes all the bytes.
    /// - Throws: `format`.
    public init(decoding bytes: [UInt8]) throws {
        var reader = Reader(bytes: bytes)
        self = try reader.value(depth: 0)
        guard reader.at == bytes.count else {
            throw OpahError(.format, "MessagePack: \(bytes.count - reader.at) bytes follow the value")
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0, values = 0

        mutating func number(_ width: Int) throws -> UInt64 {
            guard bytes.count - at >= width else {
                throw OpahError(.format, "MessagePack: the bytes end within a value")
            }
            var result: UInt64 = 0
            for i in 0 ..< width { result = result << 8 | UInt64(bytes[at + i]) }
            at += width
            return result
        }

        mutating func raw(_ count: Int) throws -> [UInt8] {
            guard count <= bytes.count - at else {
                throw OpahError(.format, "MessagePack: the bytes end within a value")
            }
            defer { at += count }
            return Array(bytes[at ..< (at + count)])
        }

        mutating func list(_ count: Int, _ depth: Int) throws -> Packed {
            guard count <= bytes.count - at else {
                throw OpahError(.format, "MessagePack: a list says that it has more values than there are bytes")
            }
            var items: [Packed] = []
            items.reserveCapacity(count)
            for _ in 0 ..< count { items.append(try value(depth: depth + 1)) }
            return .list(items)
        }

        mutating func map(_ count: Int, _ depth: Int) throws -> Packed {
            guard count <= (bytes.count - at) / 2 else {
                throw OpahError(.format, "MessagePack: a map says that it has more values than there are bytes")
            }
            var pairs: [(key: String, value: Packed)] = []
            for _ in 0 ..< count {
                guard case .string(let name) = try value(depth: depth + 1),
                    let key = String(validating: name, as: UTF8.self)
                else {
                    throw OpahError(.format, "MessagePack: a key is no UTF-8 string")
                }
                pairs.append((key, try value(depth: depth + 1)))
            }
            return .map(pairs)
        }

        mutating func value(depth: Int) throws -> Packed {
            values += 1
            guard depth <= Packed.maxDepth, values <= Packed.maxValues else {
                throw OpahError(.format, "MessagePack: values are nested too deeply, or there are too many")
            }
            let kind = UInt8(try number(1))
            switch kind {
            case 0x00 ... 0x7f: return .int(Int(kind))
            case 0x80 ... 0x8f: return try map(Int(kind & 15), depth)
            case 0x90 ... 0x9f: return try list(Int(kind & 15), depth)
            case 0xa0 ... 0xbf: return .string(try raw(Int(kind & 31)))
            case 0xc0: return .null
            case 0xc2: return .bool(false)
            case 0xc3: return .bool(true)
            case 0xc4 ... 0xc6: return .binary(try raw(Int(number(1 << Int(kind - 0xc4)))))
            case 0xca: return .double(Double(Float(bitPattern: UInt32(try number(4)))))
            case 0xcb: return .double(Double(bitPattern: try number(8)))
            case 0xcc ... 0xcf:
                let value = try number(1 << Int(kind - 0xcc))
                guard let int = Int(exactly: value) else {
                    throw OpahError(.format, "MessagePack: \(value) is too large a number")
                }
                return .int(int)
            case 0xd0: return .int(Int(Int8(bitPattern: UInt8(try number(1)))))
            case 0xd1: return .int(Int(Int16(bitPattern: UInt16(try number(2)))))
            case 0xd2: return .int(Int(Int32(bitPattern: UInt32(try number(4)))))
            case 0xd3: return .int(Int(Int64(bitPattern: try number(8))))
            case 0xd9 ... 0xdb: return .string(try raw(Int(number(1 << Int(kind - 0xd9)))))
            case 0xdc, 0xdd: return try list(Int(number(kind == 0xdc ? 2 : 4)), depth)
            case 0xde, 0xdf: return try map(Int(number(kind == 0xde ? 2 : 4)), depth)
            case 0xe0 ... 0xff: return .int(Int(Int8(bitPattern: kind)))
            default:
                throw OpahError(.format, "MessagePack: values of the kind 0x\(String(kind, radix: 16)) are not taken")
            }
        }
    }

    /// The value as bytes, each in the shortest form.
    public var encoded: [UInt8] {
        var result: [UInt8] = []
        append(to: &result)
        return result
    }

    private func append(to out: inout [UInt8]) {
        func number(_ value: UInt64, _ width: Int) {
            for i in (0 ..< width).reversed() { out.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
        }
        func head(_ count: Int, _ kinds: [(limit: Int, byte: UInt8, width: Int)]) {
            let kind = kinds.first { count <= $0.limit } ?? kinds.last!
            out.append(kind.width == 0 ? kind.byte | UInt8(count) : kind.byte)
            number(UInt64(count), kind.width)
        }
        switch self {
        case .null: out.append(0xc0)
        case .bool(let value): out.append(value ? 0xc3 : 0xc2)
        case .int(let value):
            switch value {
            case 0 ... 127: out.append(UInt8(value))
            case -32 ..< 0: out.append(UInt8(bitPattern: Int8(value)))
            case 128 ... 0xff: out.append(0xcc); number(UInt64(value), 1)
            case 0x100 ... 0xffff: out.append(0xcd); number(UInt64(value), 2)
            case 0x1_0000 ... 0xffff_ffff: out.append(0xce); number(UInt64(value), 4)
            case -0x80 ..< -32: out.append(0xd0); number(UInt64(bitPattern: Int64(value)), 1)
            case -0x8000 ..< -0x80: out.append(0xd1); number(UInt64(bitPattern: Int64(value)), 2)
            case -0x8000_0000 ..< -0x8000: out.append(0xd2); number(UInt64(bitPattern: Int64(value)), 4)
            default: out.append(0xd3); number(UInt64(bitPattern: Int64(value)), 8)
            }
        case .double(let value): out.append(0xcb); number(value.bitPattern, 8)
        case .string(let bytes):
            head(bytes.count, [(31, 0xa0, 0), (0xff, 0xd9, 1), (0xffff, 0xda, 2), (0xffff_ffff, 0xdb, 4)])
            out += bytes
        case .binary(let bytes):
            head(bytes.count, [(0xff, 0xc4, 1), (0xffff, 0xc5, 2), (0xffff_ffff, 0xc6, 4)])
            out += bytes
        case .list(let items):
            head(items.count, [(15, 0x90, 0), (0xffff, 0xdc, 2), (0xffff_ffff, 0xdd, 4)])
            for item in items { item.append(to: &out) }
        case .map(let pairs):
            head(pairs.count, [(15, 0x80, 0), (0xffff, 0xde, 2), (0xffff_ffff, 0xdf, 4)])
            for (key, value) in pairs {
                Packed.string(Array(key.utf8)).append(to: &out)
                value.append(to: &out)
            }
        }
    }
}
