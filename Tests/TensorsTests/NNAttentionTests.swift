import Support
import Tensors
import TestSupport
import XCTest

final class NNAttentionTests: XCTestCase {
    /// softmax(q k^T / sqrt d) v in plain loops. Layouts as functions of (batch, position, head) to the first element.
    /// `sees(b, h, i, j)`: may query i see key j; `factor(b, h, i, j)`: dropout.
    private func naive(
        _ q: [Double], _ k: [Double], _ v: [Double], batches: Int, heads: Int, group: Int, d: Int,
        lengths: (Int) -> (queries: Int, keys: Int), atQuery: (Int, Int, Int) -> Int, atKey: (Int, Int, Int) -> Int,
        sees: (Int, Int, Int, Int) -> Bool, factor: (Int, Int, Int, Int) -> Double
    ) -> [Double] {
        var out = [Double](repeating: 0, count: q.count)
        for b in 0 ..< batches {
            let (queries, keys) = lengths(b)
            for h in 0 ..< heads {
                for i in 0 ..< queries {
                    let from = atQuery(b, i, h)
                    let visible = (0 ..< keys).filter { sees(b, h, i, $0) }
                    let scores = visible.map { j in
                        (0 ..< d).reduce(0) { $0 + q[from + $1] * k[atKey(b, j, h / group) + $1] }
                            / Double(d).squareRoot()
                    }
                    let top = scores.max() ?? 0, sum = scores.reduce(0) { $0 + exp($1 - top) }
                    for (j, score) in zip(visible, scores) {
                        let p = exp(score - top) / sum * factor(b, h, i, j), to = atKey(b, j, h / group)
                        for c in 0 ..< d { out[from + c] += p * v[to + c] }
                    }
                }
            }
        }
        return out
    }

    private func checkPacked(
        _ bounds: [Int], heads: Int, keyHeads: Int, d: Int, causal: Bool = true, dropout: Float = 0,
        line: UInt = #line
    ) throws {
        let n = bounds.last!, mask = try DropoutMask(dropout, seed: 11), keep = try factors(mask, n * heads, n)
        try check(
            "attention \(bounds) \(heads)/\(keyHeads)x\(d)", [[n, heads, d], [n, keyHeads, d], [n, keyHeads, d]],
            scales: [3, 1, 1], line: line
        ) {
            try NN.attention($0[0], $0[1], $0[2], segments: bounds, causal: causal, dropout: mask)
        } reference: { t in
            self.naive(
                t[0], t[1], t[2], batches: bounds.count - 1, heads: heads, group: heads / keyHeads, d: d,
                lengths: { (bounds[$0 + 1] - bounds[$0], bounds[$0 + 1] - bounds[$0]) },
                atQuery: { ((bounds[$0] + $1) * heads + $2) * d }, atKey: { ((bounds[$0] + $1) * keyHeads + $2) * d },
                sees: { !causal || $3 <= $2 }, factor: { keep[((bounds[$0] + $2) * heads + $1) * n + $3] })
        }
    }

    /// The last positions of several sequences over caches with room for more are what they are in the whole sequence.
    func testCachedSequences() throws {
        let heads = 4, keyHeads = 2, d = 16, stride = (heads + 2) * d
        for cases in [[(0, 1), (3, 8), (31, 1)], [(0, 300)], [(200, 90), (0, 8), (129, 2), (40, 1)]] {
            var caches: [(keys: Tensor, values: Tensor)] = [], queries: [Tensor] = [], expected: [[Float]] = []
            for (i, (past, count)) in cases.enumerated() {
                let n = past + count, room = n + 5, random = Random(seed: UInt64(i))
                let q = try Tensor.randn([n, heads, d], generator: random)
                let keys = try Tensor.randn([keyHeads, room, d], generator: random)
                let values = try Tensor.randn([keyHeads, room, d], generator: random)
                func seen(_ t: Tensor) throws -> Tensor {
                    try t.narrow(dim: 1, start: 0, length: n).transpose(0, 1).contiguous()
                }
                let whole = try NN.attention(q, seen(keys), seen(values), segments: [0, n])
                expected.append(try whole.narrow(dim: 0, start: past, length: count).contiguous().floats())
                // Queries with something else behind each of them.
                let wide = try Tensor(zeros: [count, stride])
                for row in 0 ..< count {
                    (wide.pointer(Float.self) + row * stride).update(
                        from: q.pointer(Float.self) + (past + row) * heads * d, count: heads * d)
                }
                caches.append((keys, values))
                queries.append(wide)
            }
            let out = try cases.map { try Tensor(zeros: [$0.1, heads * d]) }
            try NN.attention(
                cases.indices.map { i in
                    NN.CachedSequence(
                        q: queries[i].pointer(), stride: stride, queries: cases[i].1, past: cases[i].0,
                        keys: caches[i].keys.pointer(), values: caches[i].values.pointer(),
                        headStride: caches[i].keys.shape[1] * d, out: out[i].pointer())
                }, heads: heads, keyHeads: keyHeads, headDim: d)
            for i in cases.indices { assertClose(try out[i].floats(), expected[i], abs: 1e-5, "\(cases[i])") }
        }
    }

    /// The loops for short segments, alone and among others, empty segments included.
    func testShortSegments() throws {
        try checkPacked([0, 8, 16, 17, 17, 29], heads: 4, keyHeads: 2, d: 10)
        try checkPacked([0, 8, 16], heads: 2, keyHeads: 2, d: 16, causal: false)
        try checkPacked([0, 5, 30], heads: 6, keyHeads: 2, d: 8, dropout: 0.3)
    }

    /// The tiled kernel: several key tiles, several query tiles, segments that end within both.
    func testLongSegments() throws {
        try checkPacked([0, 150], heads: 2, keyHeads: 1, d: 8)
        try checkPacked([0, 33, 41, 174], heads: 2, keyHeads: 2, d: 10, dropout: 0.2)
        try checkPacked([0, 70, 110], heads: 6, keyHeads: 1, d: 6)   // the group is cut in two for backward
        try checkPacked([0, 140], heads: 1, keyHeads: 1, d: 12, causal: false)
    }

    private func checkMasked(
        _ b: Int, heads: Int, keyHeads: Int, _ queries: Int, _ keys: Int, d: Int, causal: Bool,
        maskShape: Dims?, dropout: Float = 0, line: UInt = #line
    ) throws {
        var noise = Noise(31)
        var mask: Tensor?
        if let maskShape {
            mask = try Tensor(empty: maskShape, .bool)
            for i in 0 ..< maskShape.product { mask!.pointer(UInt8.self)[i] = noise.next() > -0.3 ? 1 : 0 }
            // Query 1 sees nothing.
            if maskShape[maskShape.count - 2] > 1 { for j in 0 ..< keys { mask!.pointer(UInt8.self)[keys + j] = 0 } }
        }
        let m = mask, drop = try DropoutMask(dropout, seed: 12), keep = try factors(drop, b * queries * heads, keys)
        func visible(_ bb: Int, _ h: Int, _ i: Int, _ j: Int) -> Bool {
            if causal, j > i { return false }
            guard let m else { return true }
            var at = 0
            let position = [bb, h, i, j].suffix(m.rank)
            for (dim, p) in zip(0 ..< m.rank, position) where m.shape[dim] > 1 { at += p * m.strides[dim] }
            return m.pointer(UInt8.self)[at] != 0
        }
        try check(
            "masked attention \(queries)x\(keys) \(causal) \(String(describing: maskShape))",
            [[b, heads, queries, d], [b, keyHeads, keys, d], [b, keyHeads, keys, d]], scales: [3, 1, 1], line: line
        ) {
            try NN.attention($0[0], $0[1], $0[2], mask: m, causal: causal, dropout: drop)
        } reference: { t in
            self.naive(
                t[0], t[1], t[2], batches: b, heads: heads, group: heads / keyHeads, d: d,
                lengths: { _ in (queries, keys) },
                atQuery: { (($0 * heads + $2) * queries + $1) * d }, atKey: { (($0 * keyHeads + $2) * keys + $1) * d },
                sees: visible, factor: { keep[(($0 * queries + $2) * heads + $1) * keys + $3] })
        }
    }

    func testMasked() throws {
        try checkMasked(2, heads: 4, keyHeads: 2, 7, 9, d: 6, causal: false, maskShape: nil)
        try checkMasked(2, heads: 2, keyHeads: 2, 9, 5, d: 8, causal: true, maskShape: nil)
        try checkMasked(2, heads: 2, keyHeads: 1, 6, 11, d: 8, causal: false, maskShape: [2, 1, 6, 11])
        try checkMasked(2, heads: 2, keyHeads: 1, 6, 11, d: 8, causal: true, maskShape: [6, 11], dropout: 0.3)
        try checkMasked(2, heads: 2, keyHeads: 1, 40, 141, d: 8, causal: false, maskShape: [2, 1, 40, 141])
        try checkMasked(1, heads: 6, keyHeads: 1, 66, 70, d: 5, causal: true, maskShape: [1, 6, 66, 70], dropout: 0.2)
        try checkMasked(2, heads: 5, keyHeads: 1, 34, 34, d: 5, causal: false, maskShape: [2, 1, 1, 34])
    }

    /// The joint form is the composition of its parts, and its gradient too.
    func testSelfAttention() throws {
        let (n, heads, keyHeads, d) = (60, 6, 2, 10), bounds = [0, 9, 60], positions = Array(0 ..< 9) + Array(0 ..< 51)
        let table = try RotaryTable.make(positions: 64, headDim: d, base: 10000), mask = try DropoutMask(0.1, seed: 5)
        var noise = Noise(32)
        let width = (heads + 2 * keyHeads) * d
        let joint = try noise.tensor([n, width], scale: 2).setRequiresGrad(), seed = try noise.tensor([n, heads * d])
        func part(_ first: Int, _ count: Int, _ x: [Float]) throws -> Tensor {
            var elements: [Float] = []
            for row in 0 ..< n {
                let start = row * width + first * d
                elements += x[start ..< start + count * d]
            }
            return try Tensor(elements, [n, count, d])
        }
        let x = try joint.floats()
        let q = try part(0, heads, x).setRequiresGrad(), k = try part(heads, keyHeads, x).setRequiresGrad()
        let v = try part(heads + keyHeads, keyHeads, x).setRequiresGrad()
        let y = try NN.selfAttention(
            joint, heads: heads, keyHeads: keyHeads, table: table, positions: positions, segments: bounds, dropout: mask
        )
        let z = try NN.attention(
            try NN.rope(q, table: table, positions: positions), try NN.rope(k, table: table, positions: positions), v,
            segments: bounds, dropout: mask)
        XCTAssertEqual(try y.floats(), try z.floats())
        try Autograd.backward(y, seed: seed)
        try Autograd.backward(z, seed: try Tensor(seed.floats(), z.shape))
        let g = try joint.grad!.floats()
        XCTAssertEqual(try part(0, heads, g).floats(), try q.grad!.floats())
        XCTAssertEqual(try part(heads, keyHeads, g).floats(), try k.grad!.floats())
        XCTAssertEqual(try part(heads + keyHeads, keyHeads, g).floats(), try v.grad!.floats())
    }

    func testExtremeScores() throws {
        // Scores of +-1e4: the running maximum keeps everything finite.
        var noise = Noise(33)
        let q = try noise.tensor([200, 2, 8], scale: 200).setRequiresGrad(),
            k = try noise.tensor([200, 1, 8], scale: 200).setRequiresGrad()
        let v = try noise.tensor([200, 1, 8]).setRequiresGrad()
        let y = try NN.attention(q, k, v, segments: [0, 200])
        try Autograd.backward(y, seed: try noise.tensor([200, 2, 8]))
        for t in [y, q.grad!, k.grad!, v.grad!] { XCTAssertTrue(try t.floats().allSatisfy(\.isFinite)) }
        XCTAssertLessThanOrEqual(try y.floats().map(abs).max()!, 1)
    }

    func testThreads() throws {
        let mask = try DropoutMask(0.1, seed: 6)
        try assertSameBits("attention") {
            var noise = Noise(34)
            let q = try noise.tensor([400, 8, 16]).setRequiresGrad(),
                k = try noise.tensor([400, 1, 16]).setRequiresGrad()
            let v = try noise.tensor([400, 1, 16]).setRequiresGrad()
            let y = try NN.attention(q, k, v, segments: [0, 8, 16, 100, 400], dropout: mask)
            try Autograd.backward(y, seed: try noise.tensor([400, 8, 16]))
            return [y, q.grad!, k.grad!, v.grad!]
        }
    }

    func testErrors() throws {
        var noise = Noise(35)
        let q = try noise.tensor([6, 4, 8]), k = try noise.tensor([6, 3, 8]), ok = try noise.tensor([6, 2, 8])
        assertThrows(.shape, containing: "[6, 3, 8]") { try NN.attention(q, k, k, segments: [0, 6]) }
        assertThrows(.argument, containing: "segments") { try NN.attention(q, ok, ok, segments: [0, 5]) }
        assertThrows(.argument) { try NN.attention(q, ok, ok, segments: [0, 5, 3, 6]) }
        assertThrows(.argument) { try NN.attention(q, ok, ok, segments: []) }
        let q4 = try noise.tensor([1, 2, 3, 4])
        assertThrows(.dtype, containing: "bool") { try NN.attention(q4, q4, q4, mask: try noise.tensor([3, 3])) }
        assertThrows(.shape, containing: "broadcast") {
            try NN.attention(q4, q4, q4, mask: try Tensor(zeros: [2, 3], .bool))
        }
    }
}
