/// Text that people write for programs to read: Lua, YAML, lists of a batch.
public enum SourceText {
    /// Longer files are none of these (bytes).
    public static let sizeLimit = 16 << 20

    /// The text of a file: without the byte order mark that Windows editors put first, and with an empty line in place
    /// of a first one that begins with `#`, as Unix wants it of programs. What is not UTF-8 becomes U+FFFD.
    public static func read(_ path: String, limit: Int = sizeLimit) throws -> String {
        try MappedFile(path).withBytes { bytes in
            guard bytes.count <= limit else {
                throw OpahError(
                    .format,
                    "\(ShownText.name(path)): \(ByteCount.text(bytes.count)) are too much for a file of this kind")
            }
            try refuseUTF16(bytes, path)
            return String(decoding: bytes[start(bytes)...], as: UTF8.self)
        }
    }

    /// What Windows editors call Unicode.
    public static func refuseUTF16(_ bytes: some Collection<UInt8>, _ path: String) throws {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw OpahError(.format, "\(ShownText.name(path)): it is UTF-16", hint: "save it as UTF-8")
        }
    }

    /// Where the text begins: behind a byte order mark, and at the end of a first line that begins with `#`.
    public static func start(_ bytes: some Collection<UInt8>) -> Int {
        var rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        if rest.first == UInt8(ascii: "#") { rest = rest.drop { $0 != UInt8(ascii: "\n") } }
        return bytes.count - rest.count
    }
}
