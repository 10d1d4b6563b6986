import Support

/// The sizes that a WAV header states, against the size of the file. Recorders that were killed and programs that write
/// into a pipe leave 0, 0xFFFFFFFF or the like there; and a second file may lie behind the first.
struct WaveHeader {
    private let base: Int   // offset of the header in the file
    private let isRF64: Bool   // or BW64, which is the same by another name
    private let isRIFX: Bool   // the highest byte of a number comes first
    private var format: [UInt8] = []   // what the `fmt ` chunk holds
    private var fact: [UInt8] = []   // what the `fact` chunk begins with: the number of frames, of codings in blocks
    private var dataOffset = 0
    private var statedBytes = 0
    private var availableBytes = 0
    private var blockAlign = 1
    /// Where another file begins behind this one's samples.
    private(set) var next: Int?

    /// More chunks than any program writes.
    private static let maxChunks = 4096

    /// Nil when no `data` chunk is found.
    init?(_ file: RandomAccessFile, at base: Int) throws {
        self.base = base
        var window = ByteWindow(file)
        let isRIFF = try window.has("RIFF", at: base)
        isRF64 = try !isRIFF && (window.has("RF64", at: base) || window.has("BW64", at: base))
        isRIFX = try window.has("RIFX", at: base)
        guard isRIFF || isRF64 || isRIFX else { return nil }
        var offset = base + 12, longData: Int?, found = false
        for _ in 0 ..< Self.maxChunks where !found {
            let chunk = try window.slice(offset, 48)
            guard chunk.count >= 8 else { return nil }
            let size = size(chunk)
            if chunk.has("ds64"), chunk.count >= 24, isRF64 {
                let (low, high) = (chunk.littleEndian32(at: 16), chunk.littleEndian32(at: 20))
                longData = high < 0x8000_0000 ? high << 32 | low : nil
            } else if chunk.has("fmt "), chunk.count >= 24 {
                format = Array(try window.slice(offset + 8, min(size, 256)))
                let (first, second) = (Int(chunk[chunk.startIndex + 20]), Int(chunk[chunk.startIndex + 21]))
                blockAlign = max(1, isRIFX ? first << 8 | second : first | second << 8)
            } else if chunk.has("fact") {
                fact = Array(chunk.dropFirst(8).prefix(min(size, 4)))
            } else if chunk.has("data") {
                (dataOffset, statedBytes) = (offset + 8, isRF64 && size == 0xFFFF_FFFF ? longData ?? size : size)
                found = true
            }
            offset += 8 + size + size & 1
        }
        guard found else { return nil }
        availableBytes = file.size - dataOffset
        try lookBehind(&window)
    }

    /// What lies behind the samples: chunks, tags and padding; another file; or more samples than the header knows of.
    private mutating func lookBehind(_ window: inout ByteWindow) throws {
        if isStreamed {
            // No size tells where another file begins.
            next = try Self.signature(&window, from: dataOffset, before: window.size)
            if let next { availableBytes = next - dataOffset }
            return
        }
        let end = dataOffset + statedBytes
        guard end < window.size else { return }
        var place = end + statedBytes & 1
        for _ in 0 ..< Self.maxChunks {
            let chunk = try window.slice(place, 32)
            if try Self.signature(&window, from: place, before: place + 1) != nil {
                next = place
                availableBytes = statedBytes
                return
            }
            guard chunk.count >= 8, chunk.prefix(4).allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !chunk.has("TAG") else {
                break
            }
            let size = size(chunk)
            guard place + 8 + size <= window.size else { break }
            place += 8 + size + size & 1
        }
        let isPadding = try window.firstOther(than: 0, from: place, before: window.size) == nil
        let isTag = try window.has("TAG", at: place) || window.has("ID3", at: place)
        // Some chunk was there, or nothing that could be sound.
        guard place < end + 2, !isPadding, !isTag, window.size - place >= 16 * blockAlign else {
            availableBytes = statedBytes
            return
        }
        next = try Self.signature(&window, from: place, before: window.size)
        availableBytes = (next ?? window.size) - dataOffset
    }

    /// The first place from `offset` on, before `limit`, where a whole file begins.
    static func signature(_ window: inout ByteWindow, from offset: Int, before limit: Int) throws -> Int? {
        var places: [Int?] = []
        for (first, text, at, then) in [
            ("R", "RIFF", 8, "WAVEfmt "), ("R", "RF64", 8, "WAVEds64"), ("B", "BW64", 8, "WAVEds64"),
            ("f", "fLaC", 5, "\0\0\u{22}"), ("O", "OggS", 4, "\0\u{2}")
        ] {
            var offset = offset, found: Int?
            while found == nil, let place = try window.first(first.utf8.first!, from: offset, before: limit) {
                if try window.has(text, at: place), try window.has(then, at: place + at) { found = place }
                offset = place + 1
            }
            places.append(found)
        }
        return places.compactMap { $0 }.min()
    }

    /// The bytes of a chunk behind its head.
    private func size(_ chunk: ArraySlice<UInt8>) -> Int {
        isRIFX ? chunk.bigEndian32(at: 4) : chunk.littleEndian32(at: 4)
    }

    /// The writer did not know the size when it wrote the header.
    private var isStreamed: Bool {
        (statedBytes == 0 || !isRF64 && statedBytes >= 0x7FFF_0000) && statedBytes != availableBytes
            && availableBytes >= blockAlign
    }

    /// What libsndfile is to see: the samples behind a header of the chunks that say how to decode them, with the right
    /// sizes. It stumbles over others: of odd size in RF64, and for ever over a LIST whose parts have negative ones.
    var pieces: [FileView.Piece] {
        func bytes(_ size: Int, _ count: Int = 4) -> [UInt8] {
            let bytes = (0 ..< count).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
            return isRIFX ? bytes.reversed() : bytes
        }
        func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
            Array(name.utf8) + bytes(content.count) + content + (content.count & 1 == 1 ? [0] : [])
        }
        let samples = isInBlocks ? availableBytes : availableBytes / blockAlign * blockAlign
        let head = chunk("fmt ", format) + (isInBlocks && fact.count == 4 ? chunk("fact", fact) : [])
        let size = 4 + head.count + 8 + samples, start: [UInt8]
        if isRF64 {
            start =
                Array("RF64".utf8) + bytes(0xFFFF_FFFF) + Array("WAVEds64".utf8) + bytes(28) + bytes(size + 36, 8)
                + bytes(samples, 8) + bytes(samples / blockAlign, 8) + bytes(0)
        } else {
            start = Array((isRIFX ? "RIFX" : "RIFF").utf8) + bytes(min(size, 0xFFFF_FFFF)) + Array("WAVE".utf8)
        }
        let data = Array("data".utf8) + bytes(isRF64 ? 0xFFFF_FFFF : min(samples, 0xFFFF_FFFF))
        return [.bytes(start + head + data), .range(dataOffset ..< dataOffset + samples)]
    }

    /// Whether a block has many frames, and the last may be shorter: anything but PCM, floats and their logarithms.
    private var isInBlocks: Bool {
        guard format.count >= 2 else { return false }
        let tag = isRIFX ? Int(format[0]) << 8 | Int(format[1]) : Int(format[1]) << 8 | Int(format[0])
        return ![1, 3, 6, 7, 0xFFFE].contains(tag)
    }

    /// A note on a wrong size; an error when more than half of a plausible promise is missing.
    func fault(sampleRate: Int, path: String) throws -> String? {
        func milliseconds(_ bytes: Int) -> Int {
            Int((1000 * Double((bytes + blockAlign - 1) / blockAlign) / Double(max(1, sampleRate))).rounded(.up))
        }
        if isStreamed {
            return "the header states \(statedBytes) bytes of samples (a stream dump?); used the file's size instead"
        }
        if statedBytes < availableBytes {
            return "the header states \(statedBytes) bytes of samples, the file holds \(availableBytes): "
                + "\(milliseconds(availableBytes - statedBytes)) ms more than it says, all of them are read"
        }
        let missing = statedBytes - availableBytes
        guard missing > 0 else { return nil }
        if availableBytes < statedBytes / 2 {
            throw OpahError(
                .audio, "\(name: path): truncated: \(milliseconds(missing)) ms are missing, more than half of the clip",
                hint: "copy or download it again")
        }
        return "truncated: the last \(milliseconds(missing)) ms are missing"
    }
}
