import Support

/// Times as settings give them.
public enum DurationSetting {
    private static let units: [(names: [String], seconds: Double)] = [
        (["weeks", "week", "w"], 604_800), (["days", "day", "d"], 86400), (["hours", "hour", "h"], 3600),
        (["minutes", "minute", "min", "m"], 60), (["seconds", "second", "sec", "s"], 1)
    ]

    /// Seconds of `28800`, `8h`, `1 h 30 min`, `02:30:00` (hours first), `01:02:30:00` (days first, as Lightning has
    /// it) or `{hours: 8}`; nil for anything else, and for what is not above 0.
    public static func seconds(_ value: ConfigValue) -> Double? {
        let seconds: Double? =
            switch value {
            case .int, .double: value.double
            case .string(let text): text.contains(":") ? clock(text) : words(text)
            case .map(let map): table(map)
            default: nil
            }
        return seconds.flatMap { $0 > 0 && $0 < 1e12 ? $0 : nil }
    }

    private static func clock(_ text: String) -> Double? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (2 ... 4).contains(parts.count), parts.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else { return nil }
        // Minutes and seconds, hours, days: from the end.
        return zip(parts.reversed(), [1.0, 60, 3600, 86400]).reduce(0) { $0 + Double($1.0!) * $1.1 }
    }

    /// Numbers with units, as many as there are: `1h30m`, `2 days`.
    private static func words(_ text: String) -> Double? {
        var rest = text.lowercased()[...], sum = 0.0, isFirst = true
        while true {
            rest = rest.drop { $0 == " " }
            if rest.isEmpty { return isFirst ? nil : sum }
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let found = units.first(where: { $0.names.contains(String(unit)) })
            else { return nil }
            sum += number * found.seconds
            isFirst = false
        }
    }

    private static func table(_ map: ConfigMap) -> Double? {
        var sum = 0.0
        for (key, value) in map {
            guard let number = value.double, let unit = units.first(where: { $0.names.contains(key) }) else {
                return nil
            }
            sum += number * unit.seconds
        }
        return sum
    }
}
