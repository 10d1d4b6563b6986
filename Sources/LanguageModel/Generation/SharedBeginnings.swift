/// Keys and values of what several texts begin with: the references of a voice, which are run once and not for every
/// text.
///
/// The latest ones are kept, of so many tokens together: 50 MB of a model of the size of 1.4.
final class SharedBeginnings {
    private static let limit = 2048
    private var kept: [(columns: [[Int32]], cache: KeyValueCache)] = []

    /// The cache that begins with these columns, if any.
    func find(_ columns: [[Int32]]) -> KeyValueCache? {
        guard let place = kept.firstIndex(where: { $0.columns == columns }) else { return nil }
        kept.append(kept.remove(at: place))
        return kept.last!.cache
    }

    /// - Parameter cache: makes a copy that nobody else changes.
    func keep(_ columns: [[Int32]], _ cache: () throws -> KeyValueCache) rethrows {
        guard columns.count <= Self.limit else { return }
        kept.append((columns, try cache()))
        while kept.reduce(0, { $0 + $1.columns.count }) > Self.limit { kept.removeFirst() }
    }
}
