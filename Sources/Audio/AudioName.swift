import Glibc
import Support

/// Which files count as audio by name. What is inside decides how they are decoded.
extension AudioFile {
    /// Lower-case suffixes without the dot, compared in any case: of what can be decoded, and of recordings that
    /// cannot.
    public static let suffixes = Set(AudioContainer.all.flatMap(\.suffixes)).union(AudioContainer.foreignSuffixes)

    /// Whether a name (or the last part of a path) is that of an audio file: a known suffix in any case,
    /// and not a hidden file such as macOS's `._clip.wav` or a temporary file.
    public static func isAudioName(_ path: String) -> Bool {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map(Substring.init) ?? ""
        guard !name.hasPrefix("."), let dot = name.lastIndex(of: ".") else { return false }
        return suffixes.contains(name[name.index(after: dot)...].lowercased())
    }

    /// Whether the name is that of a kind that can usually be decoded; others are recordings to convert first.
    public static func isReadableName(_ path: String) -> Bool {
        isAudioName(path) && !AudioContainer.foreignSuffixes.contains(suffix(of: path))
    }

    /// Whether a file can be written under this name.
    public static func isWritableName(_ path: String) -> Bool {
        AudioContainer.encoding(suffix: suffix(of: path)) != nil
    }

    /// The suffixes of what can be decoded, in words.
    public static var readableSuffixes: String { AudioContainer.readable }

    /// What the content of a file is, "MP3" or "WAV", and the suffix that would say so.
    /// - Throws: `audio` when it is a recording of a kind that cannot be read, or nothing known; `file`.
    public static func kind(_ path: String) throws -> (name: String, suffix: String) {
        let content = try AudioContent(RandomAccessFile(path))
        let own = AudioContainer.all.first { $0.name == content.name } ?? AudioContainer.mpeg
        return (content.name, own.suffixes[0])
    }

    /// A file whose name is not that of a recording and whose content is one, with the way out; nil for any other.
    public static func unnamedRecording(_ path: String) -> SkippedInput? {
        do {
            let (name, suffix) = try kind(path)
            let target = PathName.withoutSuffix(path) + "." + suffix
            return SkippedInput(
                path: path, reason: "is \(name) sound under a name that does not say so",
                remedy: "rename it: mv \(ShellText.quoted(path)) \(ShellText.quoted(target))")
        } catch let error as OpahError where error.hint?.hasPrefix(AudioContent.conversion) ?? false {
            return SkippedInput(path: path, error: error)
        } catch { return nil }
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
