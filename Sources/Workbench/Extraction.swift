import Audio
import Codec
import Formats
import Support
import Tensors
import Training

/// Turns the clips of a folder or filelist into codes beside them.
///
/// A clip is encoded alone, so its codes depend on nothing but its samples and the codec: not on batch
/// size, workers or what else is in the folder. Codes that are there already are kept when they can be
/// this codec's codes of this clip; others are made again, with a note.
struct Extraction {
    struct Report {
        var extracted = 0, present = 0
        var audioSeconds = 0.0
        var skipped: [SkippedInput] = []
        var notes: [(path: String, note: String)] = []
    }

    /// Longer recordings are refused: nobody trains on them, and they would take gigabytes.
    static let longestClip = 30.0 * 60

    let codec: Codec
    let overwrite: Bool
    /// Clips that are read and encoded at a time; bounds the memory.
    let batchSize: Int

    /// - Parameter progress: (clips done, clips in all, seconds of audio encoded).
    func run(_ found: Clips, progress: (Int, Int, Double) throws -> Void) throws -> Report {
        var report = Report()
        report.skipped = found.skipped
        let clips = found.clips.filter { $0.audio != nil }
        var done = 0
        for start in stride(from: 0, to: clips.count, by: batchSize) {
            try Interrupt.check()
            let batch = Array(clips[start..<min(start + batchSize, clips.count)])
            let loaded = Self.concurrentMap(batch) { clip in Result { try load(clip) } }
            var ready: [(clip: Clip, samples: [Float])] = []
            for (clip, result) in zip(batch, loaded) {
                switch result {
                case .success(.present(let notes)):
                    report.present += 1
                    report.notes += notes.map { (clip.audio!, $0) }
                case .success(.samples(let samples, let notes)):
                    ready.append((clip, samples))
                    report.notes += notes.map { (clip.audio!, $0) }
                case .failure(let error as OpahError) where error.kind == .interrupted: throw error
                case .failure(let error): report.skipped.append(SkippedInput(path: clip.audio!, error: error))
                }
            }
            let codes = try codec.encodeBatch(ready.map(\.samples))
            for ((clip, samples), codes) in zip(ready, codes) {
                do {
                    try Npy.save(codes, to: clip.stem + ".npy")
                    report.extracted += 1
                    report.audioSeconds += Double(samples.count) / Double(codec.sampleRate)
                } catch let error as OpahError where error.kind == .file {
                    report.skipped.append(SkippedInput(path: clip.audio!, error: error))
                }
            }
            done += batch.count
            try progress(done, clips.count, report.audioSeconds)
        }
        return report
    }

    private enum Loaded {
        case present(notes: [String])
        case samples([Float], notes: [String])
    }

    private func load(_ clip: Clip) throws -> Loaded {
        let path = clip.audio!
        let info = try AudioFile.info(path)
        var notes: [String] = []
        if let codes = clip.codes, !overwrite {
            guard let problem = mismatch(codes, info) else { return .present(notes: []) }
            notes.append("\(PathName.last(codes)) \(problem): extracted again")
        }
        guard info.duration <= Self.longestClip else {
            throw OpahError(.audio, "lasts \(Int(info.duration / 60)) minutes", hint: "cut it into sentences first: opah run slice-audio")
        }
        let (raw, _, readNotes) = try AudioFile.read(path, ReadOptions(mono: false))
        for fault in try ClipCheck.faults(raw) {
            if fault.severity == .error { throw OpahError(.audio, fault.reason, hint: fault.remedy) }
            notes.append(fault.reason + "; " + fault.remedy)
        }
        let samples = try Resampler.resample(raw.mixedToMono(), to: codec.sampleRate).channels[0]
        guard codec.tokenCount(samples: samples.count) > 0 else {
            throw OpahError(.audio, "is shorter than one token (\(codec.samplesPerToken) samples at \(codec.sampleRate) Hz)", hint: "leave it out, or join it to another clip")
        }
        return .samples(samples, notes: readNotes + notes)
    }

    /// Why codes cannot be this codec's of a clip so long; nil when they can.
    private func mismatch(_ path: String, _ info: AudioInfo) -> String? {
        guard let codes = try? Npy.load(path), codes.dtype.isInteger, codes.rank == 2 else { return "holds no codes" }
        guard codes.shape[0] == codec.codebookCount else { return "has \(codes.shape[0]) codebooks, not \(codec.codebookCount)" }
        let expected = codec.tokenCount(samples: Resampler.length(info.frames, from: info.sampleRate, to: codec.sampleRate))
        guard abs(codes.shape[1] - expected) <= 1 else { return "has \(codes.shape[1]) frames where the clip gives \(expected)" }
        guard let values = try? codes.ints(), values.allSatisfy({ $0 >= 0 && $0 < codec.codebookSize }) else { return "has codes outside the codebooks" }
        return nil
    }

    /// Results in order, computed on all threads.
    private static func concurrentMap<T, R>(_ items: [T], _ body: (T) -> R) -> [R] {
        var results = [R?](repeating: nil, count: items.count)
        results.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let slots = buffer   // each task writes its own slot
            Parallel.forEach(items.count) { slots[$0] = body(items[$0]) }
        }
        return results.map { $0! }
    }
}
