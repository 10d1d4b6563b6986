/// Python's idea of characters, which the original's text functions stand on: a string is a row of
/// Unicode scalars, and `isspace`, `strip`, `\s` and `\d` are the Unicode versions.
extension Unicode.Scalar {
    /// `str.isspace()`, the same set as `\s`: bidirectional class WS, B or S, or category Zs.
    var isPythonSpace: Bool {
        switch value {
        case 0x09 ... 0x0D, 0x1C ... 0x20, 0x85, 0xA0, 0x1680, 0x2000 ... 0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
            0x3000:
            true
        default: false
        }
    }

    /// `\d`: category Nd.
    var isPythonDigit: Bool {
        value < 0x80 ? value >= 0x30 && value <= 0x39 : properties.generalCategory == .decimalNumber
    }

    /// One of the 32 in `string.punctuation`.
    var isASCIIPunctuation: Bool {
        switch value {
        case 0x21 ... 0x2F, 0x3A ... 0x40, 0x5B ... 0x60, 0x7B ... 0x7E: true
        default: false
        }
    }

    /// Bytes in UTF-8.
    var utf8Count: Int { value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4 }
}

/// `str.strip()`.
func strip<Scalars: BidirectionalCollection<Unicode.Scalar>>(_ scalars: Scalars) -> Scalars.SubSequence {
    guard let first = scalars.firstIndex(where: { !$0.isPythonSpace }),
        let last = scalars.lastIndex(where: { !$0.isPythonSpace })
    else { return scalars[scalars.endIndex...] }
    return scalars[first ... last]
}

extension String {
    init(scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}
