/// A decoder at some place of one file. Frames count from 0; samples are interleaved, full scale ±1.
protocol SampleSource: AnyObject {
    /// `frames` is the best that is known before decoding.
    var info: AudioInfo { get }
    /// Whether `info.frames` was counted or promised by a header, and not estimated.
    var framesAreKnown: Bool { get }
    /// What is odd about the file, in plain words.
    var notes: [String] { get }

    func seek(to frame: Int) throws
    /// Reads up to `frames` frames into room for `frames * info.channels` samples; 0 at the end.
    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int
}
