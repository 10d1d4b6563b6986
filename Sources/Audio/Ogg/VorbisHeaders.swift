import CVorbis

/// The three packets that a Vorbis stream begins with: what it is, comments, and codebooks (Vorbis I, 4.2).
///
/// Looked at before libsndfile (1.2) sees them. It never gives back what it took for headers that it cannot read, 6 kB,
/// and a program that is sent such files for weeks would grow; it crashes on codebooks of which no decoder can be made;
/// and libvorbis makes codebooks of gigabytes of a few kB.
enum VorbisHeaders {
    /// Bytes of all three: a picture among the comments may have some.
    private static let mostBytes = 64 << 20

    /// Why the stream cannot be read, as `the file: ...`; nil when it can.
    static func problem(_ window: inout ByteWindow, _ ranges: [Range<Int>], serial: Int) throws -> String? {
        guard let packets = try packets(&window, ranges, serial: serial),
            let values = VorbisCodebooks.valueCount(packets[2])
        else { return "the headers of its Vorbis stream are damaged" }
        if values > VorbisCodebooks.mostValues {
            return "the codebooks of its Vorbis stream have \(values) values or more, more than any encoder writes"
        }
        return areRead(packets) ? nil : "the headers of its Vorbis stream are damaged"
    }

    /// All three, when they are among the whole pages of a stream, one after the other.
    private static func packets(
        _ window: inout ByteWindow, _ ranges: [Range<Int>], serial: Int
    ) throws -> [[UInt8]]? {
        var packets: [[UInt8]] = [], packet: [UInt8] = [], left = mostBytes, number: Int?
        for range in ranges {
            var position = range.lowerBound
            while position < range.upperBound, let page = try OggPage(&window, at: position) {
                defer { position += page.length }
                guard page.serial == serial else { continue }
                if let number, page.number != number + 1 { return nil }
                number = page.number
                let lacing = try window.slice(position + 27, page.headerBytes - 27)
                var start = position + page.headerBytes
                for bytes in lacing {
                    packet += try window.slice(start, Int(bytes))
                    start += Int(bytes)
                    left -= Int(bytes)
                    if bytes == 255 { continue }   // it goes on
                    guard packet.count > 7, packet[0] == 2 * packets.count + 1, packet[1...].has("vorbis") else {
                        return nil
                    }
                    packets.append(packet)
                    if packets.count == 3 { return packets }
                    packet = []
                }
                if left < 0 { return nil }
            }
        }
        return nil
    }

    /// Whether libvorbis, by which libsndfile decodes them, can read them and make a decoder of them.
    private static func areRead(_ packets: [[UInt8]]) -> Bool {
        var info = vorbis_info(), comment = vorbis_comment()
        vorbis_info_init(&info)
        vorbis_comment_init(&comment)
        defer {
            vorbis_comment_clear(&comment)
            vorbis_info_clear(&info)
        }
        let areHeaders = packets.indices.allSatisfy { number in
            packets[number].withUnsafeBufferPointer {
                var packet = ogg_packet()   // is only read
                (packet.packet, packet.bytes) = (UnsafeMutablePointer(mutating: $0.baseAddress), $0.count)
                (packet.b_o_s, packet.packetno) = (number == 0 ? 1 : 0, ogg_int64_t(number))
                return vorbis_synthesis_headerin(&info, &comment, &packet) == 0
            }
        }
        // Codewords that are no tree are noticed only here; libsndfile does not look at the answer.
        var decoder = vorbis_dsp_state()
        guard areHeaders, vorbis_synthesis_init(&decoder, &info) == 0 else { return false }
        vorbis_dsp_clear(&decoder)
        return true
    }
}
