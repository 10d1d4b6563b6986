/// The four header bytes of an MPEG audio frame (ISO 11172-3 and 13818-3), and the Xing/Info frame that
/// encoders put first.
struct MpegHeader {
    var version: Int        // 3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5, as coded
    var layer: Int          // 1, 2 or 3
    var sampleRate: Int
    var mono: Bool
    var frameBytes: Int
    var samplesPerFrame: Int

    /// Nil when the bytes at `offset` cannot be a frame header. Free-format frames (bit rate 0) are not recognised.
    init?(_ bytes: [UInt8], at offset: Int) {
        guard offset >= 0, offset + 4 <= bytes.count, bytes[offset] == 0xFF, bytes[offset + 1] & 0xE0 == 0xE0
        else { return nil }
        let (b1, b2, b3) = (Int(bytes[offset + 1]), Int(bytes[offset + 2]), Int(bytes[offset + 3]))
        version = b1 >> 3 & 3
        layer = 4 - (b1 >> 1 & 3)
        let rateIndex = b2 >> 2 & 3, bitrateIndex = b2 >> 4
        guard version != 1, layer != 4, rateIndex != 3, bitrateIndex != 0, bitrateIndex != 15 else { return nil }
        sampleRate = [44100, 48000, 32000][rateIndex] >> (version == 3 ? 0 : version == 2 ? 1 : 2)
        mono = b3 >> 6 == 3
        let table = version == 3 ? layer - 1 : layer == 1 ? 3 : 4
        let bitrate = Self.kilobits[table][bitrateIndex - 1] * 1000
        samplesPerFrame = layer == 1 ? 384 : layer == 2 || version == 3 ? 1152 : 576
        let padding = b2 >> 1 & 1
        frameBytes = layer == 1 ? (12 * bitrate / sampleRate + padding) * 4
            : samplesPerFrame / 8 * bitrate / sampleRate + padding
    }

    private static let kilobits = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],  // MPEG-1 layer I
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],     // MPEG-1 layer II
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],      // MPEG-1 layer III
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],     // MPEG-2 layer I
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],          // MPEG-2 layers II and III
    ]

    func isSameStream(as other: MpegHeader) -> Bool {
        version == other.version && layer == other.layer && sampleRate == other.sampleRate
    }

    /// The first place in `bytes` where two frames of one stream follow each other; a single whole frame
    /// counts when `bytes` ends with it.
    static func firstFrame(in bytes: [UInt8], endsFile: Bool) -> (offset: Int, header: MpegHeader)? {
        for offset in bytes.indices where bytes[offset] == 0xFF {
            guard let header = MpegHeader(bytes, at: offset) else { continue }
            let next = offset + header.frameBytes
            if let following = MpegHeader(bytes, at: next) {
                if header.isSameStream(as: following) { return (offset, header) }
            } else if endsFile, offset == 0, next <= bytes.count, next + 128 >= bytes.count {
                return (offset, header)
            }
        }
        return nil
    }

    /// What the Xing/Info frame at `offset` promises: how many frames follow it, in how many bytes.
    func xing(in bytes: [UInt8], at offset: Int) -> (frames: Int?, bytes: Int?)? {
        let sideInfo = version == 3 ? (mono ? 17 : 32) : (mono ? 9 : 17)
        var place = offset + 4 + sideInfo
        guard layer == 3, bytes.has("Xing", at: place) || bytes.has("Info", at: place), place + 16 <= bytes.count
        else { return nil }
        let flags = bytes.bigEndian32(at: place + 4)
        place += 8
        var frames: Int?, size: Int?
        if flags & 1 != 0 {
            frames = bytes.bigEndian32(at: place)
            place += 4
        }
        if flags & 2 != 0 { size = bytes.bigEndian32(at: place) }
        return (frames, size)
    }
}
