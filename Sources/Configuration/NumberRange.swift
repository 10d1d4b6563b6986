import Support

/// Which numbers a setting or an option takes.
public struct NumberRange: Equatable, Sendable {
    /// Smallest and largest that are taken; and bounds that are not taken themselves.
    public var from, to, above, below: Double?

    public init(from: Double? = nil, to: Double? = nil, above: Double? = nil, below: Double? = nil) {
        (self.from, self.to, self.above, self.below) = (from, to, above, below)
    }

    public var isOpen: Bool { self == NumberRange() }

    /// Whether it takes the number. No range takes what is not a number.
    public func contains(_ value: Double) -> Bool {
        !value.isNaN && value >= from ?? -.infinity && value <= to ?? .infinity
            && (above.map { value > $0 } ?? true) && (below.map { value < $0 } ?? true)
    }

    /// `from 1 to 16`, `above 0 and below 2`, `0 or more`; empty when every number will do.
    public var words: String {
        let short = { (value: Double) in DecimalText.significant(value, 6) }
        switch (from, to) {
        case (let from?, let to?): return "from \(short(from)) to \(short(to))"
        case (let from?, nil):
            return below.map { "from \(short(from)) to below \(short($0))" } ?? "\(short(from)) or more"
        case (nil, let to?): return above.map { "above \(short($0)), \(short(to)) at most" } ?? "\(short(to)) at most"
        case (nil, nil):
            return [above.map { "above \(short($0))" }, below.map { "below \(short($0))" }].compactMap(\.self)
                .joined(separator: " and ")
        }
    }
}
