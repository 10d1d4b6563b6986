import Support
import Tensors

/// Keys and values of the tokens that one stream has seen, for every layer of one stack.
///
/// Per layer and head, [capacity, headDim] float32, so that a new query reads them in one sweep.
final class KeyValueCache {
    let shape: LayerShape
    private let layerCount: Int
    /// Tokens that there is room for.
    private(set) var capacity = 0
    private var storage: Storage
    /// Floats from a head's keys, or values, to the next one's.
    var perHead: Int { capacity * shape.headDim }
    private var perLayer: Int { 2 * shape.keyValueHeadCount * perHead }

    init(layers: Int, _ shape: LayerShape, capacity: Int = 0) throws {
        self.shape = shape
        layerCount = layers
        storage = try Storage(byteCount: 0)
        try reserve(capacity, keeping: 0)
    }

    /// Bytes per token.
    static func bytesPerToken(layers: Int, _ shape: LayerShape) -> Int { layers * 2 * shape.keyValueDim * 4 }

    /// Makes room for `count` tokens, keeping the first `kept` of those it has. Grows by halves, as nobody knows how
    /// long a stream becomes.
    func reserve(_ count: Int, keeping kept: Int) throws {
        guard count > capacity else { return }
        let old = storage, oldPerHead = perHead, wanted = max(count, capacity + capacity / 2)
        let bytes = Self.bytesPerToken(layers: layerCount, shape).multipliedReportingOverflow(by: wanted)
        storage = try Storage(byteCount: bytes.overflow ? .max : bytes.partialValue)
        capacity = wanted
        guard kept > 0 else { return }
        let from = old.pointer.assumingMemoryBound(to: Float.self),
            to = storage.pointer.assumingMemoryBound(to: Float.self)
        for head in 0 ..< (layerCount * 2 * shape.keyValueHeadCount) {
            (to + head * perHead).update(from: from + head * oldPerHead, count: kept * shape.headDim)
        }
    }

    /// Takes over the first `count` tokens of another stream.
    func copy(_ other: KeyValueCache, count: Int) throws {
        try reserve(count, keeping: 0)
        for layer in 0 ..< layerCount {
            for head in 0 ..< (2 * shape.keyValueHeadCount) {
                keys(layer, head: head).update(from: other.keys(layer, head: head), count: count * shape.headDim)
            }
        }
    }

    func keys(_ layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
        storage.pointer.assumingMemoryBound(to: Float.self) + layer * perLayer + head * perHead
    }

    func values(_ layer: Int, head: Int) -> UnsafeMutablePointer<Float> {
        keys(layer, head: shape.keyValueHeadCount + head)
    }

    /// Stores key and value of one token for one head, [headDim] each.
    func store(_ layer: Int, head: Int, position: Int, k: UnsafePointer<Float>, v: UnsafePointer<Float>) {
        let width = shape.headDim
        (keys(layer, head: head) + position * width).update(from: k, count: width)
        (values(layer, head: head) + position * width).update(from: v, count: width)
    }
}

/// Consecutive tokens of one stream that go through the model together: the `count` rows stand at positions
/// `position..<position + count` of the stream.
struct TokenRun {
    let cache: KeyValueCache
    let count: Int, position: Int
}

/// The next token of one stream.
struct TokenRow {
    let cache: KeyValueCache
    let position: Int
}

/// Causal attention of new tokens over a cache that already holds them.
enum CachedAttention {
    /// Prompts: out[row, heads * headDim] of the runs, one's rows behind the other's, from the query heads q[row, ...], whose
    /// rows are `stride` floats apart.
    static func run(
        _ layer: Int, _ runs: [TokenRun], _ shape: LayerShape, q: UnsafePointer<Float>, stride: Int,
        out: UnsafeMutablePointer<Float>
    ) throws {
        var first = 0
        let sequences = runs.map { run in
            defer { first += run.count }
            return NN.CachedSequence(
                q: q + first * stride, stride: stride, queries: run.count, past: run.position,
                keys: run.cache.keys(layer, head: 0), values: run.cache.values(layer, head: 0),
                headStride: run.cache.perHead, out: out + first * shape.dim)
        }
        try NN.attention(
            sequences, heads: shape.headCount, keyHeads: shape.keyValueHeadCount, headDim: shape.headDim)
    }

    /// One head of one token at `position`: out[headDim] from q[headDim].
    static func single(
        _ layer: Int, _ cache: KeyValueCache, position: Int, head: Int, _ q: UnsafePointer<Float>,
        _ out: UnsafeMutablePointer<Float>
    ) {
        let shape = cache.shape, width = shape.headDim, group = head / (shape.headCount / shape.keyValueHeadCount)
        let keys = cache.keys(layer, head: group), values = cache.values(layer, head: group)
        let count = position + 1, scale = 1 / Float(width).squareRoot()
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scores in
            let s = scores.baseAddress!
            for t in 0 ..< count { s[t] = dotProduct(q, keys + t * width, width) * scale }
            softmax(s, count)
            for i in 0 ..< width { out[i] = 0 }
            for t in 0 ..< count { accumulate(s[t], values + t * width, to: out, width) }
        }
    }

    private static func softmax(_ s: UnsafeMutablePointer<Float>, _ count: Int) {
        let largest = maximum(s, count)
        mapLanes(count, from: s, to: s) { exponential($0 - largest) }
        let inverse = 1 / sum(s, count)
        for t in 0 ..< count { s[t] *= inverse }
    }
}
