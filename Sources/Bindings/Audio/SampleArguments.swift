import Audio
import LuaHost
import Support
import Tensors

/// How functions take sound: samples, and after them a rate in Hz or the info table of audio.load, so that
/// `f(audio.load(path))` is a whole call.
extension Call {
    /// The rate in Hz of an argument: a number, or a table with `sample_rate`.
    func sampleRate(_ argument: Int) throws -> Int {
        guard let rate = try givenSampleRate(argument) ?? (isTable(argument) ? nil : get(argument, as: Int.self)) else {
            throw error(
                at: argument, "a table without sample_rate",
                hint: "give the rate in Hz, or the info table that audio.load returns")
        }
        return rate
    }

    /// As `sampleRate`; nil when neither a number nor a table with `sample_rate` was passed.
    func givenSampleRate(_ argument: Int) throws -> Int? {
        let given: Int? =
            if isTable(argument) { try table(argument).get("sample_rate") } else if isNumber(argument) {
                try get(argument)
            } else { nil }
        guard let given else { return nil }
        guard (1 ... 10_000_000).contains(given) else { throw error(at: argument, "a sample rate of \(given) Hz") }
        return given
    }

    /// Of an option table that may also be an info table: a name that neither of them has is a slip.
    func refuseUnknownOptions(_ argument: Int) throws {
        guard isTable(argument) else { return }
        let known = try options.names
        for (key, _) in try table(argument).pairs() {
            let name = key.string ?? "?"
            guard !known.contains(name), !AudioInfo.luaFields.contains(name) else { continue }
            throw error(
                "unknown option '\(name)'",
                hint: suggestion(for: name, in: known) ?? "the options are " + known.joined(separator: ", "))
        }
    }

    /// Samples of one channel: floating [T], or [1, T].
    func oneChannel(_ samples: Tensor, argument: Int = 1) throws -> [Float] {
        guard samples.dtype.isFloating, samples.rank == 1 || (samples.rank == 2 && samples.shape[0] == 1) else {
            throw error(
                at: argument, "samples must be floating [T], not \(samples.dtype.rawValue) \(samples.shape)",
                hint: Self.samplesHint(samples))
        }
        return try samples.floats()
    }

    /// What makes a tensor into samples.
    static func samplesHint(_ tensor: Tensor) -> String? {
        if tensor.dtype == .int16 { return "whole numbers become samples with x:to(\"float32\") / 32768" }
        if !tensor.dtype.isFloating { return "samples are float32, full scale at 1" }
        return tensor.rank == 2 ? "x:mean(1) is the mean of its channels, x[1] the first of them" : nil
    }
}

extension AudioInfo {
    /// The names in the info table of audio.load.
    static let luaFields = Set(((try? LuaType(parsing: Record.audioInfo))?.fields ?? []).map(\.name))
}
