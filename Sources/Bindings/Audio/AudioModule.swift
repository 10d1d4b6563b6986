import Audio
import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.audio`
    public static let audio = LuaModule(
        "opah.audio",
        "Reading, writing, measuring and cutting sound. Samples are float32, [T] mono or [channels, T], full scale at 1."
    ) { m in
        m.function(
            "load",
            "(path: string, opts?: {\(ReadOptions.options)}) -> Tensor, \(Record.audioInfo)",
            """
            Samples [T], or [channels, T] with `mono=false`, and an info table `{sample_rate, source_rate, channels, frames, duration, format, subtype, notes}`. `sample_rate` (Hz) \
            resamples; `offset` and `duration` are seconds. In the info, `sample_rate` is that of the samples; `source_rate`, `channels`, `frames` and `duration` (seconds) are those of \
            what can be decoded of the whole file. Streams that were joined in one file are all read; where a header states more or less than there is, or sound is lost, `notes` say so. The content decides, not the suffix; mp3 is gapless; several channels become their mean. Other functions take the info as their rate: `audio.loudness(audio.load(path))`.
            """,
            example: """
                samples, info = audio.load("data/Alice/4.80-7.20.wav", { sample_rate = 44100, duration = 0.5 })
                samples:shape(), info.sample_rate, info.source_rate  --> {22050}, 44100, 16000
                """
        ) { call in
            let options = try ReadOptions.options.read(call.options)
            let (buffer, info, notes) = try AudioFile.read(call.string(1), options)
            var fields = info.fields
            fields.pairs.removeAll { $0.name == "sample_rate" }
            fields.add("sample_rate", buffer.sampleRate)
            fields.add("source_rate", info.sampleRate)
            fields.add("notes", notes)
            return try call.push(try buffer.tensor(mono: options.mono), fields)
        }
        m.function(
            "info", "(path: string) -> \(Record.audioInfo)",
            "`{sample_rate, channels, frames, duration, format, subtype, notes}` (Hz, frames, seconds): what audio.load would give, told without decoding. Headers are checked against the file: every MPEG frame and Ogg page, the end of the rest.",
            example:
                #"audio.info("data/Alice/2.10-4.80.flac")  --> {channels = 1, duration = 3.63..., format = "FLAC", frames = 80252, notes = {}, sample_rate = 22050, subtype = "PCM_16"}"#
        ) { call in
            let (info, notes) = try AudioFile.examine(call.string(1))
            var fields = info.fields
            fields.add("notes", notes)
            return try call.push(fields)
        }
        m.function(
            "save",
            "(path: string, samples: Tensor, sample_rate: integer|table, opts?: {subtype?: string, like?: table}) -> string[]",
            "Writes samples [T] or [channels, T] as wav, flac, ogg, opus, mp3, aiff, au, caf or w64, told by the suffix; the file appears when it is complete. `sample_rate` is in Hz, or the info table of audio.load. `subtype` is pcm16 (the default), pcm24, pcm32, float, or what `info.subtype` said. `like`, an info table, instead asks for the coding of that file where the suffix can hold it, and for what comes nearest where it cannot: other samples, another rate (opus knows five), fewer channels, each with a note. Returns notes, such as how many samples did not fit.",
            example: """
                samples, info = audio.load("data/Alice/4.80-7.20.wav")
                notes = audio.save("louder.wav", samples * 4, info)
                notes[1]  --> "... samples beyond ±1 were clipped ..."
                """
        ) { call in
            let buffer = try AudioBuffer(call.object(2, as: Tensor.self), call.sampleRate(3))
            if let like: LuaTable = try call.option("like") {
                let source = AudioInfo(
                    sampleRate: buffer.sampleRate, channels: buffer.channels.count, frames: buffer.frames, format: "",
                    subtype: try like.get("subtype"))
                return try call.push(AudioFile.write(call.string(1), buffer, like: source))
            }
            let name: String? = try call.option("subtype")
            let subtype = try name.flatMap { try AudioSubtype(name: $0, call) }
            return try call.push(AudioFile.write(call.string(1), buffer, subtype: subtype))
        }
        m.function(
            "bytes", "(samples: Tensor, opts?: {format?: \"pcm16\"|\"float16\"|\"float32\" = \"pcm16\"}) -> string",
            "Samples [T] as bare little-endian bytes: 16-bit integers (rounded, what is beyond ±1 cut off, NaN as 0), or floats of 16 or 32 bits.",
            example: #"audio.bytes(tensor.new { 0, 0.5, -2 }):byte(1, -1)  --> 0, 0, 0, 64, 0, 128"#
        ) { call in
            let samples = try call.oneChannel(call.object(1, as: Tensor.self)),
                format: String = try call.option("format")
            var bytes: [UInt8] = []
            bytes.reserveCapacity(samples.count * (format == "float32" ? 4 : 2))
            for x in samples {
                switch format {
                case "pcm16":
                    // As audio.save rounds.
                    let value = UInt16(
                        bitPattern: Int16(x.isNaN ? 0 : min(max((Double(x) * 32768).rounded(), -32768), 32767)))
                    bytes.append(UInt8(truncatingIfNeeded: value))
                    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
                case "float16": withUnsafeBytes(of: Float16(x).bitPattern.littleEndian) { bytes += $0 }
                default: withUnsafeBytes(of: x.bitPattern.littleEndian) { bytes += $0 }
                }
            }
            return try call.push(bytes: bytes)
        }
        m.function(
            "can_write", "(path: string) -> boolean",
            "Whether audio.save can write under this name, told by the suffix; mp2, m4a and webm, for example, it cannot.",
            example: #"audio.can_write("a.ogg"), audio.can_write("a.m4a")  --> true, false"#
        ) { call in
            try call.push(AudioFile.isWritableName(call.string(1)))
        }
        m.function(
            "resample", "(samples: Tensor, from_rate: integer|table, to_rate: integer) -> Tensor",
            "Samples [T] or [channels, T] at another rate (Hz), by windowed sinc (width 6, rolloff 0.99, Hann), as torchaudio's default: T * to_rate / from_rate of them, rounded up. `from_rate` may be the info table of audio.load.",
            example: """
                samples, info = audio.load("data/Alice/4.80-7.20.wav")  -- 16 kHz
                #samples, #audio.resample(samples, info, 44100)  --> 46540, 128276
                """
        ) { call in
            let samples = try call.object(1, as: Tensor.self), from = try call.sampleRate(2), to = try call.integer(3)
            guard to > 0 else { throw call.error(at: 3, "must be above 0 Hz, not \(to)") }
            return try call.push(Resampler.resample(AudioBuffer(samples, from), to: to).tensor(mono: samples.rank == 1))
        }
        m.function(
            "high_pass", "(samples: Tensor, rate: integer|table, opts?: {cutoff?: number = 20}) -> Tensor",
            "Samples [T] or [channels, T] without an offset and without what lies below `cutoff` (Hz, there 3 dB weaker): a Butterworth filter of second order, as scipy.signal.butter(2, cutoff, \"highpass\") designs it, that begins settled on the first sample. 20 leaves all of a voice; 60 to 80 also takes rumble and the hum of the mains. `rate` is in Hz, or the info table of audio.load. NaN is an error.",
            example: """
                samples, info = audio.load("data/Alice/4.80-7.20.wav")
                shifted = samples + 0.1
                math.abs(shifted:mean():item()) > 0.05, math.abs(audio.high_pass(shifted, info):mean():item()) < 0.001  --> true, true
                """
        ) { call in
            let samples = try call.object(1, as: Tensor.self)
            return try call.push(
                HighPass.filter(AudioBuffer(samples, call.sampleRate(2)), cutoff: call.option("cutoff")).tensor(
                    mono: samples.rank == 1))
        }
        m.function(
            "loudness", "(samples: Tensor, rate: integer|table, opts?: {block_size?: number = 0.4}) -> number",
            "Integrated loudness in LUFS (ITU-R BS.1770-4) of samples [T] or [channels, T]; -inf when everything lies under the gate. `rate` is in Hz, or the info table of audio.load; `block_size` is in seconds; what is shorter than one block is measured whole, without gates. NaN, more than six channels or under 4 kHz are errors.",
            example: #"audio.loudness(audio.load("data/Alice/4.80-7.20.wav"))  --> -20..."#
        ) { call in
            try call.push(
                Loudness.measure(
                    AudioBuffer(try call.object(1, as: Tensor.self), call.sampleRate(2)),
                    blockSize: call.option("block_size")))
        }
        m.function(
            "normalize_loudness",
            "(samples: Tensor, rate: integer|table, opts?: {\(LoudnessOptions.options)}) -> Tensor, \(Record.levels)",
            "Samples peak-normalised to `peak` dB, measured, then brought to `loudness` LUFS, and `{measured, gain, peak_before, peak_after, clipped, notes}`: `measured` is the LUFS that the samples had, `gain` the factor they were multiplied by, the peaks are shares of full scale. Silence stays; more than `max_gain` dB are never given, since what is so quiet is noise; where the gain would pass full scale it is lowered, so that nothing is cut off: `clipped` says how many samples that saved, `notes` in words. `rate` as for loudness.",
            example: """
                samples, report = audio.normalize_loudness(audio.load("data/Alice/4.80-7.20.wav"))
                ("%.1f"):format(audio.loudness(samples, 16000)), report.measured, report.clipped  --> "-23.0", -20..., 0
                """
        ) { call in
            let samples = try call.object(1, as: Tensor.self)
            let (buffer, report) = try Loudness.normalize(
                AudioBuffer(samples, call.sampleRate(2)), LoudnessOptions.options.read(call.options))
            return try call.push(
                try buffer.tensor(mono: samples.rank == 1),
                [
                    "measured": report.measured, "gain": report.gain, "peak_before": report.peakBefore,
                    "peak_after": report.peakAfter,
                    "clipped": report.clippedCount, "notes": report.notes
                ] as Fields)
        }
        m.function(
            "log_mel",
            "(samples: Tensor, opts: integer|{sample_rate: integer, n_fft?: integer = 2048, hop_length?: integer = 512, win_length?: integer = 2048, n_mels?: integer = 160, [string]: any}) -> Tensor",
            "Natural logarithm of the Slaney mel magnitudes of samples [T]: float32 [n_mels, T / hop_length] (rounded down), as the codec sees them. Lengths are in samples. `opts` may be the rate alone (Hz), or the info table of audio.load.",
            example: """
                mel = audio.log_mel(audio.load("data/Alice/4.80-7.20.wav"))
                mel:shape()  --> {160, 90}
                """
        ) { call in
            try call.refuseUnknownOptions(2)
            let mel = try LogMel(
                sampleRate: call.sampleRate(2), nFFT: call.option("n_fft"), hopLength: call.option("hop_length"),
                winLength: call.option("win_length"), nMels: call.option("n_mels"))
            let (values, frames) = try mel(call.oneChannel(call.object(1, as: Tensor.self)))
            return try call.push(Tensor(values, [values.count / max(frames, 1), frames]))
        }
        m.function(
            "mel_filters", "(opts: {sample_rate: integer, n_fft?: integer = 2048, n_mels?: integer = 160}) -> Tensor",
            "The Slaney mel filters that `log_mel` sums magnitudes with: float32 [n_mels, n_fft / 2 + 1], each of unit area "
                + "over frequency in Hz.",
            example: """
                filters = audio.mel_filters { sample_rate = 16000, n_fft = 640, n_mels = 80 }
                filters:shape()  --> {80, 321}
                """
        ) { call in
            let nFFT: Int = try call.option("n_fft"), bins = nFFT / 2 + 1
            let bank = try LogMel(
                sampleRate: call.option("sample_rate"), nFFT: nFFT, hopLength: nFFT, winLength: nFFT,
                nMels: call.option("n_mels")
            ).bank
            var values = [Float](repeating: 0, count: bank.count.count * bins), next = 0
            for (row, count) in bank.count.enumerated() {
                for i in 0 ..< count { values[row * bins + bank.firstBin[row] + i] = bank.values[next + i] }
                next += count
            }
            return try call.push(Tensor(values, [bank.count.count, bins]))
        }
        m.function(
            "slice",
            "(samples: Tensor, rate: integer|table, opts?: {\(Slicing.options)}) -> Tensor[]",
            """
            Pieces of samples [T] or [channels, T], cut at silences, in order. "top_db" joins stretches of sound, with silence between them, until a piece lasts `min_duration`. \
            "silence" cuts at the quietest frame of pauses that last long enough, and takes the middle out of long ones. An option of the other method is an error.
            """,
            example: """
                samples, info = audio.load("data/Alice/0.00-2.10.mp3")  -- 3 s
                pieces = audio.slice(samples, info, { min_duration = 0.5, max_duration = 1 })
                #pieces, #pieces[1] / info.sample_rate  --> 3, 0.88...
                """
        ) { call in
            let buffer = try AudioBuffer(call.object(1, as: Tensor.self), call.sampleRate(2))
            return try call.push(
                try Slicing.options.read(call.options).pieces(of: buffer).map {
                    try $0.samples(of: buffer).tensor(mono: buffer.channels.count == 1)
                })
        }
        m.function(
            "trim", "(samples: Tensor, rate: integer|table, opts?: {top_db?: number = 60}) -> Tensor, integer, integer",
            "Samples without the silence at both ends (what lies `top_db` dB below the loudest frame), and the first and last position that are left (1-based).",
            example: """
                samples, info = audio.load("data/Alice/0.00-2.10.mp3")
                voice, first, last = audio.trim(samples, info, { top_db = 20 })
                #samples, first, last  --> 66816, 1025, 60416
                """
        ) { call in
            let samples = try call.object(1, as: Tensor.self), buffer = try AudioBuffer(samples, call.sampleRate(2))
            let range = try Silence.trim(buffer, topDB: call.option("top_db"))
            return try call.push(
                try buffer.cut(range).tensor(mono: samples.rank == 1), range.lowerBound + 1, range.upperBound)
        }
        m.function(
            "check", "(samples: Tensor, rate: integer|table) -> \(Record.fault)[]",
            "What is wrong with a clip, worst first: `{code, severity=\"error\"|\"note\", reason, remedy}`; an empty list when nothing is. Pass the channels as recorded (`mono=false`).",
            example: """
                quiet = tensor.zeros(100)
                audio.check(quiet, 44100)[1].reason  --> "2.27 ms are shorter than one token (46 ms)"
                """
        ) { call in
            let faults = try ClipCheck.faults(AudioBuffer(try call.object(1, as: Tensor.self), call.sampleRate(2)))
            return try call.push(
                List(
                    faults.map {
                        ["code": $0.code, "severity": $0.severity.rawValue, "reason": $0.reason, "remedy": $0.remedy]
                            as Fields
                    }))
        }
    }
}

extension AudioSubtype {
    /// `pcm16`, or as a file's info has it: `PCM_16`. Nil for codings that leave no choice.
    init?(name: String, _ call: Call) throws {
        if let known = AudioSubtype(rawValue: name.lowercased()) { self = known; return }
        let info = AudioInfo(sampleRate: 1, channels: 1, frames: 0, format: "", subtype: name)
        if let kept = AudioSubtype(keeping: info) { self = kept; return }
        if name.uppercased() == name { return nil }
        throw call.error(
            "no subtype '\(name)'", hint: "use \(AudioSubtype.allCases.map(\.rawValue).joined(separator: ", "))")
    }
}

extension AudioInfo {
    var fields: Fields {
        [
            "sample_rate": sampleRate, "channels": channels, "frames": frames, "duration": duration, "format": format,
            "subtype": subtype
        ]
    }
}

extension AudioBuffer {
    /// From samples [T] or [channels, T].
    init(_ samples: Tensor, _ sampleRate: Int) throws {
        if samples.dtype.isFloating, samples.rank == 2, samples.shape[0] > 64 {
            throw OpahError(
                .shape, "samples have \(samples.shape[0]) channels, and at most 64 are taken",
                hint: "x[1] is the first of them; if it is [T, channels], x:t() turns it round")
        }
        guard samples.dtype.isFloating, samples.rank == 1 || samples.rank == 2 else {
            throw OpahError(
                .shape, "samples must be floating [T] or [channels, T], not \(samples.dtype.rawValue) \(samples.shape)",
                hint: Call.samplesHint(samples))
        }
        guard sampleRate > 0 else {
            throw OpahError(.argument, "the sample rate must be above 0 Hz, not \(sampleRate)")
        }
        let flat = try samples.floats()
        if samples.rank == 1 { self.init(mono: flat, sampleRate: sampleRate); return }
        let length = samples.shape[1]
        self.init(
            channels: (0 ..< samples.shape[0]).map { Array(flat[$0 * length ..< ($0 + 1) * length]) },
            sampleRate: sampleRate)
    }

    /// [T], or [channels, T].
    func tensor(mono: Bool) throws -> Tensor {
        if mono, channels.count == 1 { return try Tensor(channels[0], [frames]) }
        return try Tensor(channels.flatMap { $0.prefix(frames) }, [channels.count, frames])
    }
}
