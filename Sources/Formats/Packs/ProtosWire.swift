/// The wire format of protocol buffers, as far as counting needs it.
enum ProtosWire {
    /// Sentences of a group, and the texts and codebooks in them. What is damaged ends the count: reading it will say so.
    static func parts(_ group: UnsafeRawBufferPointer) -> Int {
        var count = 0
        fields(group) { number, content in
            guard number == 4, let content else { return }
            count += 1
            fields(content) { _, _ in count += 1 }
        }
        return count
    }

    /// Calls `body` for each field, with its content where that has a length of its own.
    private static func fields(_ message: UnsafeRawBufferPointer, _ body: (Int, UnsafeRawBufferPointer?) -> Void) {
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
            guard let key = varint() else { return }
            var content: UnsafeRawBufferPointer?
            switch key & 7 {
            case 0: if varint() == nil { return }
            case 1: position += 8
            case 2:
                guard let length = varint(), length <= UInt64(message.count - position) else { return }
                content = UnsafeRawBufferPointer(rebasing: message[position..<position + Int(length)])
                position += Int(length)
            case 5: position += 4
            default: return
            }
            body(Int(truncatingIfNeeded: key >> 3), content)
        }
    }
}
