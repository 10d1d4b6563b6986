import Support

/// A text on its way to becoming words: its bytes, and the ranges into which it has been cut.
/// Empty ranges never stay.
struct Pieces {
    private(set) var bytes: [UInt8]
    private(set) var ranges: [Range<Int>]
    /// Whether the first range begins where the whole document does.
    private(set) var startsDocument: Bool

    init(_ bytes: [UInt8], startsDocument: Bool) {
        self.bytes = bytes
        self.startsDocument = startsDocument
        ranges = bytes.isEmpty ? [] : [0 ..< bytes.count]
    }

    /// What becomes of the matches of a delimiter.
    enum Behavior: String {
        case removed = "Removed", isolated = "Isolated", contiguous = "Contiguous"
        case mergedWithPrevious = "MergedWithPrevious", mergedWithNext = "MergedWithNext"

        init(_ name: String) throws {
            let known: [Behavior] = [.removed, .isolated, .contiguous, .mergedWithPrevious, .mergedWithNext]
            // Both spellings are in use: MergedWithNext and merged_with_next.
            let wanted = name.lowercased().filter { $0 != "_" }
            guard let found = known.first(where: { $0.rawValue.lowercased() == wanted }) else {
                throw OpahError(.format, "unknown split behavior \(name.prefix(40))")
            }
            self = found
        }
    }

    /// Cuts every range at the matches that `find` gives (ascending byte ranges within the piece);
    /// with `invert`, what lies between the matches is the delimiter.
    mutating func split(
        _ behavior: Behavior, invert: Bool = false,
        _ find: (UnsafeBufferPointer<UInt8>) throws -> [Range<Int>]
    ) throws {
        var cut: [Range<Int>] = []
        cut.reserveCapacity(ranges.count * 2)
        try bytes.withUnsafeBufferPointer { all in
            for range in ranges {
                let matches = try find(UnsafeBufferPointer(rebasing: all[range]))
                Self.apply(behavior, matches, invert, in: range, to: &cut)
            }
        }
        startsDocument = startsDocument && cut.first?.lowerBound == ranges.first?.lowerBound
        ranges = cut
    }

    private static func apply(
        _ behavior: Behavior, _ matches: [Range<Int>], _ invert: Bool, in range: Range<Int>,
        to cut: inout [Range<Int>]
    ) {
        var parts: [(range: Range<Int>, isDelimiter: Bool)] = []
        parts.reserveCapacity(matches.count * 2 + 1)
        var position = range.lowerBound
        for match in matches {
            let start = range.lowerBound + match.lowerBound, end = range.lowerBound + match.upperBound
            if position < start { parts.append((position ..< start, invert)) }
            parts.append((start ..< end, !invert))
            position = end
        }
        if position < range.upperBound { parts.append((position ..< range.upperBound, invert)) }

        let first = cut.count
        var wasDelimiter = false
        switch behavior {
        case .isolated: cut += parts.map(\.range)
        case .removed: cut += parts.filter { !$0.isDelimiter }.map(\.range)
        case .contiguous, .mergedWithPrevious:
            for part in parts {
                let joins =
                    behavior == .contiguous ? part.isDelimiter == wasDelimiter : part.isDelimiter && !wasDelimiter
                if joins, cut.count > first {
                    cut[cut.count - 1] = cut[cut.count - 1].lowerBound ..< part.range.upperBound
                } else {
                    cut.append(part.range)
                }
                wasDelimiter = part.isDelimiter
            }
        case .mergedWithNext:
            for part in parts.reversed() {
                if part.isDelimiter, !wasDelimiter, cut.count > first {
                    cut[cut.count - 1] = part.range.lowerBound ..< cut[cut.count - 1].upperBound
                } else {
                    cut.append(part.range)
                }
                wasDelimiter = part.isDelimiter
            }
            cut[first...].reverse()
        }
        // An empty match (of `x*`, say) cuts, and is no piece itself.
        if cut[first...].contains(where: \.isEmpty) { cut = cut[..<first] + cut[first...].filter { !$0.isEmpty } }
    }

    /// Cuts at every character for which `isDelimiter` holds, each one a match of its own.
    mutating func split(_ behavior: Behavior, where isDelimiter: (Unicode.Scalar) -> Bool) throws {
        try split(behavior) { text in
            var found: [Range<Int>] = []
            var position = 0
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
                let end = position + scalar.utf8Count
                if isDelimiter(scalar) { found.append(position ..< end) }
                position = end
            }
            return found
        }
    }

    /// Replaces the text of every range by what `rewrite` appends to the array;
    /// its second argument tells whether the range begins the document.
    mutating func rewrite(_ rewrite: (ArraySlice<UInt8>, Bool, inout [UInt8]) throws -> Void) rethrows {
        var newBytes: [UInt8] = []
        newBytes.reserveCapacity(bytes.count * 2)
        var newRanges: [Range<Int>] = []
        newRanges.reserveCapacity(ranges.count)
        for (number, range) in ranges.enumerated() {
            let start = newBytes.count
            try rewrite(bytes[range], startsDocument && number == 0, &newBytes)
            if newBytes.count > start { newRanges.append(start ..< newBytes.count) }
        }
        (bytes, ranges) = (newBytes, newRanges)
    }
}
