import CKissFFT
import Glibc
import Support

/// The codec's log-mel spectrogram: the signal is reflected by (win - hop)/2 samples at both ends, cut into
/// frames without further centring, windowed (periodic Hann), transformed; magnitude sqrt(re² + im² + 1e-6),
/// Slaney mel bank, natural logarithm of max(·, 1e-5).
///
/// A value of this type holds window and mel bank only: any number of threads may use it at once.
public struct LogMel: Sendable {
    public let sampleRate: Int, nFFT: Int, hopLength: Int, winLength: Int, nMels: Int
    public let bank: MelBank
    private let window: [Float]   // [nFFT], the Hann window in the middle, zeros around it
    private let padLeft: Int, padRight: Int

    /// - Throws: `argument` when the sizes do not fit each other. `nFFT` must be even.
    public init(sampleRate: Int, nFFT: Int, hopLength: Int, winLength: Int, nMels: Int) throws {
        guard Resampler.rates.contains(sampleRate), nFFT >= 2, nFFT <= 1 << 20, nFFT % 2 == 0,
            (1 ... nFFT).contains(winLength),
            (1 ... winLength).contains(hopLength), (1 ... nFFT).contains(nMels)
        else {
            throw OpahError(
                .argument,
                "log_mel: sample_rate \(sampleRate), n_fft \(nFFT), hop_length \(hopLength), "
                    + "win_length \(winLength), n_mels \(nMels) do not fit each other",
                hint: "hop_length <= win_length <= n_fft, n_fft even, n_mels <= n_fft")
        }
        (self.sampleRate, self.nFFT, self.hopLength, self.winLength, self.nMels) = (
            sampleRate, nFFT, hopLength, winLength, nMels
        )
        padLeft = (winLength - hopLength) / 2
        padRight = (winLength - hopLength + 1) / 2
        var window = [Float](repeating: 0, count: nFFT)
        let start = (nFFT - winLength) / 2
        for i in 0 ..< winLength {
            window[start + i] = Float(0.5 - 0.5 * cos(2 * Double.pi * Double(i) / Double(winLength)))
        }
        self.window = window
        bank = MelBank(sampleRate: sampleRate, nFFT: nFFT, nMels: nMels)
    }

    /// The fewest samples that give a frame: the reflection needs more samples than it adds.
    public var shortest: Int { max(padRight + 1, nFFT - padLeft - padRight) }

    /// Frames for so many samples; 0 when there are too few. With winLength = nFFT it is floor(samples / hop).
    public func frames(samples: Int) -> Int {
        samples < shortest ? 0 : 1 + (samples + padLeft + padRight - nFFT) / hopLength
    }

    /// The spectrogram of one clip: `values` is row-major [nMels, frames].
    /// - Throws: `audio` when the clip is shorter than `shortest`.
    public func callAsFunction(_ samples: [Float]) throws -> (values: [Float], frames: Int) {
        let frames = frames(samples: samples.count)
        var values = [Float](repeating: 0, count: nMels * frames)
        try samples.withUnsafeBufferPointer { samples in
            try values.withUnsafeMutableBufferPointer {
                try compute(samples, frames: 0 ..< frames, into: $0)
            }
        }
        return (values, frames)
    }

    /// Some of the frames, into their places in the whole [nMels, frames]: threads share a clip by frame ranges.
    /// - Throws: `audio` when the clip is shorter than `shortest`; `argument` when range or room do not fit.
    public func compute(
        _ samples: UnsafeBufferPointer<Float>, frames range: Range<Int>,
        into values: UnsafeMutableBufferPointer<Float>
    ) throws {
        let total = frames(samples: samples.count)
        try check(samples.count, range, room: values.count, needed: nMels * total)
        guard !range.isEmpty else { return }
        try transform(samples, range, values.baseAddress! + range.lowerBound, frameStride: 1, bandStride: total)
    }

    /// Some of the frames as rows of `stride` floats, the first `nMels` of which are written: what goes on to a
    /// network frame by frame needs no whole spectrogram.
    /// - Throws: as `compute`.
    public func computeRows(
        _ samples: UnsafeBufferPointer<Float>, frames range: Range<Int>,
        into rows: UnsafeMutablePointer<Float>, stride: Int
    ) throws {
        try check(samples.count, range, room: stride, needed: nMels)
        try transform(samples, range, rows, frameStride: stride, bandStride: 1)
    }

    private func check(_ samples: Int, _ range: Range<Int>, room: Int, needed: Int) throws {
        let total = frames(samples: samples)
        guard total > 0 else {
            throw OpahError(
                .audio, "log_mel: \(samples) samples are too few: \(shortest) at \(sampleRate) Hz are the least",
                hint: "leave the clip out, or join it with its neighbour")
        }
        guard range.lowerBound >= 0, range.upperBound <= total, room >= needed else {
            throw OpahError(.argument, "log_mel: frames \(range) of \(total) into room for \(room) values")
        }
    }

    /// Band m of the frame at place i of the range goes to out[i * frameStride + m * bandStride].
    private func transform(
        _ samples: UnsafeBufferPointer<Float>, _ range: Range<Int>, _ out: UnsafeMutablePointer<Float>,
        frameStride: Int, bandStride: Int
    ) throws {
        guard let plan = kiss_fftr_alloc(Int32(nFFT), 0, nil, nil) else {
            throw OpahError(.memory, "log_mel: no memory for an FFT plan")
        }
        defer { free(UnsafeMutableRawPointer(plan)) }
        // One scratch block: the windowed frame [nFFT], its magnitudes [nFFT/2 + 1].
        var scratch = [Float](repeating: 0, count: nFFT + nFFT / 2 + 1)
        var spectrum = [kiss_fft_cpx](repeating: kiss_fft_cpx(), count: nFFT / 2 + 1)
        try scratch.withUnsafeMutableBufferPointer { scratch in
            let frame = scratch.baseAddress!, magnitude = frame + nFFT
            try spectrum.withUnsafeMutableBufferPointer { spectrum in
                for t in range {
                    try Interrupt.check()
                    fill(frame, samples, start: t * hopLength - padLeft)
                    kiss_fftr(plan, frame, spectrum.baseAddress!)
                    for k in 0 ... nFFT / 2 {
                        let (re, im) = (spectrum[k].r, spectrum[k].i)
                        magnitude[k] = (re * re + im * im + 1e-6).squareRoot()
                    }
                    project(magnitude, out + (t - range.lowerBound) * frameStride, stride: bandStride)
                }
            }
        }
    }

    /// The windowed frame from sample `start`, which may lie before the clip; beyond its ends the clip is reflected.
    private func fill(_ frame: UnsafeMutablePointer<Float>, _ samples: UnsafeBufferPointer<Float>, start: Int) {
        window.withUnsafeBufferPointer { window in
            if start >= 0, start + nFFT <= samples.count {
                for i in 0 ..< nFFT { frame[i] = samples[start + i] * window[i] }
            } else {
                for i in 0 ..< nFFT {
                    var place = abs(start + i)
                    if place >= samples.count { place = 2 * (samples.count - 1) - place }
                    frame[i] = samples[place] * window[i]
                }
            }
        }
    }

    private func project(_ magnitude: UnsafePointer<Float>, _ column: UnsafeMutablePointer<Float>, stride: Int) {
        bank.values.withUnsafeBufferPointer { weights in
            var next = 0
            for m in 0 ..< nMels {
                let bins = magnitude + bank.firstBin[m]
                var sum: Float = 0
                for k in 0 ..< bank.count[m] { sum += weights[next + k] * bins[k] }
                next += bank.count[m]
                column[m * stride] = logf(max(sum, 1e-5))
            }
        }
    }
}
