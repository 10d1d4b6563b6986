import Support

extension NN {
    /// Attention of packed sequences of different lengths; each row sees its own segment only.
    ///
    /// softmax(scale q k^T) v per head, with grouped queries: query head h reads key head h / (H / Hkv).
    /// - Parameters:
    ///   - q: [N, H, d];  k, v: [N, Hkv, d], Hkv dividing H.
    ///   - segments: [0, n1, n1 + n2, ..., N].
    ///   - causal: a row sees itself and what precedes it.
    ///   - scale: 1 / sqrt(d) when nil.
    ///   - dropout: acts on the probabilities.
    /// - Returns: [N, H, d]. Memory besides it: one float per row and head, and a tile per thread.
    public static func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, segments: [Int], causal: Bool = true,
        scale: Float? = nil, dropout: DropoutMask? = nil
    ) throws -> Tensor {
        guard q.rank == 3, k.rank == 3, k.shape == v.shape, k.shape[0] == q.shape[0], k.shape[2] == q.shape[2],
            fits(q.shape[1], k.shape[1], q.shape[2])
        else {
            throw OpahError(
                .shape, "attention: q of shape \(q.shape), k \(k.shape), v \(v.shape)",
                hint: "wanted [N, H, d] and twice [N, Hkv, d], H a multiple of Hkv")
        }
        let n = q.shape[0], heads = q.shape[1], keyHeads = k.shape[1], d = q.shape[2]
        let kernel = AttentionKernel(
            heads: heads, keyHeads: keyHeads, headDim: d, scale: scale ?? 1 / Float(d).squareRoot(),
            causal: causal, dropout: dropout, segments: try packed(segments, n, "attention"))
        func wide(_ t: Tensor) -> AttentionKernel.View {
            .init(pointer: t.pointer(Float.self), position: heads * d, head: d)
        }
        func narrow(_ t: Tensor) -> AttentionKernel.View {
            .init(pointer: t.pointer(Float.self), position: keyHeads * d, head: d)
        }
        return try attend(kernel, q, k, v, wide, narrow, keyRows: n)
    }

    /// Attention of equally long sequences, with an arbitrary mask.
    /// - Parameters:
    ///   - q: [B, H, T, d];  k, v: [B, Hkv, S, d], Hkv dividing H.
    ///   - mask: bool, broadcast to [B, H, T, S]; true where a query may see a key. A query that sees none gives zeros.
    ///   - causal: query i sees keys 0...i.
    ///   - scale: 1 / sqrt(d) when nil.
    /// - Returns: [B, H, T, d].
    public static func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, causal: Bool = false,
        scale: Float? = nil, dropout: DropoutMask? = nil
    ) throws -> Tensor {
        guard q.rank == 4, k.rank == 4, k.shape == v.shape, k.shape[0] == q.shape[0], k.shape[3] == q.shape[3],
            fits(q.shape[1], k.shape[1], q.shape[3])
        else {
            throw OpahError(
                .shape, "attention: q of shape \(q.shape), k \(k.shape), v \(v.shape)",
                hint: "wanted [B, H, T, d] and twice [B, Hkv, S, d], H a multiple of Hkv")
        }
        let batch = q.shape[0], heads = q.shape[1], queries = q.shape[2], d = q.shape[3], keyHeads = k.shape[1],
            keys = k.shape[2]
        let segments = (0 ..< batch).map {
            AttentionKernel.Segment(
                batch: $0, firstQuery: 0, firstKey: 0, queries: queries, keys: keys, row: $0 * queries)
        }
        var kernel = AttentionKernel(
            heads: heads, keyHeads: keyHeads, headDim: d, scale: scale ?? 1 / Float(d).squareRoot(),
            causal: causal, dropout: dropout, segments: segments)
        if let mask { kernel.mask = try maskView(mask, [batch, heads, queries, keys]) }
        func wide(_ t: Tensor) -> AttentionKernel.View {
            .init(pointer: t.pointer(Float.self), batch: heads * queries * d, position: d, head: queries * d)
        }
        func narrow(_ t: Tensor) -> AttentionKernel.View {
            .init(pointer: t.pointer(Float.self), batch: keyHeads * keys * d, position: d, head: keys * d)
        }
        return try attend(kernel, q, k, v, wide, narrow, keyRows: batch * keys, keeping: mask)
    }

    /// Rotary self-attention from the joint projection, as one operation: splits q, k and v, rotates q and k, attends.
    /// - Parameters:
    ///   - qkv: [N, (heads + 2 keyHeads) d]: the query heads, then the key heads, then the value heads.
    ///   - table, positions: see `rope`.  segments, causal, scale, dropout: see `attention`.
    /// - Returns: [N, heads d].
    public static func selfAttention(
        _ qkv: Tensor, heads: Int, keyHeads: Int, table: Tensor, positions: [Int], segments: [Int],
        causal: Bool = true, scale: Float? = nil, dropout: DropoutMask? = nil
    ) throws -> Tensor {
        let qkv = try qkv.single(), parts = heads + 2 * keyHeads
        guard qkv.rank == 2, heads > 0, keyHeads > 0, qkv.shape[1] % parts == 0,
            fits(heads, keyHeads, qkv.shape[1] / parts)
        else {
            throw OpahError(
                .shape, "selfAttention: qkv of shape \(qkv.shape) for \(heads) query heads and \(keyHeads) key heads",
                hint: "wanted [N, (heads + 2 keyHeads) headDim], heads a multiple of keyHeads")
        }
        let n = qkv.shape[0], width = qkv.shape[1], d = width / parts
        let rotation = try Rotation(table, positions, rows: n, headDim: d, "selfAttention")
        let kernel = AttentionKernel(
            heads: heads, keyHeads: keyHeads, headDim: d, scale: scale ?? 1 / Float(d).squareRoot(),
            causal: causal, dropout: dropout, segments: try packed(segments, n, "selfAttention"))
        func views(_ t: Tensor) -> (q: AttentionKernel.View, k: AttentionKernel.View, v: AttentionKernel.View) {
            let p = t.pointer(Float.self)
            return (
                .init(pointer: p, position: width, head: d), .init(pointer: p + heads * d, position: width, head: d),
                .init(pointer: p + (heads + keyHeads) * d, position: width, head: d)
            )
        }
        let rotated = try Tensor(empty: [n, width]), plain = try qkv.dense("selfAttention"),
            from = plain.pointer(Float.self)
        try rotation.apply(from, width, to: rotated.pointer(Float.self), width, heads: heads + keyHeads, inverse: false)
        let values = (heads + keyHeads) * d, to = rotated.pointer(Float.self)
        for row in 0 ..< n {
            (to + row * width + values).update(from: from + row * width + values, count: keyHeads * d)
        }

        let result = try Tensor(empty: [n, heads * d]), lse = try Tensor(empty: [n, heads])
        func outView(_ t: Tensor) -> AttentionKernel.View {
            .init(pointer: t.pointer(Float.self), position: heads * d, head: d)
        }
        let view = views(rotated)
        try kernel.forward(view.q, view.k, view.v, out: outView(result), lse: lse.pointer(Float.self))
        let saved = Saved(result)
        Autograd.record(result, "selfAttention", [qkv]) { gradient in
            let dqkv = try Tensor(empty: [n, width]), g = try gradient.dense("selfAttention")
            let view = views(rotated), d = views(dqkv), dp = dqkv.pointer(Float.self)
            try kernel.backward(
                view.q, view.k, view.v, out: outView(try saved.value("selfAttention")), lse: lse.pointer(Float.self),
                gradient: outView(g), dq: d.q, dk: d.k, dv: d.v, keyRows: n)
            try rotation.apply(dp, width, to: dp, width, heads: heads + keyHeads, inverse: true)
            return [dqkv]
        }
        return result
    }

    private static func attend(
        _ kernel: AttentionKernel, _ q: Tensor, _ k: Tensor, _ v: Tensor,
        _ wide: @escaping (Tensor) -> AttentionKernel.View,
        _ narrow: @escaping (Tensor) -> AttentionKernel.View,
        keyRows: Int, keeping mask: Tensor? = nil
    ) throws -> Tensor {
        let q = try q.single(), k = try k.single(), v = try v.single()
        let plainQ = try q.dense("attention"), plainK = try k.dense("attention"), plainV = try v.dense("attention")
        let result = try Tensor(empty: q.shape), lse = try Tensor(empty: [q.count / kernel.headDim])
        try kernel.forward(
            wide(plainQ), narrow(plainK), narrow(plainV), out: wide(result), lse: lse.pointer(Float.self))
        let saved = [plainQ, plainK, plainV, result].map(Saved.init), savedMask = mask.map(Saved.init)
        Autograd.record(result, "attention", [q, k, v]) { gradient in
            let t = try saved.map { try $0.value("attention") }
            _ = try savedMask?.value("attention")
            let dq = try Tensor(empty: t[0].shape), dk = try Tensor(empty: t[1].shape),
                dv = try Tensor(empty: t[2].shape)
            let g = try gradient.dense("attention")
            try kernel.backward(
                wide(t[0]), narrow(t[1]), narrow(t[2]), out: wide(t[3]), lse: lse.pointer(Float.self),
                gradient: wide(g), dq: wide(dq), dk: narrow(dk), dv: narrow(dv), keyRows: keyRows)
            return [dq, dk, dv]
        }
        return result
    }

    private static func fits(_ heads: Int, _ keyHeads: Int, _ headDim: Int) -> Bool {
        heads > 0 && keyHeads > 0 && heads % keyHeads == 0 && headDim > 0
    }

    private static func packed(_ bounds: [Int], _ rows: Int, _ operation: String) throws -> [AttentionKernel.Segment] {
        guard bounds.first == 0, bounds.last == rows, zip(bounds, bounds.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw OpahError(
                .argument,
                "\(operation): segments must rise from 0 to the number of rows, \(rows); they are \(bounds.prefix(8))\(bounds.count > 8 ? "..." : "")"
            )
        }
        return zip(bounds, bounds.dropFirst()).map {
            AttentionKernel.Segment(firstQuery: $0, firstKey: $0, queries: $1 - $0, keys: $1 - $0, row: $0)
        }
    }

    private static func maskView(_ mask: Tensor, _ shape: Dims) throws -> AttentionKernel.Mask {
        guard mask.dtype == .bool else {
            throw OpahError(
                .dtype, "attention: the mask must be bool, not \(mask.dtype.rawValue)",
                hint: "true where a query may see a key")
        }
        var strides: Dims = [0, 0, 0, 0]
        for i in 0 ..< mask.rank {
            let to = 4 - mask.rank + i
            guard to >= 0, mask.shape[i] == shape[to] || mask.shape[i] == 1 else {
                throw OpahError(.shape, "attention: a mask of shape \(mask.shape) cannot be broadcast to \(shape)")
            }
            strides[to] = mask.shape[i] == 1 ? 0 : mask.strides[i]
        }
        return .init(
            pointer: mask.pointer(UInt8.self), batch: strides[0], head: strides[1], row: strides[2], column: strides[3])
    }
}
