import Support
import Tensors

/// Reads pickles of protocols 2 to 5 as far as data needs them. Nothing is ever called or imported: the few functions
/// that torch writes (rebuild a tensor, make an OrderedDict) are understood by name, objects of any other class become
/// inert records, and names that only an attack needs are refused where they are mentioned.
///
/// Memory: about 40 bytes for each object, and no more objects than `maxNodes`.
struct Unpickler {
    private(set) var nodes: [PickleNode] = []
    private var stack: [Int32] = []
    private var marks: [Int] = []
    private var memo: [UInt32: Int32] = [:]
    private var reader: ByteReader
    /// Elements that calls may still copy: keeps a small file from copying one long list a million times.
    private var budget: Int
    let place: String

    /// Enough for a checkpoint with 40 000 tensors. Also limits the stack, the marks and the memo, each by itself.
    static let maxNodes = 4_000_000

    /// Starts at `position` of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, place: String, position: Int = 0) {
        reader = ByteReader(bytes, place: place, position: position)
        self.place = place
        budget = (1 << 20) + 8 * bytes.count
    }

    /// Where the next pickle, or what follows, begins.
    var position: Int { reader.position }

    /// Runs one pickle and returns the position of its result in `nodes`.
    mutating func run() throws -> Int32 {
        var steps = 0
        while true {
            steps += 1
            if steps & 0xFFFF == 0 {
                try Interrupt.check()
                guard max(stack.count, marks.count, memo.count) <= Self.maxNodes else { throw tooMany() }
            }
            let at = reader.position
            let code: UInt8 = try reader.integer("the pickle")
            guard let opcode = PickleOpcode(rawValue: code) else { throw refusal(of: code, at: at) }
            if opcode == .stop { return try pop() }
            try execute(opcode, at: at)
        }
    }

    private mutating func execute(_ opcode: PickleOpcode, at: Int) throws {
        switch opcode {
        case .stop: break
        case .proto:
            let version: UInt8 = try reader.integer("the pickle")
            guard (2 ... 5).contains(version) else {
                throw damaged("pickle protocol \(version) is not read (2 to 5 are)")
            }
        case .frame: _ = try reader.take(8, "the pickle")
        case .mark: marks.append(stack.count)
        case .pop:
            if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .duplicate: stack.append(try top())

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binInt: try push(.int(Int(try reader.integer(Int32.self, "the pickle"))))
        case .binInt1: try push(.int(Int(try reader.integer(UInt8.self, "the pickle"))))
        case .binInt2: try push(.int(Int(try reader.integer(UInt16.self, "the pickle"))))
        case .long1: try push(integer(try reader.take(Int(try reader.integer(UInt8.self, "the pickle")), "the pickle")))
        case .long4:
            let count = Int(try reader.integer(Int32.self, "the pickle"))
            guard (0 ... 1024).contains(count) else { throw damaged("a whole number of \(count) bytes") }
            try push(integer(try reader.take(count, "the pickle")))
        case .binFloat:
            try push(
                .double(Double(bitPattern: UInt64(bigEndian: UInt64(littleEndian: try reader.integer("the pickle"))))))

        case .shortBinString, .shortBinUnicode: try push(.string(try text(UInt8.self)))
        case .binString, .binUnicode: try push(.string(try text(UInt32.self)))
        case .binUnicode8: try push(.string(try text(UInt64.self)))
        case .shortBinBytes: try push(.bytes(Array(try counted(UInt8.self))))
        case .binBytes: try push(.bytes(Array(try counted(UInt32.self))))
        case .binBytes8, .byteArray8: try push(.bytes(Array(try counted(UInt64.self))))

        case .emptyList, .emptySet: try push(.list([]))
        case .emptyTuple: try push(.tuple([]))
        case .emptyDict: try push(.dict([]))
        case .list, .frozenSet: try push(.list(try popToMark()))
        case .tuple: try push(.tuple(try popToMark()))
        case .tuple1: try pushTuple(1)
        case .tuple2: try pushTuple(2)
        case .tuple3: try pushTuple(3)
        case .dict: try push(.dict(try pairs(try popToMark())))
        case .append: try extendList([try pop()])
        case .appends, .addItems: try extendList(try popToMark())
        case .setItem:
            let value = try pop(), key = try pop()
            try extendDict([key, value])
        case .setItems: try extendDict(try popToMark())

        case .binPut: memo[UInt32(try reader.integer(UInt8.self, "the pickle"))] = try top()
        case .longBinPut: memo[try reader.integer("the pickle")] = try top()
        case .memoize: memo[UInt32(memo.count)] = try top()
        case .binGet: try recall(UInt32(try reader.integer(UInt8.self, "the pickle")))
        case .longBinGet: try recall(try reader.integer("the pickle"))

        case .global:
            let module = try line(), name = try line()
            try pushGlobal(module, name, at: at)
        case .stackGlobal:
            guard case .string(let name) = nodes[Int(try pop())], case .string(let module) = nodes[Int(try pop())]
            else {
                throw damaged("a global without a name")
            }
            try pushGlobal(module, name, at: at)
        case .persistentID: try push(.storage(try storage(nodes[Int(try pop())])))
        case .reduce, .newObject:
            let arguments = nodes[Int(try pop())], callee = nodes[Int(try pop())]
            guard case .tuple(let items) = arguments else { throw unknownCall(at) }
            try push(try result(of: callee, items, at))
        case .newObjectEx:
            let named = nodes[Int(try pop())], arguments = nodes[Int(try pop())], callee = nodes[Int(try pop())]
            guard case .global(.foreign) = callee, case .tuple(let items) = arguments, case .dict(let pairs) = named,
                case .record(var record) = try result(of: callee, items, at)
            else {
                throw refusal(of: opcode.rawValue, at: at)
            }
            try charge(pairs.count)
            record.entries = pairs
            try push(.record(record))
        case .build:
            let state = try pop(), target = Int(try top())
            switch nodes[target] {
            // Attributes of OrderedDicts (torch keeps `_metadata` there) and tensors: nothing we need.
            case .dict, .tensor: break
            case .record(var record):
                record.state = state
                nodes[target] = .record(record)
            default:
                throw OpahError(
                    .unsafe, "\(name: place): the pickle sets the state of an object that is not data (byte \(at))",
                    hint: Self.hint)
            }
        }
    }

    /// What takes the place of calling `callee`.
    private mutating func result(of callee: PickleNode, _ arguments: [Int32], _ at: Int) throws -> PickleNode {
        switch callee {
        case .global(.foreign(let name)):
            try charge(arguments.count)
            // copyreg makes an object of the class that it is given.
            if name.hasPrefix("copyreg.") || name.hasPrefix("copy_reg."), let first = arguments.first,
                case .global(let made) = nodes[Int(first)]
            {
                return .record(PickleRecord(className: made.className, arguments: Array(arguments.dropFirst())))
            }
            return .record(PickleRecord(className: name, arguments: arguments))
        case .record(let record):
            try charge(arguments.count)
            guard record.className.utf8.count < 1024 else { throw unknownCall(at) }
            return .record(PickleRecord(className: record.className + "()", arguments: arguments))
        case .global(let function): return try apply(function, arguments.map { nodes[Int($0)] })
        default: throw unknownCall(at)
        }
    }

    private func unknownCall(_ at: Int) -> OpahError {
        OpahError(
            .unsafe, "\(name: place): the pickle calls something that is no known name (byte \(at))", hint: Self.hint)
    }

    static let hint =
        "nothing of it was run; a checkpoint of plain tensors needs no such thing: get the file from a source "
        + "that you trust, as safetensors if possible"

    // MARK: Objects

    private mutating func push(_ node: PickleNode) throws {
        guard nodes.count < Self.maxNodes else { throw tooMany() }
        stack.append(Int32(nodes.count))
        nodes.append(node)
    }

    private func tooMany() -> OpahError {
        OpahError(.unsafe, "\(name: place): the pickle makes more than \(Self.maxNodes) objects", hint: Self.hint)
    }

    /// Not below the last mark: what lies there belongs to an outer object.
    private mutating func pop() throws -> Int32 {
        guard stack.count > marks.last ?? 0, let last = stack.popLast() else {
            throw damaged("it takes from an empty stack")
        }
        return last
    }

    private func top() throws -> Int32 {
        guard stack.count > marks.last ?? 0, let last = stack.last else { throw damaged("it looks at an empty stack") }
        return last
    }

    private mutating func popToMark() throws -> [Int32] {
        guard let mark = marks.popLast() else { throw damaged("it misses a mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func pushTuple(_ count: Int) throws {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("it takes from an empty stack") }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        try push(.tuple(items))
    }

    mutating func charge(_ elements: Int) throws {
        budget -= elements
        guard budget >= 0 else {
            throw OpahError(.unsafe, "\(name: place): the pickle copies its objects again and again", hint: Self.hint)
        }
    }

    private func pairs(_ items: [Int32]) throws -> [Int32] {
        guard items.count % 2 == 0 else { throw damaged("a key without a value") }
        return items
    }

    private mutating func extendList(_ items: [Int32]) throws {
        let target = Int(try top())
        // The place is emptied first, so that the array is extended in place.
        if case .list(var list) = nodes[target] {
            nodes[target] = .none
            list += items
            nodes[target] = .list(list)
        } else if case .record(var record) = nodes[target] {
            nodes[target] = .none
            record.items += items
            nodes[target] = .record(record)
        } else {
            throw damaged("it appends to something that is no list")
        }
    }

    private mutating func extendDict(_ items: [Int32]) throws {
        let target = Int(try top()), items = try pairs(items)
        if case .dict(var dict) = nodes[target] {
            nodes[target] = .none
            dict += items
            nodes[target] = .dict(dict)
        } else if case .record(var record) = nodes[target] {
            nodes[target] = .none
            record.entries += items
            nodes[target] = .record(record)
        } else {
            throw damaged("it sets items of something that is no dict")
        }
    }

    private mutating func recall(_ key: UInt32) throws {
        guard let node = memo[key] else { throw damaged("it recalls an object that it never stored") }
        stack.append(node)
    }

    private mutating func pushGlobal(_ module: String, _ name: String, at: Int) throws {
        guard let global = PickleGlobal(module: module, name: name) else {
            if module == "torch", name.hasSuffix("Storage") {
                throw OpahError(
                    .dtype, "\(name: place): tensors of torch.\(printable(name)) cannot be read",
                    hint: "floats of 16 to 64 bits, whole numbers of 8 to 64 bits, and bool are read")
            }
            guard PickleGlobal.isHostile(module: module, name: name) else {
                return try push(.global(.foreign(printable(module) + "." + printable(name))))
            }
            throw OpahError(
                .unsafe,
                "\(name: place): the pickle asks for \(printable(module)).\(printable(name)) (byte \(at)), "
                    + "which is not on the list of names that data may use", hint: Self.hint)
        }
        try push(.global(global))
    }

    // MARK: Primitive values

    private mutating func counted<T: FixedWidthInteger>(_: T.Type) throws -> UnsafeRawBufferPointer {
        try reader.take(Int(clamping: try reader.integer(T.self, "the pickle")), "a string of the pickle")
    }

    private mutating func text<T: FixedWidthInteger>(_ type: T.Type) throws -> String {
        String(decoding: try counted(type), as: UTF8.self)
    }

    /// A name up to the end of its line.
    private mutating func line() throws -> String {
        let rest = reader.bytes[reader.position...].prefix(512)
        guard let end = rest.firstIndex(of: 0x0A) else { throw damaged("a name without an end") }
        defer { reader.position = end + 1 }
        return String(decoding: reader.bytes[reader.position ..< end], as: UTF8.self)
    }

    /// A little-endian two's complement number of any length.
    private func integer(_ bytes: UnsafeRawBufferPointer) -> PickleNode {
        let negative = bytes.last.map { $0 >= 0x80 } ?? false
        if bytes.count <= 8 {
            var value: UInt64 = negative ? .max : 0
            for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
            return .int(Int(truncatingIfNeeded: value))
        }
        // The magnitude in words of 64 bits, then 18 decimal digits at a time by division.
        var words = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
        for (i, byte) in bytes.enumerated() { words[i / 8] |= UInt64(negative ? ~byte : byte) << UInt64(i % 8 * 8) }
        if negative {
            // Two's complement: the inverted bytes, and one.
            for i in words.indices {
                words[i] &+= 1
                if words[i] != 0 { break }
            }
        }
        var groups: [String] = []
        while let last = words.last {
            if last == 0 { words.removeLast(); continue }
            var rest: UInt64 = 0
            for i in words.indices.reversed() {
                (words[i], rest) = (1_000_000_000_000_000_000 as UInt64).dividingFullWidth((rest, words[i]))
            }
            groups.append(String(rest))
        }
        let digits =
            (groups.last ?? "0")
            + groups.dropLast().reversed().map { String(repeating: "0", count: 18 - $0.utf8.count) + $0 }.joined()
        let text = (negative ? "-" : "") + digits
        return Int(text).map(PickleNode.int) ?? .bigInt(text)
    }

    // MARK: Errors

    private func refusal(of code: UInt8, at: Int) -> OpahError {
        // INST, OBJ, NEWOBJ_EX, EXT1-4: other ways of making objects.
        if [0x69, 0x6F, PickleOpcode.newObjectEx.rawValue, 0x82, 0x83, 0x84].contains(code) {
            return OpahError(
                .unsafe,
                "\(name: place): the pickle makes an object by opcode 0x\(String(code, radix: 16)) (byte \(at)), "
                    + "which data does not need", hint: Self.hint)
        }
        return OpahError(
            .format, "\(name: place): unknown pickle opcode 0x\(String(code, radix: 16)) at byte \(at)",
            hint: "the file is damaged, or no pickle of protocol 2 to 5")
    }

    private func printable(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
