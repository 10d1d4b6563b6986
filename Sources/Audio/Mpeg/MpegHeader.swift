/// The four header bytes of an MPEG audio frame (ISO 11172-3 and 13818-3).
struct MpegHeader {
    var version: Int   // 3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5, as coded
    var layer: Int   // 1, 2 or 3
    var sampleRate: Int
    var mono: Bool
    var hasChecksum: Bool   // two bytes behind the header
    var frameBytes: Int
    var samplesPerFrame: Int

    /// Nil when the first four of `bytes` cannot be a frame header. Free-format frames (bit rate 0) are not recognised.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 4 else { return nil }
        let first = bytes.startIndex
        guard bytes[first] == 0xFF, bytes[first + 1] & 0xE0 == 0xE0 else { return nil }
        let (b1, b2, b3) = (Int(bytes[first + 1]), Int(bytes[first + 2]), Int(bytes[first + 3]))
        version = b1 >> 3 & 3
        layer = 4 - (b1 >> 1 & 3)
        hasChecksum = b1 & 1 == 0
        let rateIndex = b2 >> 2 & 3, bitrateIndex = b2 >> 4
        guard version != 1, layer != 4, rateIndex != 3, bitrateIndex != 0, bitrateIndex != 15 else { return nil }
        sampleRate = [44100, 48000, 32000][rateIndex] >> (version == 3 ? 0 : version == 2 ? 1 : 2)
        mono = b3 >> 6 == 3
        let table = version == 3 ? layer - 1 : layer == 1 ? 3 : 4
        let bitrate = Self.kilobits[table][bitrateIndex - 1] * 1000
        samplesPerFrame = layer == 1 ? 384 : layer == 2 || version == 3 ? 1152 : 576
        let padding = b2 >> 1 & 1
        frameBytes =
            layer == 1
            ? (12 * bitrate / sampleRate + padding) * 4
            : samplesPerFrame / 8 * bitrate / sampleRate + padding
    }

    private static let kilobits = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],   // MPEG-1 layer I
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],   // MPEG-1 layer II
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],   // MPEG-1 layer III
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],   // MPEG-2 layer I
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]   // MPEG-2 layers II and III
    ]

    /// Whether one decoder can go from one frame to the other: all that it sets up is alike.
    func isSameStream(as other: MpegHeader) -> Bool {
        version == other.version && layer == other.layer && sampleRate == other.sampleRate && mono == other.mono
    }

    var channels: Int { mono ? 1 : 2 }

    /// Bytes of side information in a layer III frame.
    var sideBytes: Int { version == 3 ? (mono ? 17 : 32) : (mono ? 9 : 17) }

    /// Whether a layer III frame needs no bits of the frames before it, as the first of a stream.
    func isSelfContained(_ frame: ArraySlice<UInt8>) -> Bool {
        let place = frame.startIndex + 4 + (hasChecksum ? 2 : 0)
        guard layer == 3, place + 1 < frame.endIndex else { return layer != 3 }
        return frame[place] == 0 && (version != 3 || frame[place + 1] & 0x80 == 0)
    }
}

/// The Xing or Info frame that encoders put before the first frame of a stream.
struct MpegTag {
    /// How many frames follow it; nil when it does not say.
    var frames: Int?
    /// Bytes of the stream, this frame included.
    var bytes: Int?
    /// Samples that the encoder put before and behind those it was given; nil without LAME's part of the tag.
    var delay: Int?, padding: Int?

    /// Nil when `frame` is an ordinary one.
    init?(_ header: MpegHeader, _ frame: ArraySlice<UInt8>) {
        var place = 4 + header.sideBytes
        guard header.layer == 3, frame.count >= place + 8, frame.has("Xing", at: place) || frame.has("Info", at: place),
            frame.dropFirst(6).prefix(place - 6).allSatisfy({ $0 == 0 })
        else { return nil }
        let flags = frame.bigEndian32(at: place + 4)
        place += 8
        func number() -> Int? {
            guard frame.count >= place + 4 else { return nil }
            defer { place += 4 }
            return frame.bigEndian32(at: place)
        }
        if flags & 1 != 0 { frames = number() }
        if flags & 2 != 0 { bytes = number() }
        if flags & 4 != 0 { place += 100 }
        if flags & 8 != 0 { place += 4 }
        guard frame.count >= place + 24, frame[frame.startIndex + place] != 0 else { return }
        let gap = frame.bigEndian32(at: place + 20) & 0xFF_FFFF
        (delay, padding) = (gap >> 12, gap & 0xFFF)
    }
}
