import Glibc
import Support

/// The text of a label file: by its byte order mark, else in `encoding`, else as UTF-8.
func decodeLabel(_ bytes: [UInt8], encoding: String?, _ notes: inout [String]) throws -> String {
    let marks: [(mark: [UInt8], encoding: String)] = [
        ([0xEF, 0xBB, 0xBF], "UTF-8"), ([0xFF, 0xFE, 0, 0], "UTF-32LE"), ([0, 0, 0xFE, 0xFF], "UTF-32BE"),
        ([0xFF, 0xFE], "UTF-16LE"), ([0xFE, 0xFF], "UTF-16BE")
    ]
    if let (mark, encoding) = marks.first(where: { bytes.starts(with: $0.mark) }) {
        notes.append(encoding == "UTF-8" ? "byte order mark removed" : "converted from \(encoding)")
        return try convert(Array(bytes[mark.count...]), from: encoding)
    }
    if let encoding, !["UTF-8", "UTF8"].contains(encoding.uppercased()) {
        let text = try convert(bytes, from: encoding)
        if text.utf8.count != bytes.count || !text.utf8.elementsEqual(bytes) {
            notes.append("converted from \(encoding)")
        }
        return text
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        let hint = likelyEncoding(bytes).map {
            "this is likely \($0): save it as UTF-8 (iconv -f \($0) -t UTF-8), or give build-dataset --label-encoding \($0)"
        }
        throw OpahError(
            .text, "not valid UTF-8",
            hint: hint ?? "save the file as UTF-8, or name its encoding to build-dataset with --label-encoding"
        )
    }
    // ISO-2022-JP is made of ASCII bytes with escape sequences.
    if bytes.contains(0x1B), text.contains("\u{1B}$B") || text.contains("\u{1B}$@") {
        throw OpahError(
            .text, "Japanese text in ISO-2022-JP, not UTF-8",
            hint:
                "this is likely ISO-2022-JP: save it as UTF-8 (iconv -f ISO-2022-JP -t UTF-8), or give build-dataset --label-encoding ISO-2022-JP"
        )
    }
    return text
}

private func convert(_ bytes: [UInt8], from encoding: String) throws -> String {
    let (text, read) = try transcode(bytes, from: encoding)
    if let text { return text }
    let other = likelyEncoding(bytes).flatMap { $0 == encoding.uppercased() ? nil : "; this is likely \($0)" }
    throw OpahError(.text, "not valid \(encoding) at byte \(read + 1)", hint: "check --label-encoding\(other ?? "")")
}

/// Strict conversion by the C library: nil where the bytes are not valid, and how many were read.
private func transcode(_ bytes: [UInt8], from encoding: String) throws -> (text: String?, read: Int) {
    guard let converter = iconv_open("UTF-8", encoding), Int(bitPattern: converter) != -1 else {
        throw OpahError(
            .argument, "unknown text encoding \(encoding)",
            hint: "for example CP932, EUC-JP, GBK, CP1252, UTF-16LE; `iconv -l` lists all")
    }
    defer { iconv_close(converter) }
    var input = bytes
    // No encoding that iconv knows grows more than sixfold (one byte to two three-byte characters).
    var output = [UInt8](repeating: 0, count: bytes.count * 6 + 16)
    let (isValid, read, written) = input.withUnsafeMutableBytes { source in
        output.withUnsafeMutableBytes { target in
            var from = source.baseAddress?.assumingMemoryBound(to: CChar.self)
            var fromLeft = source.count
            var to = target.baseAddress?.assumingMemoryBound(to: CChar.self)
            var toLeft = target.count
            // The second call writes what a stateful encoding still holds back.
            let isValid =
                (fromLeft == 0 || iconv(converter, &from, &fromLeft, &to, &toLeft) != -1)
                && iconv(converter, nil, nil, &to, &toLeft) != -1
            return (isValid && fromLeft == 0, source.count - fromLeft, target.count - toLeft)
        }
    }
    return (isValid ? String(validating: output[..<written], as: UTF8.self) : nil, read)
}

/// The encoding of bytes that are no UTF-8, judged by what the text would be: kana make Japanese,
/// frequent Chinese characters make Chinese, lone accents between Latin letters make Western European.
func likelyEncoding(_ bytes: [UInt8]) -> String? {
    guard !bytes.isEmpty else { return nil }
    let zeros = bytes.enumerated().filter { $0.element == 0 }
    if zeros.count * 4 >= bytes.count {
        return zeros.count { $0.offset % 2 == 1 } * 2 > zeros.count ? "UTF-16LE" : "UTF-16BE"
    }
    func text(_ encoding: String) -> [Unicode.Scalar]? {
        (try? transcode(bytes, from: encoding).text).map { Array($0.unicodeScalars) }
    }
    /// The part of the characters beyond ASCII that are of this kind.
    func share(_ text: [Unicode.Scalar]?, _ isWanted: (UInt32) -> Bool) -> Double {
        let foreign = (text ?? []).filter { $0.value >= 0x80 }
        return foreign.isEmpty ? 0 : Double(foreign.count { isWanted($0.value) }) / Double(foreign.count)
    }
    func isKana(_ value: UInt32) -> Bool { (0x3041 ... 0x30FE).contains(value) }

    let high = bytes.count { $0 >= 0x80 }
    if high * 3 < bytes.count, isLatinWithAccents(bytes) { return "CP1252" }
    if share(text("EUC-JP"), isKana) >= 0.2 { return "EUC-JP" }
    if share(text("CP932"), isKana) >= 0.2 { return "CP932" }
    if let chinese = text("GBK"), isFrequentChinese(bytes), !chinese.isEmpty { return "GBK" }
    if text("CP932") != nil, share(text("CP932"), { (0xFF61 ... 0xFF9F).contains($0) }) < 0.3 { return "CP932" }
    if text("EUC-JP") != nil { return "EUC-JP" }
    if text("GBK") != nil { return "GBK" }
    return text("CP1252") != nil ? "CP1252" : nil
}

/// High bytes stand alone or in twos, next to Latin letters or as typographic quotes and dashes.
private func isLatinWithAccents(_ bytes: [UInt8]) -> Bool {
    func isLetter(_ position: Int) -> Bool {
        guard bytes.indices.contains(position) else { return false }
        let lower = bytes[position] | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }
    var position = 0
    while position < bytes.count {
        guard bytes[position] >= 0x80 else { position += 1; continue }
        let start = position
        while position < bytes.count, bytes[position] >= 0x80 { position += 1 }
        let isPunctuation = position - start == 1 && (0x82 ... 0xBF).contains(bytes[start])
        guard position - start <= 2, isLetter(start - 1) || isLetter(position) || isPunctuation else { return false }
    }
    return true
}

/// Most pairs of high bytes lie in GB 2312's first level, the 3755 most frequent characters.
private func isFrequentChinese(_ bytes: [UInt8]) -> Bool {
    var frequent = 0, other = 0
    var position = 0
    while position < bytes.count {
        guard bytes[position] >= 0x81, position + 1 < bytes.count else { position += 1; continue }
        if (0xB0 ... 0xD7).contains(bytes[position]), bytes[position + 1] >= 0xA1 {
            frequent += 1
        } else if !(0xA1 ... 0xA9).contains(bytes[position]) {
            other += 1
        }
        position += 2
    }
    return frequent > 0 && frequent > 3 * other
}
