import Support

/// A decoder at some place of one file. Frames count from 0; samples are interleaved, full scale ±1.
protocol SampleSource: AnyObject {
    /// `frames` is how many can be decoded, as far as that can be told without decoding all.
    var info: AudioInfo { get }
    /// How many frames a header promises where that is more than there are; nil otherwise.
    var stated: Int? { get }
    /// What is odd about the file, in plain words.
    var notes: [String] { get }

    func seek(to frame: Int) throws
    /// Reads up to `frames` frames into room for `frames * info.channels` samples; 0 at the end.
    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int
}

extension SampleSource {
    /// Goes forward by decoding what lies before, and dropping it.
    func skip(_ frames: Int) throws {
        var left = frames
        let atATime = framesAtATime(channels: info.channels)
        var dropped = [Float](repeating: 0, count: min(left, atATime) * info.channels)
        while left > 0,
            case let got = try dropped.withUnsafeMutableBufferPointer({
                try read(into: $0.baseAddress!, frames: min(left, atATime))
            }), got > 0
        {
            left -= got
            try Interrupt.check()
        }
    }
}

/// Frames that are read at a time where nobody says how many: 4096, fewer of very many channels.
func framesAtATime(channels: Int) -> Int { max(16, min(4096, (1 << 15) / max(1, channels))) }
