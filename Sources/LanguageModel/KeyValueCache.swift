import Support
import Tensors

/// Keys and values of the tokens that one stream has seen, for every layer of one stack.
///
/// Per layer and head, [capacity, headDim] float32, so that a new query reads them in one sweep.
final class KeyValueCache {
    let shape: LayerShape
    let capacity: Int
    private let storage: Storage
    private let perHead: Int, perLayer: Int

    init(layers: Int, _ shape: LayerShape, capacity: Int) throws {
        self.shape = shape
        self.capacity = capacity
        perHead = capacity * shape.headDim
        perLayer = 2 * shape.keyValueHeadCount * perHead
        storage = try Storage(byteCount: max(layers, 1) * perLayer * 4)
    }

    func keys(_ layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
        storage.pointer.assumingMemoryBound(to: Float.self) + layer * perLayer + head * perHead
    }

    func values(_ layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
        keys(layer, head: shape.keyValueHeadCount + head)
    }

    /// Stores the keys and values of one token: `k` and `v` are [keyValueHeads, headDim].
    func store(_ layer: Int, position: Int, k: UnsafePointer<Float>, v: UnsafePointer<Float>) {
        let width = shape.headDim
        for head in 0..<shape.keyValueHeadCount {
            (keys(layer, head: head) + position * width).update(from: k + head * width, count: width)
            (values(layer, head: head) + position * width).update(from: v + head * width, count: width)
        }
    }
}

/// Consecutive tokens of one stream that go through the model together: rows `row..<row + count` of the batch stand
/// at positions `position..<position + count` of the stream.
struct TokenRun {
    let cache: KeyValueCache
    let row: Int, count: Int, position: Int
}

/// Causal attention of new tokens over a cache that already holds them.
enum CachedAttention {
    /// out[row, heads * headDim] from the query heads q[row, ...]; row strides in floats.
    static func run(_ layer: Int, _ runs: [TokenRun], q: UnsafePointer<Float>, stride: Int, out: UnsafeMutablePointer<Float>) {
        nonisolated(unsafe) let q = q, out = out, runs = runs
        let shape = runs[0].cache.shape
        var tasks: [(run: Int, block: Int, head: Int)] = [], work = 0
        for (i, run) in runs.enumerated() {
            work += run.count * (run.position + run.count) * shape.dim
            for block in 0..<((run.count + blockRows - 1) / blockRows) {
                for head in 0..<shape.headCount { tasks.append((i, block, head)) }
            }
        }
        let list = tasks
        func perform(_ index: Int) {
            let task = list[index], run = runs[task.run]
            let first = task.block * blockRows, count = min(blockRows, run.count - first)
            let at = (run.row + first) * stride + task.head * shape.headDim
            let to = out + (run.row + first) * shape.dim + task.head * shape.headDim
            if count == 1 { single(layer, run, run.position + first, task.head, q + at, to) }
            else { block(layer, run, run.position + first, count, task.head, q + at, stride, to) }
        }
        if work < 1 << 16 { for i in tasks.indices { perform(i) } } else { Parallel.forEach(tasks.count, perform) }
    }

    private static let blockRows = 64

    private static func single(_ layer: Int, _ run: TokenRun, _ position: Int, _ head: Int, _ q: UnsafePointer<Float>,
                               _ out: UnsafeMutablePointer<Float>) {
        let shape = run.cache.shape, width = shape.headDim, group = head / (shape.headCount / shape.keyValueHeadCount)
        let keys = run.cache.keys(layer, head: group), values = run.cache.values(layer, head: group)
        let count = position + 1, scale = 1 / Float(width).squareRoot()
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scores in
            let s = scores.baseAddress!
            for t in 0..<count { s[t] = dotProduct(q, keys + t * width, width) * scale }
            softmax(s, count)
            for i in 0..<width { out[i] = 0 }
            for t in 0..<count { accumulate(s[t], values + t * width, to: out, width) }
        }
    }

    private static func block(_ layer: Int, _ run: TokenRun, _ position: Int, _ rows: Int, _ head: Int,
                              _ q: UnsafePointer<Float>, _ stride: Int, _ out: UnsafeMutablePointer<Float>) {
        let shape = run.cache.shape, width = shape.headDim, group = head / (shape.headCount / shape.keyValueHeadCount)
        let keys = run.cache.keys(layer, head: group), values = run.cache.values(layer, head: group)
        let count = position + rows
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * count) { scores in
            let s = scores.baseAddress!
            matrixProduct(rows, count, width, alpha: 1 / Float(width).squareRoot(), q, lda: stride, keys, ldb: width,
                          transposeB: true, s, ldc: count)
            for row in 0..<rows {
                let seen = position + row + 1
                softmax(s + row * count, seen)
                for t in seen..<count { s[row * count + t] = 0 }
            }
            matrixProduct(rows, width, count, s, lda: count, values, ldb: width, out, ldc: shape.dim)
        }
    }

    private static func softmax(_ s: UnsafeMutablePointer<Float>, _ count: Int) {
        var largest = -Float.infinity
        for t in 0..<count { largest = max(largest, s[t]) }
        mapLanes(count, from: s, to: s) { exponential($0 - largest) }
        var sum: Float = 0
        for t in 0..<count { sum += s[t] }
        let inverse = 1 / sum
        for t in 0..<count { s[t] *= inverse }
    }
}
