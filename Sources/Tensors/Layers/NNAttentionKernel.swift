import Glibc

/// Softmax attention over tiles, forward and backward, for every layout that `NN` offers.
///
/// Scores exist only as a tile of a few hundred rows by `keyTile` keys: the forward pass keeps a running maximum
/// and sum per row, and saves their log-sum-exp, from which the backward pass recomputes the probabilities
/// (Dao et al., FlashAttention). All query heads that share a key head are stacked as rows of one tile:
/// the products stay large enough for BLAS, and keys are read once per group.
///
/// A causal segment of T positions takes 2 products of T (T + 1) H d operations forward and 5 backward; tiles on the
/// diagonal compute up to 128 columns more than they show. Of a tile of 256 rows by 128 keys, scores and their gradient
/// (256 KiB) stay in the second cache; q, k, v and the results are read and written once per tile of the other side.
/// Element-wise work is an exponential per score in each direction, and a hash per score with dropout.
struct AttentionKernel {
    /// Where vectors of `headDim` adjacent floats lie; strides in elements.
    struct View {
        var pointer: UnsafeMutablePointer<Float>
        var batch = 0, position: Int, head: Int

        @inline(__always) func at(_ batch: Int, _ position: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
            pointer + (batch &* self.batch &+ position &* self.position &+ head &* self.head)
        }
    }

    /// A sequence whose queries see its own keys only.
    struct Segment {
        var batch = 0
        /// First positions, in the views of queries and of keys.
        var firstQuery: Int, firstKey: Int
        /// Keys before the first query's own, which all queries see.
        var past = 0
        var queries: Int, keys: Int
        /// Row of the first query among all; numbers the log-sum-exps and the rows of the dropout mask.
        var row: Int
    }

    /// Which keys a query may see; a stride is 0 where the mask is broadcast.
    struct Mask {
        var pointer: UnsafePointer<UInt8>
        var batch: Int, head: Int, row: Int, column: Int
    }

    var heads: Int, keyHeads: Int, headDim: Int
    var scale: Float
    /// Query i sees keys 0...past + i only.
    var causal: Bool
    var mask: Mask?
    var dropout: DropoutMask?
    var segments: [Segment]

    static let keyTile = 128
    /// Up to this many keys, plain loops beat matrix products.
    static let shortest = 32

    var groupSize: Int { heads / keyHeads }

    func isShort(_ s: Segment) -> Bool { s.queries <= AttentionKernel.shortest && s.keys <= AttentionKernel.shortest }

    /// Positions per tile for `group` stacked heads.
    private func tilePositions(_ group: Int) -> Int { min(128, max(1, 256 / group)) }

    /// How many keys query `i` may see at most.
    @inline(__always) func limit(_ i: Int, _ s: Segment) -> Int { causal ? min(s.past &+ i &+ 1, s.keys) : s.keys }

    // MARK: forward

    /// `out` = the attended values, `lse` [rows, heads] = log of the sum of e^score; +infinity where nothing is seen.
    func forward(_ q: View, _ k: View, _ v: View, out: View, lse: UnsafeMutablePointer<Float>) throws {
        try forEachShort { segment, scratch in shortForward(segment, q, k, v, out, lse, scratch) }

        let tile = tilePositions(groupSize), rows = tile * groupSize
        var tasks: [(segment: Segment, head: Int, from: Int)] = []
        for segment in segments where !isShort(segment) {
            for head in 0 ..< keyHeads {
                for from in stride(from: 0, to: segment.queries, by: tile) { tasks.append((segment, head, from)) }
            }
        }
        // The tiles that see most keys first, so that no long one is left for the end.
        tasks.sort { limit($0.from, $0.segment) > limit($1.from, $1.segment) }
        try Parallel.forEach(tasks.count, scratch: rows * (2 * headDim + AttentionKernel.keyTile + 2)) {
            task, scratch in
            let (segment, head, from) = tasks[task]
            tileForward(segment, head, from ..< min(from + tile, segment.queries), q, k, v, out, lse, scratch)
        }
    }

    private func tileForward(
        _ s: Segment, _ keyHead: Int, _ range: Range<Int>, _ q: View, _ k: View, _ v: View,
        _ out: View, _ lse: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let group = groupSize, first = keyHead * group, rows = range.count * group, d = headDim
        let tile = AttentionKernel.keyTile
        let queries = scratch, values = queries + rows * d, scores = values + rows * d
        let largest = scores + rows * tile, sums = largest + rows
        pack(q, s, range, first, group, scale: scale, to: queries)
        largest.update(repeating: -.infinity, count: rows)
        sums.update(repeating: 0, count: rows)

        let end = limit(range.upperBound - 1, s)
        for from in stride(from: 0, to: end, by: tile) {
            let count = min(tile, end - from)
            matrixProductHere(
                rows, count, d, queries, lda: d, k.at(s.batch, s.firstKey + from, keyHead), ldb: k.position,
                transposeB: true, scores, ldc: tile)
            for r in 0 ..< rows {
                let i = range.lowerBound &+ r / group, head = first &+ r % group
                let row = scores + r &* tile
                let seen = show(row, s, i, head, from: from, count: count)
                var top = Float8(largest[r])
                eachVector(seen) { j, _ in top = top.or(greater: load(row + j)) }
                let maximum = top.largest
                if maximum == -.infinity {
                    row.update(repeating: 0, count: count)
                    continue
                }
                let sum = probabilities(row, seen, below: maximum, dropout?.row((s.row &+ i) &* heads &+ head), from)
                for j in seen ..< max(seen, count) { row[j] = 0 }
                if maximum > largest[r] {
                    let shrink = Float8(largest[r] - maximum).exponentialOfNegative()
                    sums[r] *= shrink[0]
                    if from > 0 {
                        eachVector(d) { c, lanes in
                            store(load(values + r &* d + c, lanes) * shrink, values + r &* d + c, lanes)
                        }
                    }
                    largest[r] = maximum
                }
                sums[r] += sum
            }
            matrixProductHere(
                rows, d, count, scores, lda: tile, v.at(s.batch, s.firstKey + from, keyHead), ldb: v.position,
                beta: from == 0 ? 0 : 1, values, ldc: d)
        }
        for r in 0 ..< rows {
            let i = range.lowerBound &+ r / group, head = first &+ r % group
            let o = out.at(s.batch, s.firstQuery &+ i, head), sum = sums[r]
            lse[(s.row &+ i) &* heads &+ head] = sum == 0 ? .infinity : largest[r] + logf(sum)
            let factor = Float8(sum == 0 ? 0 : 1 / sum)
            if end == 0 {
                o.update(repeating: 0, count: d)
            } else {
                eachVector(d) { c, lanes in store(load(values + r &* d + c, lanes) * factor, o + c, lanes) }
            }
        }
    }

    /// Hides what query `i` must not see among the scores of keys `from..<from + count`. Returns how many columns
    /// from the first are of interest, the hidden ones (and those that fill up the last vector) being minus infinity.
    @inline(__always)
    func show(_ row: UnsafeMutablePointer<Float>, _ s: Segment, _ i: Int, _ head: Int, from: Int, count: Int) -> Int {
        let seen = min(count, max(0, limit(i, s) &- from)), width = (seen &+ 7) & ~7
        for j in seen ..< width { row[j] = -.infinity }
        if let mask {
            let m = mask.pointer + (s.batch &* mask.batch &+ head &* mask.head &+ i &* mask.row &+ from &* mask.column)
            for j in 0 ..< seen where m[j &* mask.column] == 0 { row[j] = -.infinity }
        }
        return width
    }

    /// Turns scores into e^(score - maximum), with what is dropped set to 0. Returns their sum before that.
    @inline(__always)
    func probabilities(
        _ row: UnsafeMutablePointer<Float>, _ count: Int, below maximum: Float,
        _ kept: DropoutMask.Row?, _ column: Int
    ) -> Float {
        var sum = Float8(0)
        if let kept {
            eachVector(count) { j, _ in
                let p = (load(row + j) - maximum).exponentialOfNegative()
                sum += p
                store(kept.applied(to: p, column &+ j), row + j)
            }
        } else {
            eachVector(count) { j, _ in
                let p = (load(row + j) - maximum).exponentialOfNegative()
                sum += p
                store(p, row + j)
            }
        }
        return sum.total
    }

    // MARK: backward

    /// The gradients of queries, keys and values from that of the output, all overwritten.
    /// - Parameter keyRows: positions (all batches) that the key views hold.
    func backward(
        _ q: View, _ k: View, _ v: View, out: View, lse: UnsafePointer<Float>, gradient: View,
        dq: View, dk: View, dv: View, keyRows: Int
    ) throws {
        try forEachShort { segment, scratch in
            shortBackward(segment, q, k, v, out, lse, gradient, dq, dk, dv, scratch)
        }
        let long = segments.filter { !isShort($0) }
        guard !long.isEmpty else { return }

        // At most four heads of a group together: more tasks than key heads. The parts of dk and dv that belong to
        // the second four and so on are summed afterwards, in order.
        let parts = (groupSize + 3) / 4, largestPart = (groupSize + parts - 1) / parts
        let tile = tilePositions(largestPart), rows = tile * largestPart
        let partial = try Storage(byteCount: (parts - 1) * 2 * keyRows * keyHeads * headDim * 4)
        func partialView(_ part: Int, _ which: Int) -> View {
            let size = keyRows * keyHeads * headDim
            let base = partial.pointer.assumingMemoryBound(to: Float.self) + ((part - 1) * 2 + which) * size
            let perBatch =
                (segments.last?.batch ?? 0) == 0 ? 0 : keyRows / (segments.last!.batch + 1) * keyHeads * headDim
            return View(pointer: base, batch: perBatch, position: keyHeads * headDim, head: headDim)
        }
        var tasks: [(segment: Segment, head: Int, part: Int)] = []
        for segment in long {
            for head in 0 ..< keyHeads { for part in 0 ..< parts { tasks.append((segment, head, part)) } }
        }
        tasks.sort { $0.segment.queries * $0.segment.keys > $1.segment.queries * $1.segment.keys }
        try Parallel.forEach(tasks.count, scratch: rows * (3 * headDim + 2 * AttentionKernel.keyTile + 2)) {
            task, scratch in
            let (segment, head, part) = tasks[task]
            let group = groupSize * part / parts ..< groupSize * (part + 1) / parts
            partBackward(
                segment, head, group, tile, q, k, v, out, lse, gradient, dq,
                part == 0 ? dk : partialView(part, 0), part == 0 ? dv : partialView(part, 1), scratch)
        }
        guard parts > 1 else { return }
        for segment in long {
            Parallel.forRange(segment.keys, grain: 16) { keys in
                for key in keys {
                    for head in 0 ..< keyHeads {
                        for part in 1 ..< parts {
                            for (which, sum) in [dk, dv].enumerated() {
                                addScaled(
                                    1, partialView(part, which).at(segment.batch, segment.firstKey + key, head),
                                    to: sum.at(segment.batch, segment.firstKey + key, head), headDim)
                            }
                        }
                    }
                }
            }
        }
    }

    private func partBackward(
        _ s: Segment, _ keyHead: Int, _ part: Range<Int>, _ positions: Int, _ q: View, _ k: View, _ v: View,
        _ out: View, _ lse: UnsafePointer<Float>, _ gradient: View, _ dq: View, _ dk: View, _ dv: View,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let group = part.count, first = keyHead * groupSize + part.lowerBound, d = headDim,
            tile = AttentionKernel.keyTile
        for key in s.firstKey ..< s.firstKey + s.keys {
            dk.at(s.batch, key, keyHead).update(repeating: 0, count: d)
            dv.at(s.batch, key, keyHead).update(repeating: 0, count: d)
        }
        for start in stride(from: 0, to: s.queries, by: positions) {
            let range = start ..< min(start + positions, s.queries), rows = range.count * group
            let queries = scratch, upstream = queries + rows * d, sums = upstream + rows * d
            let p = sums + rows * d, dp = p + rows * tile, along = dp + rows * tile, logs = along + rows
            pack(q, s, range, first, group, scale: scale, to: queries)
            pack(gradient, s, range, first, group, scale: 1, to: upstream)
            sums.update(repeating: 0, count: rows * d)
            for r in 0 ..< rows {
                let i = range.lowerBound &+ r / group, head = first &+ r % group
                along[r] = dot(upstream + r &* d, out.at(s.batch, s.firstQuery &+ i, head), d)
                logs[r] = lse[(s.row &+ i) &* heads &+ head]
            }
            let end = limit(range.upperBound - 1, s)
            for from in stride(from: 0, to: end, by: tile) {
                let count = min(tile, end - from)
                let keys = k.at(s.batch, s.firstKey + from, keyHead), values = v.at(s.batch, s.firstKey + from, keyHead)
                matrixProductHere(
                    rows, count, d, queries, lda: d, keys, ldb: k.position, transposeB: true, p, ldc: tile)
                matrixProductHere(
                    rows, count, d, upstream, lda: d, values, ldb: v.position, transposeB: true, dp, ldc: tile)
                for r in 0 ..< rows {
                    let i = range.lowerBound &+ r / group, head = first &+ r % group
                    let seen = show(p + r &* tile, s, i, head, from: from, count: count)
                    let kept = dropout?.row((s.row &+ i) &* heads &+ head)
                    for j in min(count, max(0, limit(i, s) &- from)) ..< seen { dp[r &* tile &+ j] = 0 }
                    scoreGradient(p + r &* tile, dp + r &* tile, seen, log: logs[r], along: along[r], kept, from)
                    for j in seen ..< max(seen, count) { p[r &* tile &+ j] = 0; dp[r &* tile &+ j] = 0 }
                }
                matrixProductHere(
                    count, d, rows, p, lda: tile, transposeA: true, upstream, ldb: d,
                    beta: 1, dv.at(s.batch, s.firstKey + from, keyHead), ldc: dv.position)
                matrixProductHere(rows, d, count, dp, lda: tile, keys, ldb: k.position, beta: 1, sums, ldc: d)
                matrixProductHere(
                    count, d, rows, dp, lda: tile, transposeA: true, queries, ldb: d,
                    beta: 1, dk.at(s.batch, s.firstKey + from, keyHead), ldc: dk.position)
            }
            for r in 0 ..< rows {
                let to = dq.at(s.batch, s.firstQuery &+ range.lowerBound &+ r / group, first &+ r % group)
                eachVector(d) { c, lanes in store(load(sums + r &* d + c, lanes) * scale, to + c, lanes) }
            }
        }
    }

    /// Turns scores into the probabilities that met the values, and `dp`, the gradient of these, into that of the
    /// scores.
    @inline(__always)
    func scoreGradient(
        _ p: UnsafeMutablePointer<Float>, _ dp: UnsafeMutablePointer<Float>, _ count: Int,
        log: Float, along: Float, _ kept: DropoutMask.Row?, _ column: Int
    ) {
        if let kept {
            eachVector(count) { j, _ in
                let probability = (load(p + j) - log).exponentialOfNegative()
                let factor = kept.applied(to: Float8(1), column &+ j)
                store(probability * factor, p + j)
                store(probability * (load(dp + j) * factor - along), dp + j)
            }
        } else {
            eachVector(count) { j, _ in
                let probability = (load(p + j) - log).exponentialOfNegative()
                store(probability, p + j)
                store(probability * (load(dp + j) - along), dp + j)
            }
        }
    }

    /// Rows (position, head) of a tile, one after the other.
    private func pack(
        _ view: View, _ s: Segment, _ range: Range<Int>, _ first: Int, _ group: Int, scale: Float,
        to out: UnsafeMutablePointer<Float>
    ) {
        var out = out
        for i in range {
            for head in first ..< first + group {
                let from = view.at(s.batch, s.firstQuery &+ i, head)
                eachVector(headDim) { c, lanes in store(load(from + c, lanes) * scale, out + c, lanes) }
                out += headDim
            }
        }
    }
}
