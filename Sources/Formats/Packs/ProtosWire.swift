/// The wire format of protocol buffers, as far as finding and counting fields needs it.
enum ProtosWire {
    /// Sentences of a group, and the texts and codebooks in them. What is damaged ends the count: reading it will say
    /// so.
    static func parts(_ group: UnsafeRawBufferPointer) -> Int {
        var count = 0
        fields(group) { field in
            guard field.number == 4, let content = field.content else { return }
            count += 1
            fields(UnsafeRawBufferPointer(rebasing: group[content])) { _ in count += 1 }
        }
        return count
    }

    struct Field {
        let number: Int
        /// The whole field, its key included, and what is in it where that has a length of its own: in bytes of the
        /// message.
        let range: Range<Int>, content: Range<Int>?
    }

    /// Calls `body` for each field.
    /// - Returns: false when what follows the last of them is no field.
    @discardableResult
    static func fields(_ message: UnsafeRawBufferPointer, _ body: (Field) throws -> Void) rethrows -> Bool {
        var position = 0
        func varint() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: 0 as UInt64, to: 64, by: 7) {
                guard position < message.count else { return nil }
                let byte = message[position]
                position += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
        while position < message.count {
            let start = position
            guard let key = varint() else { return false }
            var content: Range<Int>?
            switch key & 7 {
            case 0: if varint() == nil { return false }
            case 1: position += 8
            case 2:
                guard let length = varint(), length <= UInt64(message.count - position) else { return false }
                content = position ..< position + Int(length)
                position += Int(length)
            case 5: position += 4
            default: return false
            }
            guard position <= message.count else { return false }
            try body(Field(number: Int(truncatingIfNeeded: key >> 3), range: start ..< position, content: content))
        }
        return true
    }
}
