import Tensors

/// The name and shape of every weight of a model, in the order of the reference's state dict.
struct ParameterLayout {
    struct Entry: Equatable {
        let name: String
        let shape: Dims
        /// How a fresh model fills it.
        let role: Role
    }

    enum Role { case matrix, embedding, bias, norm }

    private(set) var entries: [Entry] = []

    init(_ c: ModelConfiguration) {
        matrix("embeddings", c.vocabularySize, c.dim, .embedding)
        matrix("codebook_embeddings", c.codebookSize * c.codebookCount, c.dim, .embedding)
        for i in 0 ..< c.layerCount { layer("layers.\(i)", c.slowShape) }
        norm("norm", c.dim)
        if !c.tiesWordEmbeddings { matrix("output", c.vocabularySize, c.dim) }
        if let fast = c.fast, let shape = c.fastShape {
            if fast.dim != c.dim {
                matrix("fast_project_in", fast.dim, c.dim)
                entries.append(Entry(name: "fast_project_in.bias", shape: [fast.dim], role: .bias))
            }
            matrix("fast_embeddings", c.codebookSize, fast.dim, .embedding)
            for i in 0 ..< fast.layerCount { layer("fast_layers.\(i)", shape) }
            norm("fast_norm", fast.dim)
            matrix("fast_output", c.codebookSize, fast.dim)
        } else {
            norm("codebook_norm", c.dim)
            matrix("codebook_output", c.codebookSize * c.codebookCount, c.dim)
        }
    }

    private mutating func layer(_ prefix: String, _ s: LayerShape) {
        matrix(prefix + ".attention.wqkv", s.projectedDim, s.dim)
        if s.hasBias {
            entries.append(Entry(name: prefix + ".attention.wqkv.bias", shape: [s.projectedDim], role: .bias))
        }
        matrix(prefix + ".attention.wo", s.dim, s.dim)
        matrix(prefix + ".feed_forward.w1", s.intermediateSize, s.dim)
        matrix(prefix + ".feed_forward.w3", s.intermediateSize, s.dim)
        matrix(prefix + ".feed_forward.w2", s.dim, s.intermediateSize)
        norm(prefix + ".ffn_norm", s.dim)
        norm(prefix + ".attention_norm", s.dim)
    }

    private mutating func matrix(_ name: String, _ rows: Int, _ columns: Int, _ role: Role = .matrix) {
        entries.append(Entry(name: name + ".weight", shape: [rows, columns], role: role))
    }

    private mutating func norm(_ name: String, _ size: Int) {
        entries.append(Entry(name: name + ".weight", shape: [size], role: .norm))
    }
}
