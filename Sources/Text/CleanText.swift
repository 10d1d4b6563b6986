/// The cleaning that the original applies when it trains and when it generates: trimmed, line breaks
/// and brackets dropped (their content stays), quotation marks unified, colons and semicolons turned
/// into commas, four blocks of emoji dropped, runs of full stops and commas cut to their first one.
/// Japanese and Chinese punctuation stays as it is.
///
/// From 1.5 on (`light`) it only trims, makes the two single quotation marks plain, drops the emoji, and cuts runs of
/// commas.
public func cleanText(_ text: String, _ cleaning: TextCleaning = .thorough) -> String {
    cleaning == .thorough ? cleanThoroughly(text) : cleanLightly(text)
}

/// How much a release cleans.
public enum TextCleaning: Sendable {
    case thorough, light
}

private func cleanLightly(_ text: String) -> String {
    var cleaned = String.UnicodeScalarView(), lastWasComma = false
    for scalar in strip(text.unicodeScalars) where !scalar.isDroppedEmoji {
        let kept: Unicode.Scalar = scalar == "‘" || scalar == "’" ? "'" : scalar
        if !(kept == "," && lastWasComma) { cleaned.append(kept) }
        lastWasComma = kept == ","
    }
    return String(cleaned)
}

extension Unicode.Scalar {
    /// Emoticons, pictographs, transport and flags: the four blocks that the original drops, and no others.
    fileprivate var isDroppedEmoji: Bool {
        switch self {
        case "\u{1F300}" ... "\u{1F5FF}", "\u{1F600}" ... "\u{1F64F}", "\u{1F680}" ... "\u{1F6FF}",
            "\u{1F1E0}" ... "\u{1F1FF}":
            true
        default: false
        }
    }
}

private func cleanThoroughly(_ text: String) -> String {
    var cleaned = String.UnicodeScalarView()
    var lastWasStop = false
    for scalar in strip(text.unicodeScalars) {
        let kept: Unicode.Scalar
        switch scalar {
        case "\n", "(", ")", "（", "）", "[", "]", "【", "】", "・", "·", "—", "～", "~": continue
        case _ where scalar.isDroppedEmoji: continue
        case "“", "”", "‘", "’", "「", "」", "《", "》": kept = "'"
        case "：", "；", ":", ";": kept = ","
        case "…": kept = "."
        default: kept = scalar
        }
        let isStop = kept == "," || kept == "."
        if !(isStop && lastWasStop) { cleaned.append(kept) }
        lastWasStop = isStop
    }
    return String(cleaned)
}

/// The cleaning that the original applies when it packs: each `{...}` and then each `<...>` of one line
/// becomes a space, and every run of white space becomes one space. Nothing is trimmed.
public func packClean(_ text: String) -> String {
    let bare = removeSpans(removeSpans(Array(text.unicodeScalars), from: "{", to: "}"), from: "<", to: ">")
    var cleaned = String.UnicodeScalarView()
    var lastWasSpace = false
    for scalar in bare {
        let isSpace = scalar.isPythonSpace
        if !isSpace { cleaned.append(scalar) } else if !lastWasSpace { cleaned.append(" ") }
        lastWasSpace = isSpace
    }
    return String(cleaned)
}

/// Replaces each shortest span that stays within a line by one space.
private func removeSpans(
    _ text: [Unicode.Scalar], from open: Unicode.Scalar, to close: Unicode.Scalar
) -> [Unicode.Scalar] {
    var kept: [Unicode.Scalar] = []
    kept.reserveCapacity(text.count)
    var position = 0
    var end = 0   // the next closing mark or line end at or after `position`, once it was looked for
    while position < text.count {
        if text[position] == open {
            if end <= position { end = position + 1 }
            while end < text.count, text[end] != close, text[end] != "\n" { end += 1 }
            if end < text.count, text[end] == close {
                kept.append(" ")
                position = end + 1
                continue
            }
        }
        kept.append(text[position])
        position += 1
    }
    return kept
}
