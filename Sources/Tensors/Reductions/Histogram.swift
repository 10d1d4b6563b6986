import Support

extension Tensor {
    /// How many elements lie in each of `bins` steps of equal width from `low` to `high`, both included; others are not
    /// counted. Without bounds, from the smallest to the largest element, and half a step more each way where they are
    /// equal.
    public func histogram(
        bins: Int, low: Double? = nil, high: Double? = nil, _ name: String = "histc"
    ) throws -> (counts: [Double], low: Double, high: Double) {
        guard (1 ... 1_000_000).contains(bins) else {
            throw OpahError(.argument, "\(name): bins must be 1 to 1000000, not \(bins)")
        }
        let values = try detach().doubles(), finite = values.filter(\.isFinite)
        var from = low ?? finite.min() ?? 0, to = high ?? finite.max() ?? 0
        if from == to { (from, to) = (from - 1, to + 1) }
        guard from < to, (to - from).isFinite else {
            throw OpahError(.argument, "\(name): the range \(from) to \(to) is empty or not finite")
        }
        var counts = [Double](repeating: 0, count: bins)
        for value in finite where value >= from && value <= to {
            counts[Swift.min(bins - 1, Int((value - from) / (to - from) * Double(bins)))] += 1
        }
        return (counts, from, to)
    }
}
