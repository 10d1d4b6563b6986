#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Which files count as audio by name. What is inside decides how they are decoded.
extension AudioFile {
    /// Lower-case suffixes without the dot, compared in any case. The last line can be recognised but not
    /// decoded: such files are to be reported, not passed over in silence.
    public static let suffixes: Set<String> = [
        "mp3", "wav", "flac", "ogg", "aiff", "aif", "aifc",
        "oga", "opus", "wave", "rf64", "w64", "au", "caf", "mp2",
        "m4a", "wma", "aac",
    ]

    /// Whether a name (or the last part of a path) is that of an audio file: a known suffix in any case,
    /// and not a hidden file such as macOS's `._clip.wav` or a temporary file.
    public static func isAudioName(_ path: String) -> Bool {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map(Substring.init) ?? ""
        guard !name.hasPrefix("."), let dot = name.lastIndex(of: ".") else { return false }
        return suffixes.contains(name[name.index(after: dot)...].lowercased())
    }

    /// `isAudioName`, and no directory: `x.wav/` is not a clip. A dangling link counts, so that it gets reported.
    public static func isAudioFile(_ path: String) -> Bool {
        guard isAudioName(path) else { return false }
        var status = stat()
        return stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR
    }

    /// The suffix in lower case without the dot, or "".
    static func suffix(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}
