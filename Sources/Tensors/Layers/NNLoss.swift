import Glibc
import Support

extension NN {
    /// Mean cross-entropy of the rows whose target is not `ignoreIndex`; NaN, as in PyTorch, when there is none.
    /// - Parameters:
    ///   - logits: [..., V].
    ///   - targets: integers of the leading shape, 0-based class ids or `ignoreIndex`.
    ///   - labelSmoothing: in 0...1; this part of the target is spread evenly over all V classes.
    /// - Returns: one number, shape [].
    public static func crossEntropy(
        _ logits: Tensor, _ targets: Tensor, ignoreIndex: Int = -100,
        labelSmoothing: Float = 0
    ) throws -> Tensor {
        let logits = try logits.single()
        guard logits.rank > 0, logits.shape[logits.rank - 1] > 0, targets.shape == Dims(logits.shape.dropLast()) else {
            throw OpahError(
                .shape, "crossEntropy: logits of shape \(logits.shape) and targets of shape \(targets.shape)",
                hint: "wanted [..., V] and the same leading dimensions")
        }
        guard labelSmoothing >= 0, labelSmoothing <= 1 else {
            throw OpahError(.argument, "crossEntropy: labelSmoothing must lie in 0...1, not \(labelSmoothing)")
        }
        let classes = logits.shape[logits.rank - 1]
        let ids = try targets.positions(below: classes, except: ignoreIndex, "crossEntropy", "target")
        let counted = ids.reduce(0) { $0 + ($1 == ignoreIndex ? 0 : 1) }
        let plain = try logits.dense("crossEntropy")
        // maximum, log of the sum
        let sums = try Tensor(empty: [ids.count, 2]), losses = try Tensor(empty: [ids.count])
        let x = plain.pointer(Float.self), logs = sums.pointer(Float.self), each = losses.pointer(Float.self)
        let smooth = labelSmoothing, even = labelSmoothing / Float(classes)
        Parallel.forRange(ids.count, grain: grain(classes)) { range in
            for n in range where ids[n] != ignoreIndex {
                let row = x + n &* classes
                let (top, log) = logSumExp(row, classes)
                logs[2 &* n] = top
                logs[2 &* n &+ 1] = log
                each[n] = (1 - smooth) * (top - row[ids[n]]) + log
                if smooth > 0 { each[n] += even * sum(row, classes, below: top) }
            }
        }
        var total = 0.0
        for n in ids.indices where ids[n] != ignoreIndex { total += Double(each[n]) }
        let result = try Tensor([Float(total / Double(counted))], [])

        let saved = Saved(plain), shape = logits.shape
        Autograd.record(result, "crossEntropy", [logits]) { gradient in
            let dx = try Tensor(empty: shape), d = dx.pointer(Float.self), x = try saved.pointer("crossEntropy")
            let factor = try gradient.number("crossEntropy") / Float(max(counted, 1))
            let logs = sums.pointer(Float.self)
            Parallel.forRange(ids.count, grain: grain(classes)) { range in
                for n in range {
                    let row = x + n &* classes, out = d + n &* classes
                    if ids[n] == ignoreIndex {
                        out.update(repeating: 0, count: classes)
                        continue
                    }
                    let top = logs[2 &* n], log = logs[2 &* n &+ 1]
                    eachVector(classes) { i, lanes in
                        store(
                            ((load(row + i, lanes) - top - log).exponentialOfNegative() - even) * factor, out + i, lanes
                        )
                    }
                    out[ids[n]] -= (1 - smooth) * factor
                }
            }
            return [dx]
        }
        return result
    }

    /// The largest x of a row and log of the sum of e^(x - largest): apart, as their sum would lose digits.
    static func logSumExp(_ row: UnsafePointer<Float>, _ count: Int) -> (top: Float, log: Float) {
        let top = maximum(row, count)
        var sum = Float8(0)
        eachVector(count) { i, lanes in sum += (load(row + i, lanes, fill: -.infinity) - top).exponentialOfNegative() }
        return (top, logf(sum.total))
    }

    static func maximum(_ row: UnsafePointer<Float>, _ count: Int) -> Float {
        var top = Float8(-.infinity)
        eachVector(count) { i, lanes in top = top.or(greater: load(row + i, lanes, fill: -.infinity)) }
        return top.largest
    }

    /// The sum of top - x.
    static func sum(_ row: UnsafePointer<Float>, _ count: Int, below top: Float) -> Float {
        var sum = Float8(0)
        eachVector(count) { i, lanes in sum += top - load(row + i, lanes, fill: top) }
        return sum.total
    }

    /// How many elements rank before `row[target]`: the greater ones, and equal ones before it.
    static func rank(_ row: UnsafePointer<Float>, _ count: Int, of target: Int) -> Int {
        let value = Float8(row[target]), one = Float8(1), none = Float8(0)
        var before = Float8(0)
        eachVector(target) { i, lanes in
            before += none.replacing(with: one, where: load(row + i, lanes, fill: -.infinity) .>= value)
        }
        let rest = row + (target &+ 1)
        eachVector(count &- target &- 1) { i, lanes in
            before += none.replacing(with: one, where: load(rest + i, lanes, fill: -.infinity) .> value)
        }
        return Int(before.total)
    }
}
