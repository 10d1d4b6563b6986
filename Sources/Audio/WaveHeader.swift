import Support

/// The sizes that a WAV header states, against the size of the file. Recorders that were killed and
/// programs that write into a pipe leave 0, 0xFFFFFFFF or the like there.
struct WaveHeader {
    private var dataOffset = 0
    private var statedBytes = 0
    private var availableBytes = 0
    private var blockAlign = 1

    /// Nil when no `data` chunk is found, or for RF64, whose 32-bit sizes mean nothing.
    init?(_ file: RandomAccessFile) throws {
        guard try file.bytes(at: 0, count: 4).has("RIFF") else { return nil }
        var offset = 12
        while case let chunk = try file.bytes(at: offset, count: 24), chunk.count >= 8 {
            let size = chunk.littleEndian32(at: 4)
            if chunk.has("fmt "), chunk.count >= 22 {
                blockAlign = max(1, Int(chunk[20]) | Int(chunk[21]) << 8)
            } else if chunk.has("data") {
                (dataOffset, statedBytes) = (offset + 8, size)
                availableBytes = file.size - dataOffset
                return
            }
            offset += 8 + size + size & 1
        }
        return nil
    }

    /// The writer did not know the size when it wrote the header.
    private var isStreamed: Bool {
        (statedBytes == 0 || statedBytes >= 0x7FFF_0000) && statedBytes != availableBytes && availableBytes >= blockAlign
    }

    /// The sizes that the header should have had, where it has none.
    var corrections: [(offset: Int, bytes: [UInt8])] {
        guard isStreamed else { return [] }
        func bytes(_ size: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: min(size, 0xFFFF_FFFF) >> (8 * $0)) } }
        return [(4, bytes(dataOffset + availableBytes - 8)), (dataOffset - 4, bytes(availableBytes / blockAlign * blockAlign))]
    }

    /// A note on a wrong size; an error when more than half of a plausible promise is missing.
    func fault(sampleRate: Int, path: String) throws -> String? {
        if isStreamed { return "the header states \(statedBytes) bytes of samples (a stream dump?); used the file's size instead" }
        let missing = statedBytes - availableBytes
        guard missing > 0 else { return nil }
        let frames = (missing + blockAlign - 1) / blockAlign
        let milliseconds = Int((1000 * Double(frames) / Double(max(1, sampleRate))).rounded(.up))
        if availableBytes < statedBytes / 2 {
            throw OpahError(.audio, "\(path): truncated: \(milliseconds) ms are missing, more than half of the clip",
                            hint: "copy or download it again")
        }
        return "truncated: the last \(milliseconds) ms are missing"
    }
}
