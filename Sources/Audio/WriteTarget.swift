import CSndfile
import Support

/// How samples are stored in the containers that leave a choice (wav, flac, aiff, au, caf, w64).
public enum AudioSubtype: String, Sendable, CaseIterable {
    case pcm8, pcm16, pcm24, pcm32, float, double

    /// The coding that keeps what a file had; nil for lossy and rare codings, where the container's default serves.
    public init?(keeping info: AudioInfo) {
        switch info.subtype {
        case "PCM_U8", "PCM_S8": self = .pcm8
        case "PCM_16": self = .pcm16
        case "PCM_24": self = .pcm24
        case "PCM_32": self = .pcm32
        case "FLOAT": self = .float
        case "DOUBLE": self = .double
        default: return nil
        }
    }

    /// Bits of an integer coding, nil for the floating-point ones.
    var bits: Int? {
        switch self {
        case .pcm8: 8
        case .pcm16: 16
        case .pcm24: 24
        case .pcm32: 32
        case .float, .double: nil
        }
    }

    fileprivate func code(unsigned8: Bool) -> Int {
        switch self {
        case .pcm8: unsigned8 ? SF_FORMAT_PCM_U8 : SF_FORMAT_PCM_S8
        case .pcm16: SF_FORMAT_PCM_16
        case .pcm24: SF_FORMAT_PCM_24
        case .pcm32: SF_FORMAT_PCM_32
        case .float: SF_FORMAT_FLOAT
        case .double: SF_FORMAT_DOUBLE
        }
    }
}

/// The container and coding that a suffix asks for.
struct WriteTarget {
    var info: SF_INFO
    /// Of integer samples; nil where the encoder takes float samples.
    var bits: Int?
    /// Whether samples beyond ±1 are cut off.
    var clips: Bool
    var isMP3: Bool

    init(_ path: String, sampleRate: Int, channels: Int, frames: Int, _ subtype: AudioSubtype?) throws {
        let suffix = AudioFile.suffix(of: path)
        guard let encoding = AudioContainer.encoding(suffix: suffix) else {
            throw OpahError(
                .argument, "\(name: path): cannot write audio of the kind .\(name: suffix)",
                hint: "use \(AudioContainer.writable)")
        }
        guard !encoding.isLossy || subtype == nil else {
            throw OpahError(
                .argument, "\(name: path): .\(name: suffix) has its own coding and takes no subtype",
                hint: "leave subtype out")
        }
        let chosen = subtype ?? .pcm16
        // A RIFF size has 32 bits.
        let container =
            encoding.format == SF_FORMAT_WAV && frames * channels * 8 > 4_000_000_000 ? SF_FORMAT_RF64 : encoding.format
        info = SF_INFO()
        info.samplerate = Int32(clamping: sampleRate)
        info.channels = Int32(clamping: channels)
        info.format = Int32(container | (encoding.isLossy ? 0 : chosen.code(unsigned8: encoding.isUnsigned8)))
        bits = encoding.isLossy ? nil : chosen.bits
        clips = encoding.isLossy || bits != nil
        isMP3 = encoding.format & SF_FORMAT_TYPEMASK == SF_FORMAT_MPEG
        guard sf_format_check(&info) != 0 else {
            let coding = encoding.isLossy ? "" : " as \(chosen.rawValue)"
            let holds = encoding.subtypes.map(\.rawValue).joined(separator: ", ")
            throw OpahError(
                .argument,
                "\(name: path): .\(name: suffix) cannot hold \(channels) channel(s) at \(sampleRate) Hz\(coding)",
                hint: encoding.isLossy || encoding.subtypes.contains(chosen)
                    ? "resample, mix to mono, or write wav" : "\(suffix) takes \(holds)")
        }
    }
}

extension AudioBuffer {
    /// The samples and the coding with which they come nearest to `source` in the container that the suffix of `path`
    /// asks for: the source's own coding where that can hold it, another rate or fewer channels only where it must be.
    func fitted(
        to path: String, like source: AudioInfo
    ) throws -> (buffer: AudioBuffer, subtype: AudioSubtype?, notes: [String]) {
        let suffix = AudioFile.suffix(of: path)
        guard let encoding = AudioContainer.encoding(suffix: suffix) else { return (self, nil, []) }
        var buffer = self, notes: [String] = []
        if channels.count > encoding.maxChannels {
            buffer = mixedToMono()
            notes.append(
                ".\(suffix) holds at most \(encoding.maxChannels) channels: \(channels.count) were mixed to their mean")
        }
        if let rates = encoding.rates, !rates.contains(sampleRate),
            let rate = rates.first(where: { $0 > sampleRate }) ?? rates.last
        {
            buffer = try Resampler.resample(buffer, to: rate)
            notes.append(".\(suffix) cannot hold \(sampleRate) Hz: resampled to \(rate) Hz")
        }
        guard !encoding.isLossy, let kept = AudioSubtype(keeping: source) else { return (buffer, nil, notes) }
        if encoding.subtypes.contains(kept) { return (buffer, kept, notes) }
        let nearest = encoding.subtypes.last!
        notes.append(".\(suffix) cannot hold \(kept.rawValue) samples: written as \(nearest.rawValue)")
        return (buffer, nearest, notes)
    }
}
