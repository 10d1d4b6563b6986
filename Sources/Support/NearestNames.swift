/// The names nearest to a misspelt one, best first: for "did you mean" in every unknown-name error.
public func nearestNames(to name: String, in candidates: some Sequence<String>, limit: Int = 3) -> [String] {
    let wanted = Array(name.lowercased().unicodeScalars)
    let allowed = max(2, wanted.count / 3)
    return candidates
        .map { candidate -> (distance: Int, name: String) in
            let other = Array(candidate.lowercased().unicodeScalars)
            // A name of which the misspelt one is a part counts as near.
            let contained = wanted.count >= 3 && candidate.lowercased().contains(name.lowercased())
            return (contained ? 1 : editDistance(wanted, other), candidate)
        }
        .filter { $0.distance <= allowed }
        .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        .prefix(limit).map(\.name)
}

/// "did you mean a, b or c?", or nil when nothing is near.
public func suggestion(for name: String, in candidates: some Sequence<String>) -> String? {
    let near = nearestNames(to: name, in: candidates)
    guard let last = near.last else { return nil }
    return "did you mean \(near.count == 1 ? last : near.dropLast().joined(separator: ", ") + " or " + last)?"
}

/// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and
/// swaps of neighbours, each counting one.
func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        row.reserveCapacity(b.count + 1)
        for j in 1...b.count {
            let cost = a[i - 1] == b[j - 1] ? 0 : 1
            var best = min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + cost)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, beforePrevious[j - 2] + 1) }
            row.append(best)
        }
        (beforePrevious, previous) = (previous, row)
    }
    return previous[b.count]
}
