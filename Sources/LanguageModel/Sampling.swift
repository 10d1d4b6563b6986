import Support
import Tensors

/// How the next token is drawn from logits.
public struct SamplingOptions: Equatable, Sendable {
    /// Tokens are kept, best first, while their summed probability does not exceed this; the best always is.
    public var topP: Double
    public var temperature: Double
    /// Logits of recent codes are divided by this when positive, multiplied when negative.
    public var repetitionPenalty: Double

    public init(topP: Double = 0.7, temperature: Double = 0.7, repetitionPenalty: Double = 1.2) throws {
        func check(_ name: String, _ value: Double, _ allowed: Bool, _ range: String) throws {
            if !allowed { throw OpahError(.argument, "\(name) must be in \(range), not \(value)") }
        }
        try check("top_p", topP, topP > 0 && topP <= 1, "(0, 1]")
        try check("temperature", temperature, temperature > 0 && temperature < 2, "(0, 2)")
        try check("repetition_penalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < 2, "(0, 2)")
        (self.topP, self.temperature, self.repetitionPenalty) = (topP, temperature, repetitionPenalty)
    }
}

/// The rules of the original's sampler: penalty, then top-p on the untempered distribution, then temperature.
public enum Sampling {
    /// The distribution that a token is drawn from.
    /// - Parameters:
    ///   - logits: [V].
    ///   - previous: tokens to be penalised, each once however often it occurs.
    /// - Returns: [V], zero for what top-p removed.
    public static func probabilities(_ logits: [Float], previous: [Int] = [], topP: Double = 1, temperature: Double = 1,
                                     repetitionPenalty: Double = 1) throws -> [Float] {
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
    static func penalise(_ logits: UnsafeMutableBufferPointer<Float>, _ previous: some Sequence<Int>, _ penalty: Float) {
        for token in Set(previous) {
            logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty
        }
    }

    /// Draws one token; `uniform` is in [0, 1).
    static func draw(_ logits: UnsafeMutableBufferPointer<Float>, _ options: SamplingOptions, uniform: Double) throws -> Int {
        let kept = try candidates(logits, topP: Float(options.topP), temperature: Float(options.temperature))
        var rest = uniform
        for (index, probability) in kept {
            rest -= Double(probability)
            if rest < 0 { return index }
        }
        return kept[0].index   // rounding left a sliver above the last one
    }

    /// What survives top-p, best first (of equal logits, the lower index first), with probabilities after temperature.
    private static func candidates(_ logits: UnsafeMutableBufferPointer<Float>, topP: Float,
                                   temperature: Float) throws -> [(index: Int, probability: Float)] {
        var largest = -Float.infinity
        for value in logits {
            if value.isNaN { throw OpahError(.checkpoint, "the model produced numbers that are not numbers",
                                             hint: "the weights or the adapter are damaged; try the base model alone") }
            largest = max(largest, value)
        }
        guard largest.isFinite else {
            throw OpahError(.checkpoint, "the model's logits are infinite", hint: "the weights or the adapter are damaged")
        }
        let count = logits.count
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { weights in
            mapLanes(count, from: UnsafePointer(logits.baseAddress!), to: weights.baseAddress!) { exponential($0 - largest) }
            var total = 0.0
            for value in weights { total += Double(value) }
            let sum = Float(total)
            var heap = MaxHeap(logits)
            var kept: [(index: Int, probability: Float)] = [], cumulated = 0.0
            while let index = heap.pop() {
                cumulated += Double(weights[index] / sum)
                if Float(cumulated) > topP, !kept.isEmpty { break }
                kept.append((index, exp(Double((logits[index] - largest) / max(temperature, 1e-5)))))
            }
            let keptSum = kept.reduce(0.0) { $0 + Double($1.probability) }
            for i in kept.indices { kept[i].probability = Float(Double(kept[i].probability) / keptSum) }
            return kept
        }
    }

    private static func exp(_ x: Double) -> Float { Float(Glibc.exp(x)) }
}

/// Indices by descending value, ties by ascending index; made in linear time, each `pop` logarithmic. Top-p needs
/// a few hundred of 32000 logits, so sorting them all would cost more than drawing.
private struct MaxHeap {
    private var items: [Int32]
    private let values: UnsafeMutableBufferPointer<Float>

    init(_ values: UnsafeMutableBufferPointer<Float>) {
        self.values = values
        items = (0..<Int32(values.count)).map { $0 }
        for i in stride(from: items.count / 2 - 1, through: 0, by: -1) { sink(i) }
    }

    mutating func pop() -> Int? {
        guard let top = items.first else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            sink(0)
        }
        return Int(top)
    }

    private func before(_ a: Int32, _ b: Int32) -> Bool {
        let (x, y) = (values[Int(a)], values[Int(b)])
        return x > y || (x == y && a < b)
    }

    private mutating func sink(_ start: Int) {
        var i = start
        while true {
            var best = i
            let left = 2 * i + 1
            if left < items.count, before(items[left], items[best]) { best = left }
            if left + 1 < items.count, before(items[left + 1], items[best]) { best = left + 1 }
            if best == i { return }
            items.swapAt(i, best)
            i = best
        }
    }
}

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
