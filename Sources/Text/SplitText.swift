/// Cleans a text and cuts it into pieces to be spoken one after the other, each of at most `length`
/// UTF-8 bytes where that is possible, exactly as the original does. (A single character may be longer,
/// and a piece cut inside a word ends with the character that reaches the limit.)
///
/// Too long a text is cut after sentence ends (but not inside a decimal number), what is still too long
/// after commas, then after spaces, then anywhere; neighbours that fit together are joined again. Pieces
/// without anything to say are dropped, so a text of punctuation gives an empty list.
public func splitText(_ text: String, length: Int, _ cleaning: TextCleaning = .thorough) -> [String] {
    let text = Array(cleanText(text, cleaning).unicodeScalars)
    var pieces = cutAtSentenceEnds(text, length).map(readMarkedDecimals)
    pieces = pieces.flatMap { cut($0[...], length, after: { $0 == "," || $0 == "，" }) }
    pieces = pieces.flatMap { cut($0[...], length, after: { $0 == " " }) }
    pieces = pieces.flatMap { cutAnywhere($0, length) }

    var segments: [String] = []
    var current: [Unicode.Scalar] = []
    var currentBytes = 0
    func finish() {
        let segment = strip(current)
        if !segment.allSatisfy({ $0.isPythonSpace || $0.isASCIIPunctuation }) {
            segments.append(String(scalars: segment))
        }
    }
    for piece in pieces {
        let bytes = utf8Count(piece)
        if currentBytes + bytes > length {
            finish()
            (current, currentBytes) = ([], 0)
        }
        current += piece
        currentBytes += bytes
    }
    finish()
    return segments
}

private typealias Scalars = [Unicode.Scalar]

private func utf8Count(_ text: some Sequence<Unicode.Scalar>) -> Int { text.reduce(0) { $0 + $1.utf8Count } }

private func cut(_ text: Scalars.SubSequence, _ length: Int, after isEnd: (Unicode.Scalar) -> Bool) -> [Scalars] {
    utf8Count(text) <= length ? [Scalars(text)] : pieces(of: text) { isEnd(text[$0]) }
}

private func pieces(of text: Scalars.SubSequence, endingAt isEnd: (Int) -> Bool) -> [Scalars] {
    var pieces: [Scalars] = []
    var start = text.startIndex
    for position in text.indices where isEnd(position) {
        pieces.append(Scalars(text[start ... position]))
        start = position + 1
    }
    if start < text.endIndex { pieces.append(Scalars(text[start...])) }
    return pieces
}

private func cutAnywhere(_ text: Scalars, _ length: Int) -> [Scalars] {
    guard utf8Count(text) > length else { return [text] }
    var bytes = 0
    return pieces(of: text[...]) { position in
        bytes += text[position].utf8Count
        if bytes < length { return false }
        bytes = 0
        return true
    }
}

/// The original writes a decimal such as 3.14 as `<3_f_14>` while it looks for sentence ends. What shows
/// of that: the point is no sentence end, each decimal counts four bytes more, and a text that holds
/// this spelling itself is read as the decimal.
private func cutAtSentenceEnds(_ text: Scalars, _ length: Int) -> [Scalars] {
    let points = decimalPoints(text)
    guard utf8Count(text) + 4 * points.count > length else { return [text] }
    return pieces(of: text[...]) { position in
        switch text[position] {
        case ".": !points.contains(position)
        case "!", "?", "。", "！", "？": true
        default: false
        }
    }
}

/// The places of the points in what `\d+\.\d+` matches, from left to right without overlap.
private func decimalPoints(_ text: Scalars) -> Set<Int> {
    var points: Set<Int> = []
    var digitsStart = 0   // where the digits before `position` may begin, after the last match
    var position = 0
    while position < text.count {
        if text[position] == ".", position > digitsStart, text[position - 1].isPythonDigit,
            position + 1 < text.count, text[position + 1].isPythonDigit
        {
            points.insert(position)
            position += 1
            while position < text.count, text[position].isPythonDigit { position += 1 }
            digitsStart = position
        } else {
            position += 1
        }
    }
    return points
}

/// `<1_f_5>` becomes `1.5`.
private func readMarkedDecimals(_ text: Scalars) -> Scalars {
    guard text.contains("<") else { return text }
    func digitsEnd(_ start: Int) -> Int? {
        var end = start
        while end < text.count, text[end].isPythonDigit { end += 1 }
        return end > start ? end : nil
    }
    func follows(_ position: Int, _ mark: Scalars) -> Bool { text[position...].starts(with: mark) }
    var read: Scalars = []
    var position = 0
    while position < text.count {
        if text[position] == "<", let whole = digitsEnd(position + 1), follows(whole, ["_", "f", "_"]),
            let fraction = digitsEnd(whole + 3), follows(fraction, [">"])
        {
            read += text[(position + 1) ..< whole] + ["."] + text[(whole + 3) ..< fraction]
            position = fraction + 1
        } else {
            read.append(text[position])
            position += 1
        }
    }
    return read
}
