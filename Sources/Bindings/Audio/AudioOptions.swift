import Audio
import LuaHost

extension ReadOptions {
    static let options = OptionTable(ReadOptions()) { o in
        o.option("sample_rate", \.sampleRate, "Hz to resample to; the file's own unless set")
        o.option("mono", \.mono, "the mean of all channels; with false they stay apart")
        o.option("offset", \.offset, "seconds to leave out at the start")
        o.option("duration", \.duration, "seconds to read; to the end unless set")
    }
}

extension LoudnessOptions {
    static let options = OptionTable(LoudnessOptions()) { o in
        o.option("peak", \.peak, "dB of full scale that the peak is brought to before measuring")
        o.option("loudness", \.loudness, "LUFS to reach")
        o.option("block_size", \.blockSize, "seconds of a measuring block")
        o.option("max_gain", \.maxGain, "dB that are given at most; what needs more is noise")
    }
}

extension SliceOptions {
    static let options = OptionTable(SliceOptions()) { o in
        o.option("min_duration", \.minDuration, "seconds of sound that are collected for a piece")
        o.option("max_duration", \.maxDuration, "seconds; longer pieces are cut into equal parts")
        o.option("pad_silence", \.padSilence, "seconds of silence between the stretches of a piece")
        o.option("top_db", \.topDB, "dB below the loudest frame at which silence begins")
        o.option("frame_length", \.frameLength, "samples of a frame")
        o.option("hop_length", \.hopLength, "samples from frame to frame")
    }
}

extension LevelSliceOptions {
    static let options = OptionTable(LevelSliceOptions()) { o in
        o.option("min_duration", \.minDuration, "seconds between cuts, at least")
        o.option("max_duration", \.maxDuration, "seconds; longer pieces are cut into equal parts")
        o.option("min_silence_duration", \.minSilenceDuration, "seconds; shorter pauses are no place to cut")
        o.option("top_db", \.topDB, "dB of full scale; what is below is silent")
        o.option("hop_milliseconds", \.hopLength, "from frame to frame")
        o.option("max_silence_kept", \.maxSilenceKept, "seconds of silence that stay at the ends of a piece, at most")
        o.option("merge_short", \.mergeShort, "join pieces up to max_duration")
    }
}

/// How `audio.slice` cuts.
struct Slicing {
    enum Method: String, LuaChoice {
        /// Below the loudest frame.
        case relative = "top_db"
        /// Below a level of full scale, for long enough.
        case level = "silence"
    }

    var method = Method.relative
    var relative = SliceOptions()
    var level = LevelSliceOptions()

    static let options = OptionTable(Slicing()) { o in
        o.option("method", \.method, "what counts as silence: what lies below the loudest frame, or below a level")
        o.include(SliceOptions.options, at: \.relative, where: "method", \.method, is: .relative)
        o.include(LevelSliceOptions.options, at: \.level, where: "method", \.method, is: .level)
    }

    func pieces(of buffer: AudioBuffer) throws -> [Slice] {
        switch method {
        case .relative: try Slicer.slice(buffer, relative)
        case .level: try Slicer.sliceByLevel(buffer, level)
        }
    }
}
