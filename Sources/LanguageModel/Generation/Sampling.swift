import Glibc
import Support
import Tensors

/// How the next token is drawn from logits.
public struct SamplingOptions: Equatable, Sendable {
    /// Tokens are kept, best first, while their summed probability does not exceed this; the best always is.
    public var topP = 0.7
    public var temperature = 0.7
    /// Logits of recent codes are divided by this when positive, multiplied when negative.
    public var repetitionPenalty = 1.2

    public init() {}

    public init(topP: Double = 0.7, temperature: Double = 0.7, repetitionPenalty: Double = 1.2) throws {
        (self.topP, self.temperature, self.repetitionPenalty) = (topP, temperature, repetitionPenalty)
        try check()
    }

    /// - Throws: `argument` for the first value that means nothing.
    public func check() throws {
        func check(_ name: String, _ value: Double, _ allowed: Bool, _ range: String) throws {
            if !allowed { throw OpahError(.argument, "\(name) must be in \(range), not \(value)") }
        }
        try check("top_p", topP, topP > 0 && topP <= 1, "(0, 1]")
        try check("temperature", temperature, temperature > 0 && temperature < 2, "(0, 2)")
        try check("repetition_penalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < 2, "(0, 2)")
    }
}

/// The rules of the original's sampler: penalty, then top-p on the untempered distribution, then temperature.
public enum Sampling {
    /// The distribution that a token is drawn from.
    /// - Parameters:
    ///   - logits: [V].
    ///   - previous: tokens to be penalised, each once however often it occurs.
    /// - Returns: [V], zero for what top-p removed.
    public static func probabilities(
        _ logits: [Float], previous: [Int] = [], topP: Double = 1, temperature: Double = 1,
        repetitionPenalty: Double = 1
    ) throws -> [Float] {
        guard !logits.isEmpty else { throw OpahError(.argument, "probabilities: no logits") }
        if let wrong = previous.first(where: { $0 < 0 || $0 >= logits.count }) {
            throw OpahError(.index, "probabilities: previous token \(wrong) lies outside 0..<\(logits.count)")
        }
        var logits = logits
        var result = [Float](repeating: 0, count: logits.count)
        try logits.withUnsafeMutableBufferPointer { logits in
            penalise(logits, previous, Float(repetitionPenalty))
            for (index, probability) in try candidates(logits, topP: Float(topP), temperature: Float(temperature)) {
                result[index] = probability
            }
        }
        return result
    }

    /// Divides positive and multiplies negative logits of the given tokens.
    static func penalise(_ logits: UnsafeMutableBufferPointer<Float>, _ previous: some Sequence<Int>, _ penalty: Float)
    {
        for token in Set(previous) {
            logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty
        }
    }

    /// Draws one token; `uniform` is in [0, 1).
    static func draw(
        _ logits: UnsafeMutableBufferPointer<Float>, _ options: SamplingOptions, uniform: Double
    ) throws -> Int {
        let kept = try candidates(logits, topP: Float(options.topP), temperature: Float(options.temperature))
        var rest = uniform
        for (index, probability) in kept {
            rest -= Double(probability)
            if rest < 0 { return index }
        }
        return kept.last!.index   // rounding left a sliver above the last one
    }

    /// What survives top-p, in the order of the ids, with probabilities after temperature. Of equal logits the lower id
    /// goes first.
    private static func candidates(
        _ logits: UnsafeMutableBufferPointer<Float>, topP: Float,
        temperature: Float
    ) throws -> [(index: Int, probability: Float)] {
        let count = logits.count, values = UnsafePointer(logits.baseAddress!), total = sum(values, count)
        // A sum is not a number if a term is none (or if both infinities are there).
        guard !total.isNaN || !logits.contains(where: \.isNaN) else {
            throw OpahError(
                .checkpoint, "the model produced numbers that are not numbers",
                hint: "the weights or the adapter are damaged; try the base model alone")
        }
        let largest = maximum(values, count)
        guard largest.isFinite else {
            throw OpahError(
                .checkpoint, "the model's logits are infinite", hint: "the weights or the adapter are damaged")
        }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { weights in
            mapLanes(count, from: values, to: weights.baseAddress!) { exponential($0 - largest) }
            let lowest = Cutoff(values, UnsafePointer(weights.baseAddress!), count, largest: largest, topP: topP)
            var kept: [(index: Int, probability: Float)] = [], keptSum = 0.0
            let scale = 1 / max(temperature, 1e-5)
            for index in 0 ..< count where lowest.keeps(values[index], index) && values[index] > -.infinity {
                let probability = exp((values[index] - largest) * scale)
                kept.append((index, probability))
                keptSum += Double(probability)
            }
            for i in kept.indices { kept[i].probability = Float(Double(kept[i].probability) / keptSum) }
            return kept
        }
    }
}

/// The last of the logits, best first, whose probabilities together do not exceed top-p; the best always is kept.
///
/// Logits are counted into bins by how far below the largest they are, and only those of the one bin in which the limit
/// lies are sorted: a peaked distribution keeps a few of 32000, a flat one most, and sorting them all would cost more
/// than the projection that made them.
private struct Cutoff {
    private var value = -Float.infinity, index = Int.max

    private static let binCount = 1024
    private static let binsPerUnit: Float = 32

    @inline(__always)
    private static func bin(_ below: Float) -> Int { Int(min(below * binsPerUnit, Float(binCount - 1))) }

    init(_ logits: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ count: Int, largest: Float, topP: Float) {
        let total = Self.sum(weights, count)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.binCount) { bins in
            bins.initialize(repeating: 0)
            for i in 0 ..< count { bins[Self.bin(largest - logits[i])] += Double(weights[i]) }
            var cumulated = 0.0, bin = 0
            while bin < Self.binCount, Float((cumulated + bins[bin]) / total) <= topP {
                cumulated += bins[bin]
                bin += 1
            }
            guard bin < Self.binCount else { return }   // all are kept
            let inside = (0 ..< count).filter { Self.bin(largest - logits[$0]) == bin }
                .sorted { logits[$0] > logits[$1] || (logits[$0] == logits[$1] && $0 < $1) }
            // What lies in the bins before is kept; without any, the best is.
            (value, index) = (logits[inside[0]], bin == 0 ? inside[0] : -1)
            for (place, i) in inside.enumerated() {
                cumulated += Double(weights[i])
                if Float(cumulated / total) > topP, bin > 0 || place > 0 { break }
                (value, index) = (logits[i], i)
            }
        }
    }

    func keeps(_ logit: Float, _ i: Int) -> Bool { logit > value || (logit == value && i <= index) }

    private static func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
        var sums = SIMD8<Double>(repeating: 0), i = 0
        while i &+ 8 <= count {
            sums += SIMD8<Double>(loadLanes(x + i))
            i &+= 8
        }
        var result = sums.sum()
        while i < count {
            result += Double(x[i])
            i &+= 1
        }
        return result
    }
}
