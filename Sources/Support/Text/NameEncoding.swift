import Glibc

/// In which old encoding file names that are no UTF-8 were probably written: archives made on Windows leave such names.
struct NameEncoding: Equatable {
    /// As iconv and convmv call it, and as people do.
    let code: String, name: String

    static let all = [
        NameEncoding(code: "cp932", name: "Shift-JIS"), NameEncoding(code: "gbk", name: "GBK"),
        NameEncoding(code: "cp949", name: "EUC-KR"),
        NameEncoding(code: "big5", name: "Big5"), NameEncoding(code: "euc-jp", name: "EUC-JP"),
        NameEncoding(code: "koi8-r", name: "KOI8-R"), NameEncoding(code: "cp1251", name: "Windows-1251"),
        NameEncoding(code: "cp1252", name: "Latin-1")
    ]

    /// The encoding that gives these names the likeliest letters; nil when none gives letters at all.
    static func guess(_ names: [[UInt8]]) -> NameEncoding? {
        let scored = all.compactMap { encoding in encoding.score(names).map { (encoding, $0) } }
        guard let best = scored.max(by: { $0.1 < $1.1 }), best.1 > 0 else { return nil }
        return best.0
    }

    func decoded(_ bytes: [UInt8]) -> String? {
        guard let converter = iconv_open("UTF-8", code), Int(bitPattern: converter) != -1 else { return nil }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }, output = [CChar](repeating: 0, count: bytes.count * 6 + 16)
        var left = input.count, room = output.count
        let isValid = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var from = input.baseAddress, to = output.baseAddress
                return iconv(converter, &from, &left, &to, &room) != -1
            }
        }
        return isValid
            ? String(decoding: output.prefix(output.count - room).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// Whether ASCII letters beside its own tell something: few names mix alphabets.
    private var isAlphabet: Bool { ["cp1252", "koi8-r", "cp1251"].contains(code) }

    /// Points per letter that is not ASCII; nil when a name is no text of this encoding.
    private func score(_ names: [[UInt8]]) -> Double? {
        var points = 0.0, letters = 0
        for name in names {
            guard let text = decoded(name) else { return nil }
            var before: Unicode.Scalar = " "
            for letter in text.unicodeScalars where letter.value >= 0x80 || isAlphabet {
                defer { before = letter }
                guard letter.value >= 0x80 else { continue }
                letters += 1
                switch letter.value {
                case 0x3041 ... 0x30FE: points += code == "cp932" || code == "euc-jp" ? 3 : 0   // kana
                case 0xAC00 ... 0xD7A3: points += Self.frequentHangul.contains(letter) ? 3 : 1
                case 0x4E00 ... 0x9FFF:
                    points += Self.frequentHan.contains(letter) ? 3 : isCommonHan(letter) ? 1.5 : -0.5
                case 0xC0 ... 0x17F: points += before.value < 0x80 ? 2 : -1   // accented letters stand alone
                // Cyrillic.
                case 0x430 ... 0x44F, 0x451: points += before.isASCII && before.properties.isAlphabetic ? -1 : 2
                case 0x401, 0x410 ... 0x42F: points += before.properties.isAlphabetic ? -1 : 2   // large: first
                case 0x3000 ... 0x303F, 0xFF01 ... 0xFF5E: points += 0.5   // their punctuation
                default: points -= 1   // half-width kana, signs
                }
            }
        }
        return letters > 0 ? points / Double(letters) : nil
    }

    /// Chinese encodings sort by frequency: the first rows are common characters. Japanese ones are judged by their
    /// kana.
    private func isCommonHan(_ letter: Unicode.Scalar) -> Bool {
        guard code == "gbk" || code == "big5", let converter = iconv_open(code, "UTF-8"),
            Int(bitPattern: converter) != -1
        else { return false }
        defer { iconv_close(converter) }
        var input = String(letter).utf8.map { CChar(bitPattern: $0) }, output = [CChar](repeating: 0, count: 8),
            left = input.count, room = 8
        _ = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var from = input.baseAddress, to = output.baseAddress
                return iconv(converter, &from, &left, &to, &room)
            }
        }
        let lead = UInt8(bitPattern: output[0])
        return code == "gbk" ? (0xB0 ... 0xD7).contains(lead) : (0xA4 ... 0xC6).contains(lead)
    }

    private static let frequentHan = Set("的一是了我不人在他有这這上们們来來到时時大地为為子中你说說生国國年好小女男音语語日本人声聲话話文字天".unicodeScalars)
    private static let frequentHangul = Set("이가나다라마바사아자하기지고도로는은을를의에서한해인어여수주성정안녕세요미민김박최음소리일말국대".unicodeScalars)
}

/// Names in a folder tree that are no UTF-8: listed once, with the command that mends them all.
struct ForeignNames {
    private var folders: [String] = []   // in the order of the walk
    private var names: [String: [[UInt8]]] = [:]

    mutating func add(_ name: [UInt8], in folder: String) {
        if names[folder] == nil { folders.append(folder) }
        names[folder, default: []].append(name)
    }

    func skipped(below root: String) -> [SkippedInput] {
        guard !folders.isEmpty else { return [] }
        let all = folders.flatMap { names[$0]! }, guesses = folders.map { NameEncoding.guess(names[$0]!) }
        if folders.count == 1 || guesses.allSatisfy({ $0 == guesses[0] }) {
            return [entry(root, all, NameEncoding.guess(all), recursive: true)]
        }
        // Several encodings: folder by folder.
        return zip(folders, guesses).map { entry($0, names[$0]!, $1, recursive: false) }
    }

    private func entry(_ folder: String, _ names: [[UInt8]], _ encoding: NameEncoding?, recursive: Bool) -> SkippedInput
    {
        let raw = names[0].map { $0 < 0x80 ? String(Unicode.Scalar($0)) : "\\x" + String($0, radix: 16) }.joined()
        let first: String = encoding?.decoded(names[0]) ?? raw
        let count =
            names.count == 1
            ? "the name of 1 file or folder in it is not valid UTF-8"
            : "the names of \(names.count) files and folders in it are not valid UTF-8"
        let what = recursive ? "-r --notest \(ShellText.quoted(folder))" : "--notest \(ShellText.quoted(folder))/*"
        guard let encoding else {
            return SkippedInput(
                path: folder, reason: "\(count) (\(first))", remedy: "rename them: convmv -f ENCODING -t utf-8 \(what)")
        }
        return SkippedInput(
            path: folder, reason: "\(count); it looks like \(encoding.name) (\(first))",
            remedy: "rename them: convmv -f \(encoding.code) -t utf-8 \(what)")
    }
}
