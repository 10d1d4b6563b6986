import Glibc

/// Segments of at most `shortest` positions (the 8 codebooks of a frame, mostly): thousands of them, each far too small
/// for a matrix product to pay.
extension AttentionKernel {
    /// Runs `body` for every short segment, some dozens of segments per task.
    func forEachShort(_ body: (Segment, UnsafeMutablePointer<Float>) -> Void) throws {
        let short = segments.filter { isShort($0) && $0.queries > 0 }
        try Parallel.forEach((short.count + 15) / 16, scratch: 2 * AttentionKernel.shortest) { task, scratch in
            for segment in short[task * 16 ..< min(task * 16 + 16, short.count)] { body(segment, scratch) }
        }
    }

    func shortForward(
        _ s: Segment, _ q: View, _ k: View, _ v: View, _ out: View,
        _ lse: UnsafeMutablePointer<Float>, _ row: UnsafeMutablePointer<Float>
    ) {
        let group = groupSize, d = headDim
        for i in 0 ..< s.queries {
            let count = limit(i, s)
            for head in 0 ..< heads {
                let query = q.at(s.batch, s.firstQuery &+ i, head), o = out.at(s.batch, s.firstQuery &+ i, head)
                for j in 0 ..< count { row[j] = dot(query, k.at(s.batch, s.firstKey &+ j, head / group), d) * scale }
                let seen = show(row, s, i, head, from: 0, count: count)
                var top = Float8(-.infinity)
                eachVector(seen) { j, _ in top = top.or(greater: load(row + j)) }
                let maximum = top.largest
                o.update(repeating: 0, count: d)
                if maximum == -.infinity {
                    lse[(s.row &+ i) &* heads &+ head] = .infinity
                    continue
                }
                let sum = probabilities(row, seen, below: maximum, dropout?.row((s.row &+ i) &* heads &+ head), 0)
                lse[(s.row &+ i) &* heads &+ head] = maximum + logf(sum)
                let factor = 1 / sum
                for j in 0 ..< count {
                    addScaled(row[j] * factor, v.at(s.batch, s.firstKey &+ j, head / group), to: o, d)
                }
            }
        }
    }

    func shortBackward(
        _ s: Segment, _ q: View, _ k: View, _ v: View, _ out: View, _ lse: UnsafePointer<Float>,
        _ gradient: View, _ dq: View, _ dk: View, _ dv: View, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let group = groupSize, d = headDim, p = scratch, dp = scratch + AttentionKernel.shortest
        for key in s.firstKey ..< s.firstKey + s.keys {
            for head in 0 ..< keyHeads {
                dk.at(s.batch, key, head).update(repeating: 0, count: d)
                dv.at(s.batch, key, head).update(repeating: 0, count: d)
            }
        }
        for i in 0 ..< s.queries {
            let count = limit(i, s)
            for head in 0 ..< heads {
                let query = q.at(s.batch, s.firstQuery &+ i, head), up = gradient.at(s.batch, s.firstQuery &+ i, head)
                let to = dq.at(s.batch, s.firstQuery &+ i, head)
                for j in 0 ..< count {
                    p[j] = dot(query, k.at(s.batch, s.firstKey &+ j, head / group), d) * scale
                    dp[j] = dot(up, v.at(s.batch, s.firstKey &+ j, head / group), d)
                }
                let seen = show(p, s, i, head, from: 0, count: count)
                for j in count ..< seen { dp[j] = 0 }
                scoreGradient(
                    p, dp, seen, log: lse[(s.row &+ i) &* heads &+ head],
                    along: dot(up, out.at(s.batch, s.firstQuery &+ i, head), d),
                    dropout?.row((s.row &+ i) &* heads &+ head), 0)
                to.update(repeating: 0, count: d)
                for j in 0 ..< count {
                    let key = s.firstKey &+ j, shared = head / group
                    addScaled(dp[j] * scale, k.at(s.batch, key, shared), to: to, d)
                    addScaled(dp[j] * scale, query, to: dk.at(s.batch, key, shared), d)
                    addScaled(p[j], up, to: dv.at(s.batch, key, shared), d)
                }
            }
        }
    }
}
