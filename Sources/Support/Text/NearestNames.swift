/// The names nearest to a misspelt one, best first: for "did you mean" in every unknown-name error.
///
/// The work is bounded, whoever wrote the names: names of more than 64 bytes are nobody's slip and have no neighbours,
/// and of the candidates the first 10 000 are looked at.
/// - Parameter slips: how many letters may differ; a third of them, and two at least, unless given. Without it, a name
///   that holds the misspelt one counts as near too.
public func nearestNames(
    to name: String, in candidates: some Sequence<String>, limit: Int = 3, within slips: Int? = nil
) -> [String] {
    guard name.utf8.count <= 64 else { return [] }
    let lowered = name.lowercased(), wanted = Array(lowered.unicodeScalars)
    let allowed = slips ?? max(2, wanted.count / 3)
    return candidates.prefix(10_000)
        .compactMap { candidate -> (distance: Int, name: String)? in
            guard candidate.utf8.count <= 256 else { return nil }
            let other = candidate.lowercased()
            if slips == nil, wanted.count >= 3, other.contains(lowered) { return (1, candidate) }
            let scalars = Array(other.unicodeScalars)
            guard abs(scalars.count - wanted.count) <= allowed else { return nil }
            let distance = editDistance(wanted, scalars)
            return distance <= allowed ? (distance, candidate) : nil
        }
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
    var previous = Array(0 ... b.count)
    for i in 1 ... a.count {
        var row = [i]
        row.reserveCapacity(b.count + 1)
        for j in 1 ... b.count {
            let cost = a[i - 1] == b[j - 1] ? 0 : 1
            var best = min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + cost)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, beforePrevious[j - 2] + 1) }
            row.append(best)
        }
        (beforePrevious, previous) = (previous, row)
    }
    return previous[b.count]
}
