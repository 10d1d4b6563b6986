/// A decoder at some place of one file. Frames count from 0; samples are interleaved, full scale ±1.
protocol SampleSource: AnyObject {
    /// `frames` is what a header promises, or was counted where none does.
    var info: AudioInfo { get }
    /// What is odd about the file, in plain words.
    var notes: [String] { get }

    func seek(to frame: Int) throws
    /// Reads up to `frames` frames into room for `frames * info.channels` samples; 0 at the end.
    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int
}
