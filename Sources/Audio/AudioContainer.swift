import CSndfile

/// One kind of sound file: how its content is told, which names fit it, and what can be written into it. The only list
/// of them: reading, writing, naming and every message go by it.
struct AudioContainer {
    /// What can be written under some of the names.
    struct Encoding {
        let suffixes: [String]
        /// libsndfile's container, and its coding where the container has one of its own.
        let format: Int
        /// Codings of the samples; empty where the container has its own.
        var subtypes: [AudioSubtype] = []
        /// Rates in Hz; nil where any will do.
        var rates: [Int]?
        var maxChannels = 64
        /// Whether 8-bit samples are stored without a sign.
        var isUnsigned8 = false

        var isLossy: Bool { subtypes.isEmpty }
    }

    /// What to call it in a note.
    let name: String
    /// Text at the file's start and at a later offset.
    let magic: [(start: String, at: Int, then: String)]
    /// Lower-case suffixes that fit and cannot be written.
    var readOnly: [String] = []
    let encodings: [Encoding]

    var suffixes: [String] { encodings.flatMap(\.suffixes) + readOnly }

    static let mpeg = AudioContainer(
        name: "MP3", magic: [], readOnly: ["mp2", "mp1", "mpa"],
        encodings: [
            Encoding(
                suffixes: ["mp3", "mpga"], format: SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III,
                rates: [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000], maxChannels: 2)
        ])

    static let all: [AudioContainer] = [
        AudioContainer(
            name: "WAV", magic: [("RIFF", 8, "WAVE"), ("RIFX", 8, "WAVE"), ("RF64", 8, "WAVE"), ("BW64", 8, "WAVE")],
            encodings: [
                Encoding(
                    suffixes: ["wav", "wave"], format: SF_FORMAT_WAV, subtypes: AudioSubtype.allCases, isUnsigned8: true
                ),
                Encoding(suffixes: ["rf64"], format: SF_FORMAT_RF64, subtypes: AudioSubtype.allCases, isUnsigned8: true)
            ]),
        AudioContainer(
            name: "FLAC", magic: [("fLaC", 0, "")],
            encodings: [
                Encoding(suffixes: ["flac"], format: SF_FORMAT_FLAC, subtypes: [.pcm8, .pcm16, .pcm24], maxChannels: 8)
            ]),
        AudioContainer(
            name: "Ogg", magic: [("OggS", 0, "")],
            encodings: [
                Encoding(suffixes: ["ogg", "oga"], format: SF_FORMAT_OGG | SF_FORMAT_VORBIS),
                Encoding(
                    suffixes: ["opus"], format: SF_FORMAT_OGG | SF_FORMAT_OPUS,
                    rates: [8000, 12000, 16000, 24000, 48000])
            ]),
        mpeg,
        AudioContainer(
            name: "AIFF", magic: [("FORM", 8, "AIF")],
            encodings: [
                Encoding(suffixes: ["aiff", "aif", "aifc"], format: SF_FORMAT_AIFF, subtypes: AudioSubtype.allCases)
            ]),
        AudioContainer(
            name: "AU", magic: [(".snd", 0, "")],
            encodings: [
                Encoding(suffixes: ["au", "snd"], format: SF_FORMAT_AU, subtypes: AudioSubtype.allCases)
            ]),
        AudioContainer(
            name: "CAF", magic: [("caff", 0, "")],
            encodings: [
                Encoding(suffixes: ["caf"], format: SF_FORMAT_CAF, subtypes: AudioSubtype.allCases)
            ]),
        AudioContainer(
            name: "W64", magic: [("riff", 0, "")],
            encodings: [
                Encoding(suffixes: ["w64"], format: SF_FORMAT_W64, subtypes: AudioSubtype.allCases, isUnsigned8: true)
            ]),
        AudioContainer(name: "NIST", magic: [("NIST_1A", 0, "")], readOnly: ["sph", "nist"], encodings: [])
    ]

    /// The container whose content begins so.
    static func of(_ head: some RandomAccessCollection<UInt8>) -> AudioContainer? {
        let head = Array(head.prefix(16))[...]
        return all.first { $0.magic.contains { head.has($0.start) && head.has($0.then, at: $0.at) } }
    }

    /// What is written under a suffix; nil when nothing can be.
    static func encoding(suffix: String) -> Encoding? {
        all.lazy.flatMap(\.encodings).first { $0.suffixes.contains(suffix) }
    }

    /// Kinds of recordings that cannot be decoded here, by suffix: they are to be reported, not passed over in silence.
    static let foreignSuffixes: Set<String> = [
        "m4a", "m4b", "m4r", "m4p", "mp4", "m4v", "mov", "qt", "3gp", "3gpp", "3g2", "aac", "adts", "webm", "mkv",
        "mka",
        "wma", "wmv", "asf", "amr", "awb", "spx", "ape", "wv", "tta", "mpc", "ac3", "eac3", "dts", "ra", "rm", "avi",
        "flv",
        "voc", "gsm", "dsf", "dff", "mpg", "mpeg"
    ]

    /// The first name of each kind: "wav, flac, ogg ...".
    static func names(of list: [String]) -> String {
        list.dropLast().joined(separator: ", ") + (list.count > 1 ? " or " : "") + (list.last ?? "")
    }

    static var readable: String { names(of: all.compactMap(\.suffixes.first)) }
    static var writable: String { names(of: all.flatMap { $0.encodings.compactMap(\.suffixes.first) }) }
}
