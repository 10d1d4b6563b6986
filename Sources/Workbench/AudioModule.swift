import Audio
import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.audio`
    public static let audio = LuaModule("opah.audio", "Reading, writing, measuring and cutting sound. Samples are float32, [T] mono or [channels, T], full scale at 1.") { m in
        m.function("load", "(path: string, opts?: {sample_rate?: integer, mono?: boolean = true, offset?: number = 0, duration?: number}) -> Tensor, table",
                   """
                   Samples [T], or [channels, T] with `mono=false`, and `{sample_rate, channels, frames, duration, format, subtype, notes}`. `sample_rate` (Hz) resamples; \
                   `offset` and `duration` are in seconds. The content decides, not the suffix; mp3 is gapless; several channels become their mean.
                   """, example: #"local samples, info = audio.load(opah.home .. "/examples/data/Alice/0.00-2.10.mp3", { sample_rate = 16000 })"#) { call in
            let options = ReadOptions(sampleRate: try call.option("sample_rate"), mono: try call.option("mono"),
                                      offset: try call.option("offset"), duration: try call.option("duration"))
            let (buffer, info, notes) = try AudioFile.read(call.string(1), options)
            var fields = info.fields
            fields.pairs.removeAll { $0.name == "sample_rate" }
            fields.add("sample_rate", buffer.sampleRate)
            fields.add("source_rate", info.sampleRate)
            fields.add("notes", notes)
            return try call.push(try buffer.tensor(mono: try call.option("mono")), fields)
        }
        m.function("info", "(path: string) -> table", "`{sample_rate, channels, frames, duration, format, subtype}` (Hz, frames, seconds) from the file's header.") { call in
            try call.push(AudioFile.info(call.string(1)).fields)
        }
        m.function("save", "(path: string, samples: Tensor, sample_rate: integer, opts?: {subtype?: string}) -> string[]",
                   "Writes wav, flac, ogg or mp3, told by the suffix; the file appears when it is complete. `subtype` is pcm16 (the default), pcm24, pcm32, float, or what `info.subtype` said. Returns notes, such as how many samples did not fit.") { call in
            let name: String? = try call.option("subtype")
            let subtype = try name.flatMap { try AudioSubtype(name: $0, call) }
            return try call.push(AudioFile.write(call.string(1), AudioBuffer(try call.object(2, as: Tensor.self), call.integer(3)), subtype: subtype))
        }
        m.function("resample", "(samples: Tensor, from_rate: integer, to_rate: integer) -> Tensor",
                   "Samples [T] or [channels, T] at another rate (Hz), by windowed sinc (width 6, rolloff 0.99, Hann), as torchaudio's default.",
                   example: "assert(#audio.resample(tensor.zeros(44100), 44100, 16000) == 16000)") { call in
            let samples = try call.object(1, as: Tensor.self), from = try call.integer(2), to = try call.integer(3)
            guard from > 0, to > 0 else { throw call.error("rates must be above 0, not \(from) and \(to)") }
            return try call.push(Resampler.resample(AudioBuffer(samples, from), to: to).tensor(mono: samples.rank == 1))
        }
        m.function("loudness", "(samples: Tensor, rate: integer, opts?: {block_size?: number = 0.4}) -> number",
                   "Integrated loudness in LUFS (ITU-R BS.1770-4); -inf when everything lies under the gate. Shorter than one block is an error.") { call in
            try call.push(Loudness.measure(AudioBuffer(try call.object(1, as: Tensor.self), call.integer(2)), blockSize: call.option("block_size")))
        }
        m.function("normalize_loudness", "(samples: Tensor, rate: integer, opts?: {peak?: number = -1, loudness?: number = -23, block_size?: number = 0.4}) -> Tensor, table",
                   "Peak-normalised to `peak` dB, measured, then brought to `loudness` LUFS, and `{measured, gain, peak_before, peak_after, notes}`. Silence stays; what would pass full scale is held below it and noted.") { call in
            let samples = try call.object(1, as: Tensor.self)
            let (buffer, report) = try Loudness.normalize(AudioBuffer(samples, call.integer(2)), peak: call.option("peak"),
                                                          loudness: call.option("loudness"), blockSize: call.option("block_size"))
            return try call.push(try buffer.tensor(mono: samples.rank == 1), [
                "measured": report.measured, "gain": report.gain, "peak_before": report.peakBefore, "peak_after": report.peakAfter,
                "clipped": report.clippedCount, "notes": report.notes,
            ] as Fields)
        }
        m.function("log_mel", "(samples: Tensor, opts: {sample_rate: integer, n_fft?: integer = 2048, hop_length?: integer = 512, win_length?: integer = 2048, n_mels?: integer = 160}) -> Tensor",
                   "Natural logarithm of the Slaney mel magnitudes of samples [T]: float32 [n_mels, T / hop_length], as the codec sees them.") { call in
            let mel = try LogMel(sampleRate: call.option("sample_rate"), nFFT: call.option("n_fft"), hopLength: call.option("hop_length"),
                                 winLength: call.option("win_length"), nMels: call.option("n_mels"))
            let (values, frames) = try mel(call.object(1, as: Tensor.self).floats())
            return try call.push(Tensor(values, [values.count / max(frames, 1), frames]))
        }
        m.function("slice", """
                   (samples: Tensor, rate: integer, opts?: {method?: "top_db"|"silence" = "top_db", min_duration?: number, max_duration?: number, pad_silence?: number, top_db?: number, \
                   frame_length?: integer, hop_length?: integer, min_silence_duration?: number, hop_milliseconds?: number, max_silence_kept?: number, merge_short?: boolean}) -> Tensor[]
                   """, "Pieces of samples [T], cut at silences, in order. \"top_db\" counts as silent what lies `top_db` below the loudest frame; \"silence\" what lies below `top_db` of full scale for `min_silence_duration` seconds.") { call in
            let buffer = try AudioBuffer(call.object(1, as: Tensor.self), call.integer(2))
            let method: String = try call.option("method")
            return try call.push(try Slicing.pieces(buffer, method: method, call).map { try $0.samples(of: buffer).tensor(mono: buffer.channels.count == 1) })
        }
        m.function("trim", "(samples: Tensor, rate: integer, opts?: {top_db?: number = 60}) -> Tensor, integer, integer",
                   "Samples without the silence at both ends, and the first and last position that are left (1-based).") { call in
            let samples = try call.object(1, as: Tensor.self), buffer = try AudioBuffer(samples, call.integer(2))
            let range = try Silence.trim(buffer, topDB: call.option("top_db"))
            return try call.push(try buffer.cut(range).tensor(mono: samples.rank == 1), range.lowerBound + 1, range.upperBound)
        }
        m.function("check", "(samples: Tensor, rate: integer) -> table[]",
                   "What is wrong with a clip, worst first: `{code, severity=\"error\"|\"note\", reason, remedy}`. Pass the channels as recorded.") { call in
            let faults = try ClipCheck.faults(AudioBuffer(try call.object(1, as: Tensor.self), call.integer(2)))
            return try call.push(List(faults.map { ["code": $0.code, "severity": $0.severity.rawValue, "reason": $0.reason, "remedy": $0.remedy] as Fields }))
        }
    }
}

private enum Slicing {
    static func pieces(_ buffer: AudioBuffer, method: String, _ call: Call) throws -> [Slice] {
        func set<T: LuaReadable>(_ name: String, _ target: inout T) throws {
            if let value = try call.option(name, as: T?.self) { target = value }
        }
        if method == "silence" {
            var options = LevelSliceOptions()
            try set("min_duration", &options.minDuration)
            try set("max_duration", &options.maxDuration)
            try set("min_silence_duration", &options.minSilenceDuration)
            try set("top_db", &options.topDB)
            try set("hop_milliseconds", &options.hopLength)
            try set("max_silence_kept", &options.maxSilenceKept)
            try set("merge_short", &options.mergeShort)
            return try Slicer.sliceByLevel(buffer, options)
        }
        var options = SliceOptions()
        try set("min_duration", &options.minDuration)
        try set("max_duration", &options.maxDuration)
        try set("pad_silence", &options.padSilence)
        try set("top_db", &options.topDB)
        try set("frame_length", &options.frameLength)
        try set("hop_length", &options.hopLength)
        return try Slicer.slice(buffer, options)
    }
}

extension AudioSubtype {
    /// `pcm16`, or as a file's info has it: `PCM_16`. Nil for codings that leave no choice.
    init?(name: String, _ call: Call) throws {
        if let known = AudioSubtype(rawValue: name.lowercased()) { self = known; return }
        let info = AudioInfo(sampleRate: 1, channels: 1, frames: 0, format: "", subtype: name)
        if let kept = AudioSubtype(keeping: info) { self = kept; return }
        if name.uppercased() == name { return nil }
        throw call.error("no subtype '\(name)'", hint: "use \(AudioSubtype.allCases.map(\.rawValue).joined(separator: ", "))")
    }
}

extension AudioInfo {
    var fields: Fields {
        ["sample_rate": sampleRate, "channels": channels, "frames": frames, "duration": duration, "format": format, "subtype": subtype]
    }
}

extension AudioBuffer {
    /// From samples [T] or [channels, T].
    init(_ samples: Tensor, _ sampleRate: Int) throws {
        guard samples.dtype.isFloating, samples.rank == 1 || samples.rank == 2, samples.rank == 1 || samples.shape[0] <= 64 else {
            throw OpahError(.shape, "samples must be floating [T] or [channels, T], not \(samples.dtype.rawValue) \(samples.shape)")
        }
        guard sampleRate > 0 else { throw OpahError(.argument, "the sample rate must be above 0 Hz, not \(sampleRate)") }
        let flat = try samples.floats()
        if samples.rank == 1 { self.init(mono: flat, sampleRate: sampleRate); return }
        let length = samples.shape[1]
        self.init(channels: (0..<samples.shape[0]).map { Array(flat[$0 * length ..< ($0 + 1) * length]) }, sampleRate: sampleRate)
    }

    /// [T], or [channels, T].
    func tensor(mono: Bool) throws -> Tensor {
        if mono, channels.count == 1 { return try Tensor(channels[0], [frames]) }
        return try Tensor(channels.flatMap { $0.prefix(frames) }, [channels.count, frames])
    }
}
