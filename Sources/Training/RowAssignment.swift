/// Which rank computes which row of a step: the longest first, each to the rank that has least to do so far. Every rank
/// comes to the same result by itself.
///
/// Graham's rule (1969): at worst a third above the best (docs/notes/dealing-out-rows.md).
package struct RowAssignment: Equatable {
    /// The rank of each row.
    package let owners: [Int]
    /// What the busiest rank has to do.
    package let largestLoad: Double

    package init(costs: [Double], ranks: Int) {
        var owners = [Int](repeating: 0, count: costs.count), loads = [Double](repeating: 0, count: max(ranks, 1))
        for row in costs.indices.sorted(by: { costs[$0] == costs[$1] ? $0 < $1 : costs[$0] > costs[$1] }) {
            let rank = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            owners[row] = rank
            loads[rank] += costs[row]
        }
        (self.owners, largestLoad) = (owners, loads.max() ?? 0)
    }

    package func rows(of rank: Int) -> [Int] { owners.indices.filter { owners[$0] == rank } }
}
