import Glibc

/// Durations, given in seconds, as people read them.
public enum DurationText {
    /// `490 ns`, `12.3 ms`, `8.34 s`, `3 min 20 s`, `5 h 10 min`, `3 d 4 h`.
    /// - Parameter digits: below a minute, how many there are at most.
    public static func words(_ seconds: Double, digits: Int = 3) -> String {
        if !seconds.isFinite { return seconds.isNaN ? "an unknown time" : "forever" }
        if abs(seconds) < 59.95 {
            let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]
            let (factor, name) = seconds == 0 ? units[0] : units.first { abs(seconds) >= $0.0 * 0.9995 } ?? units[3]
            return DecimalText.significant(seconds / factor, digits) + " " + name
        }
        let whole = Int(min(abs(seconds), 1e15).rounded()), sign = seconds < 0 ? "-" : ""
        func pair(_ large: Int, _ a: String, _ small: Int, _ b: String) -> String {
            "\(sign)\(large) \(a)" + (small > 0 ? " \(small) \(b)" : "")
        }
        if whole < 3600 { return pair(whole / 60, "min", whole % 60, "s") }
        if whole < 2 * 86400 { return pair(whole / 3600, "h", whole % 3600 / 60, "min") }
        return pair(whole / 86400, "d", whole % 86400 / 3600, "h")
    }

    /// Short and of steady width, for lines that change: `4 s`, `3:05`, `2:03:09`.
    public static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "?" }
        let whole = Int(min(max(seconds, 0), 1e15).rounded())
        if whole < 60 { return "\(whole) s" }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return whole < 3600
            ? "\(whole / 60):\(two(whole % 60))" : "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
    }
}

/// Numbers in decimal notation.
public enum DecimalText {
    /// Rounded to so many significant digits, all digits before the point kept, zeros at the end left out:
    /// `significant(1.5012, 3)` is `1.5`.
    public static func significant(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, value != 0, abs(value) < 1e15 else { return value == 0 ? "0" : "\(value)" }
        let before = Int(log10(abs(value)).rounded(.down)) + 1, after = max(0, digits - max(before, 1)),
            power = pow(10, Double(after))
        let scaled = Int((abs(value) * power).rounded()), sign = value < 0 && scaled > 0 ? "-" : ""
        var decimals = String(scaled % Int(power))
        decimals = String(repeating: "0", count: max(0, after - decimals.count)) + decimals
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return sign + String(scaled / Int(power)) + (after > 0 && !decimals.isEmpty ? "." + decimals : "")
    }
}
