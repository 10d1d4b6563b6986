/// The three packets that a Vorbis stream begins with: what it is, comments, and codebooks (Vorbis I, 4.2).
///
/// libsndfile (1.2) never gives back what it took for them, 6 kB, when it finds that it cannot read them. A
/// program that is sent damaged files for weeks would grow by them, so such streams are not given to it.
enum VorbisHeaders {
    /// Whether all three are among the whole pages of a stream, one after the other, and the first makes sense.
    static func areWhole(_ window: inout ByteWindow, _ ranges: [Range<Int>], serial: Int) throws -> Bool {
        var packet = Packet(number: 0), number: Int?
        for range in ranges {
            var position = range.lowerBound
            while position < range.upperBound, let page = try OggPage(&window, at: position) {
                defer { position += page.length }
                guard page.serial == serial else { continue }
                if let number, page.number != number + 1 { return false }
                number = page.number
                let lacing = try window.slice(position + 27, page.headerBytes - 27)
                var start = position + page.headerBytes
                for bytes in lacing {
                    packet.add(try window.slice(start, Int(bytes)))
                    start += Int(bytes)
                    if bytes == 255 { continue }   // it goes on
                    guard packet.isHeader else { return false }
                    if packet.number == 2 { return true }
                    packet = Packet(number: packet.number + 1)
                }
            }
        }
        return false
    }

    private struct Packet {
        let number: Int
        /// As much of it as is looked at.
        private var start: [UInt8] = []

        init(number: Int) { self.number = number }

        mutating func add(_ bytes: ArraySlice<UInt8>) { start += bytes.prefix(30 - start.count) }

        var isHeader: Bool {
            guard start.count > 7, start[0] == 2 * number + 1, start[1...].has("vorbis") else { return false }
            if number > 0 { return true }
            // Version 0, channels, a rate, block sizes of 64 to 8192 in order, and the bit that ends it.
            guard start.count == 30 else { return false }
            let (short, long) = (start[28] & 15, start[28] >> 4)
            return short >= 6 && short <= long && long <= 13 && start[29] & 1 == 1 && start.littleEndian32(at: 7) == 0
                && start[11] > 0 && 1 ... Int(Int32.max) ~= start.littleEndian32(at: 12)
        }
    }
}
