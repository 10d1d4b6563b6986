import Support

/// The sizes that a WAV header states, against the size of the file. Recorders that were killed and programs that write
/// into a pipe leave 0, 0xFFFFFFFF or the like there; and a second file may lie behind the first.
struct WaveHeader {
    private let base: Int   // offset of the header in the file
    private let isRF64: Bool   // or BW64, which is the same by another name
    private var format: [UInt8] = []   // what the `fmt ` chunk holds
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
        guard isRIFF || isRF64 else { return nil }
        var offset = base + 12, longData: Int?, found = false
        for _ in 0 ..< Self.maxChunks where !found {
            let chunk = try window.slice(offset, 48)
            guard chunk.count >= 8 else { return nil }
            let size = chunk.littleEndian32(at: 4)
            if chunk.has("ds64"), chunk.count >= 24, isRF64 {
                let (low, high) = (chunk.littleEndian32(at: 16), chunk.littleEndian32(at: 20))
                longData = high < 0x8000_0000 ? high << 32 | low : nil
            } else if chunk.has("fmt "), chunk.count >= 24 {
                format = Array(try window.slice(offset + 8, min(size, 64)))
                blockAlign = max(1, Int(chunk[chunk.startIndex + 20]) | Int(chunk[chunk.startIndex + 21]) << 8)
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
            let size = chunk.littleEndian32(at: 4)
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

    /// The writer did not know the size when it wrote the header.
    private var isStreamed: Bool {
        (statedBytes == 0 || !isRF64 && statedBytes >= 0x7FFF_0000) && statedBytes != availableBytes
            && availableBytes >= blockAlign
    }

    /// What libsndfile is to see, where it would not understand the file; nil where it does.
    var pieces: [FileView.Piece]? {
        func bytes(_ size: Int, _ count: Int = 4) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
        }
        let samples =
            min(availableBytes, isStreamed || statedBytes < availableBytes ? availableBytes : statedBytes) / blockAlign
            * blockAlign
        if isRF64 {
            // It stumbles over chunks of odd size, and needs none but these.
            let head = Array("fmt ".utf8) + bytes(format.count) + format + (format.count & 1 == 1 ? [0] : [])
            let size = 4 + 8 + 28 + head.count + 8 + samples
            return [
                .bytes(
                    Array("RF64".utf8) + bytes(0xFFFF_FFFF) + Array("WAVEds64".utf8) + bytes(28) + bytes(size, 8)
                        + bytes(samples, 8)
                        + bytes(samples / blockAlign, 8) + bytes(0) + head + Array("data".utf8) + bytes(0xFFFF_FFFF)),
                .range(dataOffset ..< dataOffset + samples)
            ]
        }
        guard isStreamed || statedBytes < availableBytes || next != nil || base > 0 else { return nil }
        let riff = min(dataOffset - base + samples - 8, 0xFFFF_FFFF)
        return [
            .range(base ..< base + 4), .bytes(bytes(riff)), .range(base + 8 ..< dataOffset - 4),
            .bytes(bytes(min(samples, 0xFFFF_FFFF))),
            .range(dataOffset ..< dataOffset + samples)
        ]
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
