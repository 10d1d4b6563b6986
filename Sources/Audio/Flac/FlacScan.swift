import Support

/// Where the whole frames of a FLAC file lie, told from their checksums: a decoder stops at the first damaged one.
///
/// Cost: one read of the file, with up to four checksums of it where it is damaged; memory grows with its megabytes and
/// the damaged places.
struct FlacScan {
    /// Frames that follow each other without a break.
    struct Stretch {
        var range: Range<Int>
        var samples: Int   // of each channel
    }

    private(set) var stretches: [Stretch] = []
    private(set) var damagedPlaces = 0
    private(set) var firstDamage = 0   // samples found before it
    private(set) var lost = 0   // samples that are missing, by the frames' own numbers
    let head: FlacHead
    private let soundStart: Int, soundEnd: Int
    private var last: FlacFrame?
    private var starts: [Start] = []
    /// Behind the last frame of a stream without damage; tags and padding do not count.
    private(set) var tailBytes = 0

    /// What may be a frame's first byte.
    private struct Start {
        let frame: FlacFrame
        let offset: Int
        var sum: UInt16 = 0   // of the bytes from there on; 0 behind a whole frame
    }

    /// Bytes within a frame look like a header once in 2^29: more at a time need not be told apart.
    private static let mostStarts = 4
    /// More than a terabyte has, and than damage leaves; 24 MB of them.
    private static let mostStretches = 1 << 20
    /// Samples: more is no number that an encoder wrote.
    private static let mostLost = 1 << 40
    /// More blocks of metadata than any program writes.
    private static let mostBlocks = 4096
    /// Bytes: a block of 65535 samples of eight channels of 32 bits.
    private static let longestFrame = 1 << 21
    /// Ends of a frame that are tried.
    private static let mostTries = 8
    /// Bytes: how far a decoder reads to come to a sample in the middle.
    private static let longestStretch = 1 << 20

    var samples: Int { stretches.reduce(0) { $0 + $1.samples } }

    /// - Parameter range: the bytes from "fLaC" on. Nil when no stream information follows.
    init?(_ file: RandomAccessFile, _ range: Range<Int>) throws {
        var window = ByteWindow(file), steps = 0
        guard let head = FlacHead(try window.slice(range.lowerBound, FlacHead.byteCount)) else { return nil }
        (self.head, soundEnd) = (head, range.upperBound)
        soundStart = try Self.soundStart(&window, range.lowerBound + 4)
        var position = range.lowerBound + FlacHead.byteCount
        while position < range.upperBound, stretches.count < Self.mostStretches {
            steps += 1
            if steps & 0xFFF == 0 { try Interrupt.check() }
            let part = try window.slice(position, min(1 << 16, range.upperBound - position))
            guard let first = part.first else { break }
            if first == 0xFF, let frame = FlacFrame(part.prefix(FlacFrame.longestHeader), head) {
                end(at: position)
                if starts.count == Self.mostStarts { starts.removeFirst() }
                starts.append(Start(frame: frame, offset: position))
            }
            let count = part.dropFirst().firstIndex(of: 0xFF).map { $0 - part.startIndex } ?? part.count
            for i in starts.indices { starts[i].sum = FlacChecksum.sum(starts[i].sum, part.prefix(count)) }
            position += count
        }
        end(at: position)
    }

    /// What may be frames behind the last whole one: the last is cut off, or other bytes follow it. Where they are
    /// several, there is damage between them, and those that can be decoded are taken.
    /// - Parameter decoded: how many samples of it a decoder gives.
    mutating func takeTail(_ file: RandomAccessFile, _ decoded: (Stretch) throws -> Int) throws {
        guard damagedPlaces > 0 || starts.count > 1 else {
            if let start = starts.first { tailBytes = try bytes(behind: start, file, decoded) }
            return
        }
        if damagedPlaces == 0 { (damagedPlaces, firstDamage) = (1, samples) }
        let ends = starts.dropFirst().map(\.offset) + [soundEnd]
        for (start, end) in zip(starts, ends) {
            let stretch = Stretch(range: start.offset ..< end, samples: start.frame.block)
            let samples = try min(stretch.samples, decoded(stretch))
            guard samples > 0 else { continue }
            lost = min(lost + (last.map { start.frame.missing(behind: $0) } ?? 0), Self.mostLost)
            stretches.append(Stretch(range: stretch.range, samples: samples))
            last = start.frame
        }
        starts = []
    }

    /// What follows a last frame that does not end where the file does; 0 when it was cut off. Its checksum alone does
    /// not tell where it ends: of 65536 places one fits by chance.
    private func bytes(behind start: Start, _ file: RandomAccessFile, _ decoded: (Stretch) throws -> Int) throws -> Int
    {
        var window = ByteWindow(file), sum: UInt16 = 0, position = start.offset, tries = 0
        while position < min(soundEnd, start.offset + Self.longestFrame) {
            let part = try window.slice(position, min(1 << 16, soundEnd - position))
            guard !part.isEmpty else { break }
            for index in part.indices {
                sum = FlacChecksum.sum(sum, part[index ... index])
                position += 1
                guard sum == 0 else { continue }
                tries += 1
                let whole = Stretch(range: start.offset ..< position, samples: start.frame.block)
                if try decoded(whole) == whole.samples { return try isTag(&window, position) ? 0 : soundEnd - position }
                if tries == Self.mostTries { return 0 }
            }
        }
        return 0
    }

    /// Whether what follows the last frame is what other programs put behind sound.
    private func isTag(_ window: inout ByteWindow, _ place: Int) throws -> Bool {
        let tail = try window.slice(place, min(1 << 16, soundEnd - place))
        return tail.has("APETAGEX") || tail.has("TAG") && tail.count == 128 || tail.allSatisfy { $0 == 0 }
    }

    /// Where the first frame is to be: behind the blocks of metadata, each with a byte of kind and three of size.
    private static func soundStart(_ window: inout ByteWindow, _ offset: Int) throws -> Int {
        var offset = offset
        for _ in 0 ..< mostBlocks {
            let block = try window.slice(offset, 4)
            guard let kind = block.first, block.count == 4 else { break }
            offset += 4 + block.bigEndian32(at: 0) & 0xFF_FFFF
            if kind & 0x80 != 0 { break }
        }
        return offset
    }

    /// Takes the frame that ends here, if one does.
    private mutating func end(at offset: Int) {
        guard let start = starts.first(where: { $0.sum == 0 }) else { return }
        starts = []
        let frame = start.frame
        let place = stretches.last?.range.upperBound ?? soundStart
        // A stream that was cut out of another does not begin at 0.
        let missing = last.map { frame.missing(behind: $0) } ?? (start.offset == place ? 0 : frame.sample)
        if start.offset != place || missing > 0 {
            if damagedPlaces == 0 { firstDamage = samples }
            damagedPlaces += 1
            lost = min(lost + missing, Self.mostLost)
        }
        if let stretch = stretches.last, start.offset == place, missing == 0,
            offset - stretch.range.lowerBound <= Self.longestStretch
        {
            stretches[stretches.count - 1] = Stretch(
                range: stretch.range.lowerBound ..< offset, samples: stretch.samples + frame.block)
        } else {
            stretches.append(Stretch(range: start.offset ..< offset, samples: frame.block))
        }
        last = frame
    }
}

/// "fLaC" and the stream information behind it.
struct FlacHead {
    let channels: Int, bits: Int
    let samples: Int   // 0 where the writer did not know
    private let information: [UInt8]

    static let byteCount = 42

    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.byteCount, bytes.has("fLaC"), bytes.bigEndian32(at: 4) & 0x7FFF_FFFF == 34 else {
            return nil
        }
        information = Array(bytes.dropFirst(8).prefix(34))
        channels = Int(information[12] >> 1 & 7) + 1
        bits = Int(information[12] & 1) << 4 | Int(information[13] >> 4) + 1
        samples = Int(information[13] & 15) << 32 | information.bigEndian32(at: 14)
    }

    /// A head of its own for a part of the stream.
    func bytes(samples: Int) -> [UInt8] {
        var copy = information
        copy[13] = copy[13] & 0xF0 | UInt8(truncatingIfNeeded: samples >> 32 & 15)
        for i in 0 ..< 4 { copy[14 + i] = UInt8(truncatingIfNeeded: samples >> (24 - 8 * i)) }
        for i in 18 ..< 34 { copy[i] = 0 }   // no digest of the samples
        return Array("fLaC".utf8) + [0x80, 0, 0, 34] + copy
    }
}

/// The header of a FLAC frame (RFC 9639).
struct FlacFrame {
    let isFixed: Bool   // all blocks but the last are of one size, and `number` counts them; else it counts samples
    let number: Int
    let block: Int   // samples of each channel

    static let longestHeader = 16

    /// Nil when `bytes` do not begin with one that fits the stream.
    init?(_ bytes: ArraySlice<UInt8>, _ head: FlacHead) {
        let bytes = Array(bytes)
        guard bytes.count >= 6, bytes[0] == 0xFF, bytes[1] & 0xFE == 0xF8, bytes[3] & 1 == 0 else { return nil }
        isFixed = bytes[1] & 1 == 0
        let (size, rate, channels, bits) = (bytes[2] >> 4, bytes[2] & 15, Int(bytes[3] >> 4), Int(bytes[3] >> 1 & 7))
        guard size != 0, rate != 15, channels < 8 ? channels + 1 == head.channels : channels < 11 && head.channels == 2,
            bits == 0 || [8, 12, -1, 16, 20, 24, 32][bits - 1] == head.bits
        else { return nil }
        // The number, written as UTF-8 writes characters, in up to 7 bytes.
        let ones = (~bytes[4]).leadingZeroBitCount
        let more = max(0, ones - 1)
        let extra = (size == 6 ? 1 : size == 7 ? 2 : 0) + (rate == 12 ? 1 : rate > 12 ? 2 : 0)
        guard ones != 1, ones < 8, bytes.count > 5 + more + extra,
            bytes[5 ..< 5 + more].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { return nil }
        let lead = ones < 7 ? Int(bytes[4] & UInt8(0x7F >> ones)) : 0
        number = bytes[5 ..< 5 + more].reduce(lead) { $0 << 6 | Int($1 & 0x3F) }
        let place = 5 + more
        switch size {
        case 1: block = 192
        case 2 ... 5: block = 144 << Int(size)
        case 6: block = Int(bytes[place]) + 1
        case 7: block = (Int(bytes[place]) << 8 | Int(bytes[place + 1])) + 1
        default: block = 1 << Int(size)
        }
        guard FlacChecksum.ofHeader(bytes[..<(place + extra)]) == bytes[place + extra] else { return nil }
    }

    /// Its first sample, as far as its number tells.
    var sample: Int { isFixed ? number * block : number }

    /// Samples between an earlier frame and this one.
    func missing(behind last: FlacFrame) -> Int {
        max(0, isFixed ? (number - last.number - 1) * last.block : number - last.number - last.block)
    }
}

enum FlacChecksum {
    /// Of a header: polynomial 0x07, 8 bits.
    static func ofHeader(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        bytes.reduce(0) { sum, byte in
            (0 ..< 8).reduce(sum ^ byte) { sum, _ in sum << 1 ^ (sum >> 7 == 1 ? 0x07 : 0) }
        }
    }

    /// Of a frame, continued: polynomial 0x8005, 16 bits.
    static func sum(_ start: UInt16, _ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.withUnsafeBufferPointer { bytes in
            table.withUnsafeBufferPointer { table in
                bytes.reduce(start) { $0 << 8 ^ table[Int(UInt8(truncatingIfNeeded: $0 >> 8) ^ $1)] }
            }
        }
    }

    private static let table: [UInt16] = (0 ..< 256).map { byte in
        (0 ..< 8).reduce(UInt16(byte) << 8) { sum, _ in sum << 1 ^ (sum >> 15 == 1 ? 0x8005 : 0) }
    }
}
