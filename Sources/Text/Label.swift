import Support

/// The text of a clip, read from the label file beside it.
public struct Label: Equatable, Sendable {
    /// One line, trimmed; tags like `<laugh>` still in it.
    public var text: String
    /// What packing stores: `packClean` of the file's text, which keeps a space where the file began or
    /// ended with white space, as the original's packs do.
    public var packed: String
    /// What was changed or looks wrong, one sentence each.
    public var notes: [String]

    /// Larger files are no labels.
    static let sizeLimit = 1 << 20

    /// Reads a label file: UTF-8, UTF-16 with a byte order mark, or `encoding`.
    ///
    /// Throws `.file` when it cannot be read and `.text` when it cannot be used: nothing to say in it, bytes
    /// that are no text in this encoding (the hint names the likely one), or a NUL.
    /// - Parameter extraEncoding: what files without a byte order mark are written in, as iconv names it: `CP932`
    public static func read(_ path: String, extraEncoding: String? = nil) throws -> Label {
        let file: MappedFile
        do {
            file = try MappedFile(path)
        } catch var error as OpahError {
            if let other = sibling(of: path) {
                error.hint =
                    "there is \(other) beside it: use --text-extension .\(other.split(separator: ".").last ?? "txt")"
            }
            throw error
        }
        guard file.bytes.count <= sizeLimit else {
            throw OpahError(
                .text, "\(name: path): \(file.bytes.count) bytes is too long for a label",
                hint: "a label holds the words of one clip")
        }
        do {
            return try withExtendedLifetime(file) { try parse(Array(file.bytes), encoding: extraEncoding) }
        } catch let error as OpahError {
            throw error.at(path)
        }
    }

    /// The name of a label with another usual extension that does exist.
    private static func sibling(of path: String) -> String? {
        let cut = path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
        guard let dot = path[cut...].lastIndex(of: "."), dot > cut else { return nil }
        for ending in ["txt", "lab", "normalized.txt"] where path[dot...] != "." + ending {
            if let file = try? MappedFile(path[..<dot] + "." + ending) { return String(file.path[cut...]) }
        }
        return nil
    }

    static func parse(_ bytes: [UInt8], encoding: String?) throws -> Label {
        var notes: [String] = []
        let decoded = try decodeLabel(bytes, encoding: encoding, &notes)
        let text = try normalize(decoded, &notes)
        let packed = packClean(text)
        guard packed.unicodeScalars.contains(where: \.isSpoken) else {
            let why =
                bytes.isEmpty
                ? "the file is empty"
                : strip(text.unicodeScalars).isEmpty
                    ? "only white space"
                    : (try? JSON.decode(text)) != nil
                        ? "this is JSON"
                        : strip(packed.unicodeScalars).isEmpty
                            ? "only tags in <> or {}, which are removed" : "only punctuation"
            throw OpahError(.text, "no text: \(why)", hint: "write what is said in the clip, or leave the clip out")
        }
        let line = oneLine(text, &notes)
        noteSuspicions(line, packed, &notes)
        return Label(text: line, packed: packed, notes: notes)
    }

    /// Line ends become "\n"; controls and invisible marks that no language needs go.
    private static func normalize(_ text: String, _ notes: inout [String]) throws -> String {
        let scalars = Array(text.unicodeScalars)
        var kept = String.UnicodeScalarView()
        var removed: [Unicode.Scalar] = []
        for (position, scalar) in scalars.enumerated() {
            switch scalar.value {
            case 0:
                throw OpahError(
                    .text, "a NUL character at place \(position + 1): this is no plain text",
                    hint: "save the file as UTF-8 text; UTF-16 needs a byte order mark or --label-encoding UTF-16LE")
            case 0x0D:
                if position + 1 == scalars.count || scalars[position + 1] != "\n" { kept.append("\n") }
            case _ where scalar.isPythonSpace:
                kept.append(scalar)
            case 0x00 ... 0x1F, 0x7F ... 0x9F, 0xAD, 0x200B, 0x200E, 0x200F, 0x202A ... 0x202E, 0x2060 ... 0x2069,
                0xFEFF, 0xFFF9 ... 0xFFFB:
                removed.append(scalar)
            case 0x200C, 0x200D:
                // Joiners shape Arabic, Indic and emoji; between other characters they came by accident.
                if let before = kept.last, before.needsJoiners { kept.append(scalar) } else { removed.append(scalar) }
            default:
                kept.append(scalar)
            }
        }
        if !removed.isEmpty {
            let names = Set(removed).sorted().map {
                "U+" + String(repeating: "0", count: max(0, 4 - String($0.value, radix: 16).count))
                    + String($0.value, radix: 16, uppercase: true)
            }
            notes.append(
                "\(removed.count) invisible character\(removed.count == 1 ? "" : "s") removed (\(names.prefix(5).joined(separator: ", ")))"
            )
        }
        if scalars.contains("\u{FFFD}") { notes.append("holds U+FFFD: an earlier conversion has damaged the text") }
        return String(kept)
    }

    /// Trims, and joins several lines by spaces.
    private static func oneLine(_ text: String, _ notes: inout [String]) -> String {
        let lines = text.unicodeScalars.split(separator: "\n").map { strip($0) }.filter { !$0.isEmpty }
        if lines.count > 1 { notes.append("\(lines.count) lines joined into one") }
        return lines.map { String($0) }.joined(separator: " ")
    }

    private static func noteSuspicions(_ line: String, _ packed: String, _ notes: inout [String]) {
        let first = line.unicodeScalars.first
        if first == "{" || first == "[", (try? JSON.decode(line)) != nil {
            notes.append("looks like JSON, not like speech"); return
        }
        let spoken = packed.unicodeScalars.count { !$0.isPythonSpace }
        let written = line.unicodeScalars.count { !$0.isPythonSpace }
        if spoken < written { notes.append("tags in <> or {} are removed when packing") }
        if packed.unicodeScalars.count(where: { $0 == "|" }) >= 2 {
            notes.append("looks like a list line (file|speaker|language|text)")
        }
    }
}

extension Unicode.Scalar {
    /// A letter, a digit, or a mark that belongs to one.
    fileprivate var isSpoken: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber:
            true
        default: false
        }
    }

    /// Arabic to Khmer and Mongolian scripts, and emoji with their variation selectors.
    fileprivate var needsJoiners: Bool {
        switch value {
        case 0x0590 ... 0x18AF, 0xA800 ... 0xABFF, 0xFE0F, 0xFB50 ... 0xFDFF, 0x1F000 ... 0x1FAFF, 0x2600 ... 0x27BF,
            0x11000 ... 0x11FFF:
            true
        default: false
        }
    }
}
