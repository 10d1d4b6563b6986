import Glibc

/// Numbers of bytes as people write them: `4GB` (powers of 1000), `4GiB` (of 1024), `4000000000`.
public enum ByteCount {
    private static let units: [(name: String, factor: Double)] = [
        ("KIB", 1024), ("MIB", 1_048_576), ("GIB", 1_073_741_824), ("TIB", 1_099_511_627_776), ("KB", 1e3), ("MB", 1e6),
        ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1)
    ]

    /// Nil when the text is no number of bytes, or one that no machine has.
    public static func parse(_ text: String) -> Int? {
        let text = text.uppercased().filter { !$0.isWhitespace }
        let (unit, factor) = units.first { text.hasSuffix($0.name) }!
        guard let number = Double(text.dropLast(unit.count)), number >= 0, number * factor < 1e18 else { return nil }
        return Int(number * factor)
    }

    /// In powers of 1000, with three digits at most: `3.06 GB`, `284 MB`, `40 kB`, `12 B`.
    public static func text(_ bytes: Double) -> String {
        let names = ["B", "kB", "MB", "GB", "TB"]
        var value = bytes, unit = 0
        // Above this, three digits would be 1000 of the unit.
        while abs(value) >= 999.5, unit < names.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return DecimalText.significant(value, 3) + " " + names[unit]
    }

    public static func text(_ bytes: some BinaryInteger) -> String { text(Double(bytes)) }

    /// A limit that the user has set in an environment variable.
    /// - Throws: kind `argument` when it is set to something else.
    public static func limit(_ variable: String) throws -> Int? {
        guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        guard let bytes = parse(text) else {
            throw OpahError(
                .argument, "\(variable) is set to \u{201C}\(text)\u{201D}",
                hint: "set it to a number of bytes, such as 4GB or 2GiB, or leave it unset")
        }
        return bytes
    }
}
