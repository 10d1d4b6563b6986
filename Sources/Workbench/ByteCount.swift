import Foundation
import Support

/// Numbers of bytes as people write them: `4GB` (powers of 1000), `4GiB` (of 1024), `4000000000`.
public enum ByteCount {
    private static let units: [(name: String, factor: Double)] = [
        ("KIB", 1024), ("MIB", 1_048_576), ("GIB", 1_073_741_824), ("TIB", 1_099_511_627_776), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
    ]

    /// Nil when the text is no number of bytes, or one that no machine has.
    public static func parse(_ text: String) -> Int? {
        let text = text.uppercased().filter { !$0.isWhitespace }
        let (unit, factor) = units.first { text.hasSuffix($0.name) }!
        guard let number = Double(text.dropLast(unit.count)), number >= 0, number * factor < 1e18 else { return nil }
        return Int(number * factor)
    }

    /// `3.2 GB`, `12 MB`, `0 kB`.
    public static func text(_ bytes: Double) -> String {
        if bytes >= 1e9 { return String(format: "%.2f GB", bytes / 1e9) }
        if bytes >= 1e6 { return String(format: "%.0f MB", bytes / 1e6) }
        return String(format: "%.0f kB", (bytes / 1e3).rounded(.up))
    }

    /// A limit that the user has set in an environment variable.
    /// - Throws: kind `argument` when it is set to something else.
    static func limit(_ variable: String) throws -> Int? {
        guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        guard let bytes = parse(text) else {
            throw OpahError(.argument, "\(variable) is set to \u{201C}\(text)\u{201D}", hint: "set it to a number of bytes, such as 4GB or 2GiB, or leave it unset")
        }
        return bytes
    }
}
