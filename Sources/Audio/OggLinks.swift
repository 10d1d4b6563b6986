import Support

/// The links of a chained Ogg file: streams that follow each other, as recorders and `cat a.ogg b.ogg` append them.
/// Told from every page's header.
struct OggLinks {
    /// Bytes of each link.
    private(set) var ranges: [Range<Int>] = []
    /// Bytes behind the last page.
    private(set) var tailBytes = 0

    init(_ file: RandomAccessFile, from offset: Int, to end: Int) throws {
        var window = ByteWindow(file), position = offset, start = offset, isInHeaders = true, pages = 0,
            lastEnd = end
        while position + 27 <= end {
            pages += 1
            if pages & 0xFFF == 0 { try Interrupt.check() }
            guard let page = try Self.page(&window, position) else {
                guard let next = try window.first(UInt8(ascii: "O"), from: position + 1, before: end) else { break }
                position = next
                continue
            }
            // A stream begins behind pages of another: several that begin together are one link (sound and pictures).
            if page.begins, !isInHeaders {
                ranges.append(start ..< position)
                start = position
            }
            isInHeaders = page.begins
            position += page.length
            lastEnd = min(position, end)
        }
        ranges.append(start ..< lastEnd)
        tailBytes = end - lastEnd
    }

    private static func page(_ window: inout ByteWindow, _ offset: Int) throws -> (begins: Bool, length: Int)? {
        let head = try window.slice(offset, 27 + 255)
        guard head.count >= 27, head.has("OggS"), head[head.startIndex + 4] == 0 else { return nil }
        let segments = head.dropFirst(27).prefix(Int(head[head.startIndex + 26]))
        return (head[head.startIndex + 5] & 2 != 0, 27 + segments.count + segments.reduce(0) { $0 + Int($1) })
    }
}
