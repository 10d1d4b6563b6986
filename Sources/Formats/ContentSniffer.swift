import Support

/// What these bytes really are, for the error that a wrong file gets: "an HTML page, ...".
func describeContent(_ bytes: UnsafeRawBufferPointer) -> String {
    let head = bytes.prefix(512)
    func starts(_ text: String) -> Bool { head.starts(with: text.utf8) }
    if bytes.isEmpty { return "the file is empty (0 bytes); the download or copy did not happen" }
    if starts("version https://git-lfs") {
        let size = String(decoding: head, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("size ") }?
            .dropFirst(5)
        return
            "it is a Git LFS pointer, \(bytes.count) bytes that stand for a file of \(size ?? "unknown") bytes; run `git lfs pull`, or download the file itself"
    }
    let lowered = String(decoding: head, as: UTF8.self).lowercased().drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if lowered.hasPrefix("<!doctype") || lowered.hasPrefix("<html") {
        return "it is an HTML page (a log-in or error page saved under this name); download the file itself"
    }
    if lowered.hasPrefix("<?xml") {
        return "it is an XML page (an error message saved under this name); download the file itself"
    }
    if starts("PK\u{3}\u{4}") { return "it begins like a zip archive (a torch checkpoint or .npz)" }
    if head.starts(with: NpyHeader.magic) { return "it is a NumPy .npy array" }
    if head.starts(with: [0x1F, 0x8B]) { return "it is gzip-compressed; unpack it first" }
    if head.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) { return "it is xz-compressed; unpack it first" }
    if starts("GGUF") { return "it is a GGUF model of another program" }
    if starts("RIFF") { return "it is a RIFF file (WAV audio)" }
    if starts("ID3") || starts("OggS") || starts("fLaC") { return "it is an audio file" }
    if starts("{") || starts("[") { return "it is JSON text" }
    if bytes.prefix(4096).allSatisfy({ $0 == 0 }) {
        return "it begins with nothing but zeros; the download was broken off"
    }
    let first = head.prefix(8).map { String($0, radix: 16) }.map { $0.count == 1 ? "0" + $0 : $0 }.joined(
        separator: " ")
    return "its \(bytes.count) bytes begin with \(first), which is no format known here"
}
