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
