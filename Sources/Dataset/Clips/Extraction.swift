import Audio
import Codec
import Formats
import Glibc
import Support
import Synchronization
import Tensors

/// Turns the clips of a folder or filelist into codes beside them.
///
/// Each thread takes a whole clip through everything: decode, check, mix, resample, encode, write; then it takes
/// the next. So reading and writing overlap with encoding, there is no barrier between clips, and memory holds
/// one clip per thread. When the list runs out, threads without a clip share the kernels of those that still have one.
///
/// The cost is that of `CodecCost`, and decoding, checks, resampling and the mel spectrogram beside it. Batches with
/// barriers between reading and encoding were slower (docs/notes/extracting-codes.md).
///
/// A clip is encoded alone, so its codes depend on nothing but its samples and the codec: not on batch size, threads or
/// what else is in the folder. Codes that are there already are kept when they are this codec's codes of this recording
/// (`MadeFiles`), and when nothing is known about them but that they can be; others are made again, and told.
package struct Extraction {
    package struct Report {
        package var extracted = 0, present = 0
        /// Why codes were made again, as in `remade 2 (input changed: 2)`.
        package var remade: String?
        package var audioSeconds = 0.0
        package var skipped: [SkippedInput] = []
        package var notes: [(path: String, note: String)] = []
    }

    /// Longer recordings are refused: nobody trains on them, and they would keep gigabytes.
    package static let longestClip = 30.0 * 60

    package let codec: Codec
    package let overwrite: Bool
    /// Clips in memory at a time, at most; more than there are threads are never needed.
    package let batchSize: Int

    package init(codec: Codec, overwrite: Bool, batchSize: Int) {
        (self.codec, self.overwrite, self.batchSize) = (codec, overwrite, batchSize)
    }

    private enum Outcome {
        case present
        case extracted(samples: Int, notes: [String])
        case skipped(SkippedInput, notes: [String])
    }

    /// Raised when the same samples and codec come to give other codes; with it `format` in opah/token_cache.lua, whose
    /// entries would not be current otherwise.
    package static let format = 1

    /// - Parameters:
    ///   - folder: that of the clips, where they are not from a filelist.
    ///   - progress: (clips done, clips in all, seconds of audio encoded), on the caller's thread.
    package func run(
        _ found: Clips, folder: String? = nil, progress: (Int, Int, Double) throws -> Void
    ) throws -> Report {
        // Codes of short clips take less time than a disk to sync a file: they get their names together.
        let made = MadeFiles(
            stage: CodesOrigin.stage, format: Self.format,
            settings: ["codec": .string(try codec.codesDigest())], overwrite: overwrite, grouped: true)
        // Also when a stop was asked for: what is done is done.
        defer { made.close() }
        var stems: Set<String> = []   // a filelist may name a clip twice
        let clips = found.clips.filter { $0.audio != nil && stems.insert($0.stem).inserted }
        var outcomes = [Outcome?](repeating: nil, count: clips.count), failure: (any Error)?
        let fatal = Mutex<OpahError?>(nil)   // what no other clip would survive either
        let decisions = try clips.map { clip in
            try Interrupt.check()
            return made.decide(Self.target(clip), from: ["sound": clip.audio!])
        }
        let next = Atomic(0), done = Atomic(0), encoded = Atomic(0), isStopped = Atomic(false)
        let caller = pthread_self()
        outcomes.withUnsafeMutableBufferPointer { outcomes in
            nonisolated(unsafe) let outcomes = outcomes   // each clip writes its own element
            Parallel.forEach(min(batchSize, Parallel.threadCount, clips.count)) { _ in
                while !isStopped.load(ordering: .relaxed) {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < clips.count else { return }
                    let outcome: Outcome
                    do {
                        guard let found = try process(clips[index], decisions[index], made) else {
                            return isStopped.store(true, ordering: .relaxed)
                        }
                        outcome = found
                    } catch {
                        fatal.withLock { $0 = $0 ?? error as? OpahError }
                        return isStopped.store(true, ordering: .relaxed)
                    }
                    outcomes[index] = outcome
                    if case .extracted(let samples, _) = outcome { encoded.add(samples, ordering: .relaxed) }
                    let count = done.add(1, ordering: .relaxed).newValue
                    guard pthread_equal(pthread_self(), caller) != 0 else { continue }
                    do {
                        try progress(count, clips.count, seconds(encoded.load(ordering: .relaxed)))
                    } catch {
                        failure = error   // only the caller's thread comes here
                        isStopped.store(true, ordering: .relaxed)
                    }
                }
            }
        }
        if let failure { throw failure }
        if let fatal = fatal.withLock({ $0 }) { throw fatal }
        try Interrupt.check()
        let unnamed = Dictionary(made.bringOut().map { ($0.owner, $0.error) }, uniquingKeysWith: { first, _ in first })
        if let fatal = unnamed.values.first(where: \.isFatal) { throw fatal }
        for (index, clip) in clips.enumerated() {
            guard let error = unnamed[clip.audio!], case .extracted(_, let notes)? = outcomes[index] else { continue }
            outcomes[index] = .skipped(SkippedInput(path: clip.audio!, error: error), notes: notes)
        }
        var report = summary(found, clips, outcomes)
        report.remade = made.remade
        report.notes += made.notes("codes", below: folder)
        try progress(clips.count, clips.count, report.audioSeconds)
        return report
    }

    private func seconds(_ samples: Int) -> Double { Double(samples) / Double(codec.sampleRate) }

    /// In the order of the clips, whoever was ready first.
    private func summary(_ found: Clips, _ clips: [Clip], _ outcomes: [Outcome?]) -> Report {
        var report = Report()
        (report.skipped, report.notes) = (found.skipped, found.notes)
        for (clip, outcome) in zip(clips, outcomes) {
            switch outcome {
            case .present?: report.present += 1
            case .extracted(let samples, let notes)?:
                report.extracted += 1
                report.audioSeconds += seconds(samples)
                report.notes += notes.map { (clip.audio!, $0) }
            case .skipped(let input, let notes)?:
                report.skipped.append(input)
                report.notes += notes.map { (clip.audio!, $0) }
            case nil: break
            }
        }
        return report
    }

    private static func target(_ clip: Clip) -> String { clip.codes ?? clip.stem + ".npy" }

    /// One clip from file to file; nil when a stop was asked for.
    /// - Throws: what ends the run, as a full disk does.
    private func process(_ clip: Clip, _ decision: MadeFiles.Decision, _ made: MadeFiles) throws -> Outcome? {
        let path = clip.audio!, target = Self.target(clip)
        var notes: [String] = []
        do {
            switch decision {
            case .make, .remake: break
            case .current, .edited: return .present
            case .conflict(let changes): throw MadeFiles.refusal(target, changes)
            case .unknown:
                guard let problem = mismatch(target, try AudioFile.info(path)) else { return .present }
                made.settle(target)
                notes.append("\(PathName.last(target)) \(problem): extracted again")
            }
            let making = try made.start(target, from: ["sound": path], decision)
            var count = 0
            try made.make(making, owner: path) {
                let samples = try read(path, &notes)
                count = samples.count
                try Npy.save(codec.encode(samples), to: target)
                return [target]
            }
            return .extracted(samples: count, notes: notes)
        } catch let error as OpahError where error.kind == .interrupted {
            return nil
        } catch let error as OpahError where error.isFatal {
            throw error
        } catch {
            return .skipped(SkippedInput(path: path, error: error), notes: notes)
        }
    }

    /// A clip's mono samples at the codec's rate, piece by piece: beside them, memory holds about a second of the file.
    private func read(_ path: String, _ notes: inout [String]) throws -> [Float] {
        let reader = try AudioReader(path, ReadOptions(mono: false)), rate = codec.sampleRate
        try refuse(reader.info.duration)
        var examination = ClipExamination(channels: reader.channels, sampleRate: reader.sampleRate, wantedRate: rate)
        var resampler = reader.sampleRate == rate ? nil : try ResampleStream(from: reader.sampleRate, to: rate)
        var samples: [Float] = []
        samples.reserveCapacity(Resampler.length(reader.info.frames, from: reader.sampleRate, to: rate) + 1)
        while let piece = try reader.next() {
            let mix = piece.mixedToMono().channels[0]
            try examination.add(piece, mix: mix)
            if resampler == nil { samples += mix } else { try resampler!.process(mix, into: &samples) }
            try refuse(seconds(samples.count))   // headers lie
        }
        try resampler?.finish(into: &samples)
        notes += reader.notes
        for fault in examination.faults {
            if fault.severity == .error { throw OpahError(.audio, fault.reason, hint: fault.remedy) }
            notes.append(fault.reason + "; " + fault.remedy)
        }
        guard codec.tokenCount(samples: samples.count) > 0 else {
            throw OpahError(
                .audio, "is shorter than one token (\(codec.samplesPerToken) samples at \(rate) Hz)",
                hint: "leave it out, or join it to another clip")
        }
        return samples
    }

    private func refuse(_ duration: Double) throws {
        guard duration <= Self.longestClip else {
            throw OpahError(
                .audio, "lasts \(Int(min(duration / 60, 1e9))) minutes",
                hint: "cut it into sentences first: opah run slice-audio")
        }
    }

    /// Why codes cannot be this codec's of a clip so long; nil when they can.
    private func mismatch(_ path: String, _ info: AudioInfo) -> String? {
        guard let codes = try? Npy.load(path), codes.dtype.isInteger, codes.rank == 2 else { return "holds no codes" }
        guard codes.shape[0] == codec.codebookCount else {
            return "has \(codes.shape[0]) codebooks, not \(codec.codebookCount)"
        }
        let expected = codec.tokenCount(
            samples: Resampler.length(info.frames, from: info.sampleRate, to: codec.sampleRate))
        guard abs(codes.shape[1] - expected) <= 1 else {
            return "has \(codes.shape[1]) frames where the clip gives \(expected)"
        }
        guard let values = try? codes.ints(), values.allSatisfy({ $0 >= 0 && $0 < codec.codebookSize }) else {
            return "has codes outside the codebooks"
        }
        return nil
    }
}
