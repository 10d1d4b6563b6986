import Audio
import Support
import Tensors

extension Codec {
    /// Codes of a mono clip at the codec's sample rate: int32 [C, T] with T = floor(floor(N / hop) / downsampling).
    /// - Parameter whole: give the last, partly filled token as well; T is then rounded up at each downsampling.
    /// - Throws: `audio` for clips shorter than one token and for samples that are no numbers.
    public func encode(_ samples: [Float], whole: Bool = false) throws -> Tensor {
        try check(samples)
        let tokens = tokenCount(samples: samples.count, whole: whole)
        let codes = try Tensor(empty: [codebookCount, tokens], .int32), target = codes.pointer(Int32.self)
        try analyse(samples, frames: logMel.frames(samples: samples.count)) { stretch in
            for t in 0 ..< max(min(stretch.tokens, tokens - stretch.firstToken), 0) {
                self.quantization.encode(stretch.latents.row(t)) { book, code, _, _ in
                    target[book * tokens + stretch.firstToken + t] = code
                }
            }
        }
        return codes
    }

    /// Codes of several clips, each exactly as `encode` gives them. Each thread takes a clip at a time; when no clips
    /// are left, threads share the last ones.
    public func encodeBatch(_ clips: [[Float]], whole: Bool = false) throws -> [Tensor] {
        // The longest first, so that little is left to share.
        let order = clips.indices.sorted { (clips[$0].count, $1) > (clips[$1].count, $0) }
        var results = [Result<Tensor, any Error>?](repeating: nil, count: clips.count)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results   // each task writes its own element
            Parallel.forEach(order.count) { place in
                let clip = order[place]
                results[clip] = Result { try encode(clips[clip], whole: whole) }
            }
        }
        return try results.map { try $0!.get() }
    }

    /// Everything on the way from samples to codes.
    /// - Parameter length: samples that count; the mel frames that begin after them are set to zero before the
    ///   backbone, and its output there too, as happens to the shorter clips of a padded batch.
    public func features(_ samples: [Float], length: Int? = nil) throws -> CodecFeatures {
        try check(samples)
        let frames = logMel.frames(samples: samples.count), factor = configuration.downsampleFactor
        let real = min((length ?? samples.count) / hopLength, frames)
        let all = (frames + factor - 1) / factor
        let layers = quantization.layers, levels = quantization.levels.count
        let width = configuration.backbone.dims.last!
        let mel = try Tensor(logMel(samples).values, [configuration.spectrogram.melCount, frames])
        let backbone = try Tensor(zeros: [width, frames])
        var tokens = 0   // with several strides, rounding up at each is not rounding up once
        var rows: [(Int, Int32, [Float], Float)] = []
        rows.reserveCapacity(all * codebookCount)
        try analyse(samples, frames: frames, real: real) { stretch in
            for t in 0 ..< stretch.frames {
                for c in 0 ..< width {
                    backbone.pointer(Float.self)[c * frames + stretch.firstFrame + t] = stretch.features.row(t)[c]
                }
            }
            for t in 0 ..< stretch.tokens {
                self.quantization.encode(stretch.latents.row(t)) { rows.append(($0, $1, $2, $3)) }
            }
            tokens += stretch.tokens
        }
        let latents = try Tensor(empty: [configuration.quantizer.groups, layers, tokens, levels])
        let indices = try Tensor(empty: [codebookCount, tokens], .int32),
            margins = try Tensor(empty: [codebookCount, tokens])
        for (place, row) in rows.enumerated() {
            let at = row.0 * tokens + place / codebookCount
            indices.pointer(Int32.self)[at] = row.1
            margins.pointer(Float.self)[at] = row.3
            for d in 0 ..< levels { latents.pointer(Float.self)[at * levels + d] = row.2[d] }
        }
        return CodecFeatures(mel: mel, backbone: backbone, latents: latents, indices: indices, margins: margins)
    }

    private func check(_ samples: [Float]) throws {
        let least = max(samplesPerToken, logMel.shortest)
        guard samples.count >= least else {
            throw OpahError(
                .audio,
                "a clip of \(samples.count) samples is too short for the codec: one token takes \(least) samples at \(sampleRate) Hz",
                hint: "leave the clip out, or join it with its neighbour")
        }
        // Zero times a number is zero; zero times infinity or NaN is not.
        let sum = samples.reduce(Float(0)) { $0 + $1 * 0 }
        guard sum == 0 else {
            let place = samples.firstIndex { !$0.isFinite } ?? 0
            throw OpahError(
                .audio, "sample \(place) of the clip is \(samples[place]), not a number",
                hint: "the file is damaged, or was not written as audio")
        }
    }
}

/// A stretch of a clip inside the encoder. All rows are valid during the callback only.
struct EncodedStretch {
    let firstFrame: Int, frames: Int, features: Rows
    let firstToken: Int, tokens: Int, latents: Rows
}

extension Codec {
    /// Mel frames per stretch: the memory of a long clip stays bounded.
    static let stretch = 2048

    /// Takes a clip through mel, backbone and downsampling, a stretch at a time: beyond the samples themselves,
    /// memory does not grow with the clip.
    /// - Parameter real: frames from here on are zeroed before and after the backbone.
    func analyse(_ samples: [Float], frames: Int, real: Int? = nil, _ body: (EncodedStretch) throws -> Void) throws {
        let (encoder, downsampling) = try encoding(), real = real ?? frames
        let factor = configuration.downsampleFactor, mels = configuration.spectrogram.melCount
        let length = (min(frames, Self.stretch) + factor - 1) / factor * factor
        let backbone = Encoder.Pass(encoder, capacity: length), down = Downsampling.Pass(downsampling, capacity: length)
        let input = Rows(channels: mels, lead: Encoder.stemKernel - 1, capacity: length)
        var token = 0
        for start in stride(from: 0, to: frames, by: length) {
            try Interrupt.check()
            let n = min(length, frames - start), counted = min(max(real - start, 0), n)
            try spectrogram(samples, start ..< start + counted, into: input)
            input.clear(counted ..< n)
            let features = try backbone(input, rows: n)
            features.clear(counted ..< n)
            // Downsampling pads its input with zero rows: what it is given is read, not changed, before that.
            let (latents, tokens) = try down(features, rows: n)
            try body(
                EncodedStretch(
                    firstFrame: start, frames: n, features: features, firstToken: token, tokens: tokens,
                    latents: latents))
            token += tokens
        }
    }

    /// Mel frames `range` to rows 0...; the threads share the frames.
    private func spectrogram(_ samples: [Float], _ range: Range<Int>, into rows: Rows) throws {
        let pieces = min(max(range.count / 64, 1), 256)
        var failures = [(any Error)?](repeating: nil, count: pieces)
        samples.withUnsafeBufferPointer { samples in
            failures.withUnsafeMutableBufferPointer { failures in
                nonisolated(unsafe) let samples = samples, failures = failures
                Parallel.forEach(pieces) { piece in
                    let first = range.count * piece / pieces, end = range.count * (piece + 1) / pieces
                    do {
                        try logMel.computeRows(
                            samples, frames: range.lowerBound + first ..< range.lowerBound + end,
                            into: rows.row(first), stride: rows.width)
                    } catch { failures[piece] = error }
                }
            }
        }
        for case let failure? in failures { throw failure }
    }
}
