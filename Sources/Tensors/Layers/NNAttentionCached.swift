extension NN {
    /// New positions of one sequence, whose keys and values lie in a cache together with those before them.
    public struct CachedSequence {
        /// Queries [queries, H, d]: heads side by side, positions `stride` floats apart.
        let q: UnsafePointer<Float>, stride: Int
        let queries: Int, past: Int
        /// Of the first key head, [past + queries, d]; a head's lie `headStride` floats behind those of the head before.
        let keys: UnsafePointer<Float>, values: UnsafePointer<Float>, headStride: Int
        /// [queries, H, d], without gaps.
        let out: UnsafeMutablePointer<Float>

        /// - Parameter past: how many positions precede the first query.
        public init(
            q: UnsafePointer<Float>, stride: Int, queries: Int, past: Int, keys: UnsafePointer<Float>,
            values: UnsafePointer<Float>, headStride: Int, out: UnsafeMutablePointer<Float>
        ) {
            (self.q, self.stride, self.queries, self.past) = (q, stride, queries, past)
            (self.keys, self.values, self.headStride, self.out) = (keys, values, headStride, out)
        }
    }

    /// Causal attention of each of the sequences, scaled by 1 / sqrt(d): query i sees keys 0...past + i. Without gradients.
    public static func attention(
        _ sequences: [CachedSequence], heads: Int, keyHeads: Int, headDim: Int
    ) throws {
        func prepared(_ s: CachedSequence) -> (AttentionKernel, AttentionKernel.Views) {
            func cached(_ pointer: UnsafePointer<Float>) -> AttentionKernel.View {
                .init(pointer: UnsafeMutablePointer(mutating: pointer), position: headDim, head: s.headStride)
            }
            return (
                AttentionKernel(
                    heads: heads, keyHeads: keyHeads, headDim: headDim, scale: 1 / Float(headDim).squareRoot(),
                    causal: true,
                    segments: [
                        .init(
                            firstQuery: 0, firstKey: 0, past: s.past, queries: s.queries, keys: s.past + s.queries,
                            row: 0)
                    ]),
                (
                    q: .init(pointer: UnsafeMutablePointer(mutating: s.q), position: s.stride, head: headDim),
                    k: cached(s.keys), v: cached(s.values),
                    out: .init(pointer: s.out, position: heads * headDim, head: headDim)
                )
            )
        }
        // Short ones are a task each and share the threads; the tasks of a long one do.
        let all = sequences.map(prepared), short = all.filter { $0.0.isShort($0.0.segments[0]) }
        try Parallel.forEach(short.count, scratch: AttentionKernel.shortest * (heads + 1)) { task, scratch in
            let (kernel, views) = short[task]
            kernel.shortForward(
                kernel.segments[0], views.q, views.k, views.v, views.out, scratch + AttentionKernel.shortest, scratch)
        }
        for (kernel, views) in all where !kernel.isShort(kernel.segments[0]) {
            let lse = try Storage(byteCount: kernel.segments[0].queries * heads * 4)
            try kernel.forward(
                views.q, views.k, views.v, out: views.out, lse: lse.pointer.assumingMemoryBound(to: Float.self))
            withExtendedLifetime(lse) {}
        }
    }
}

extension AttentionKernel {
    fileprivate typealias Views = (q: View, k: View, v: View, out: View)
}
