import Support
import Tensors

/// The training loss of a batch and what it is made of.
public struct LossResult {
    /// base + semantic, shape [], to call `backward` on.
    public let loss: Tensor
    /// Cross-entropy of the tokens.
    public let base: Double
    /// Cross-entropy of the codes.
    public let semantic: Double
    /// Of the code labels that are no padding, the share found among the five best.
    public let topFiveAccuracy: Double
}

extension LanguageModel {
    /// Cross-entropy of tokens plus that of codes, each the mean over its labels that are not -100.
    ///
    /// A code label at a position where nothing is predicted (its next column has no codes: the end of each sentence)
    /// meets logits of zero, and so adds ln K without a gradient. Padding costs nothing; logits are never kept.
    /// - Parameter dropoutSeed: switches dropout on (training); the same seed drops the same elements.
    public func loss(_ batch: Batch, dropoutSeed: UInt64? = nil) throws -> LossResult {
        guard batch.labels != nil else { throw OpahError(.argument, "loss: the batch has no labels") }
        var packed = try PackedBatch(batch, self)
        packed.dropUnlabelledFrames()
        let pass = ForwardPass(self, packed, dropoutSeed: dropoutSeed)
        let hidden = try pass.slow()

        let normed = try NN.rmsNorm(hidden, tree.norm.tensor, eps: pass.epsilon)
        let base = try crossEntropy(pass, normed, outputModule, packed.tokenLabels, site: -2)
        let codes = try codeLoss(pass, hidden)

        // The mean runs over all labels, also those that met no logits.
        let total = packed.codeLabelCount, missed = total - codes.count
        let constant = total == 0 ? 0 : Double(missed) * log(Double(configuration.codebookSize)) / Double(total)
        let terms = codes.terms.map { (value: $0.loss, factor: Float(Double($0.count) / Double(total))) }
        let semantic = terms.reduce(constant) { $0 + Double($1.factor) * Double($1.value.pointer(Float.self)[0]) }
        let loss = try RowOperations.weightedSum([(base.loss, 1)] + terms, constant: Float(constant))
        return LossResult(loss: loss, base: Double(base.loss.pointer(Float.self)[0]), semantic: semantic,
                          topFiveAccuracy: codes.judged == 0 ? 0 : Double(codes.correct) / Double(codes.judged))
    }

    private struct CodeLoss {
        var terms: [NN.LinearLoss] = []
        var count = 0, correct = 0
        /// Labels that the accuracy counts.
        var judged = 0

        /// Labels of 0, the padding, count in the loss but not in the accuracy: they are a term of their own.
        mutating func add(_ x: Tensor, _ weight: Tensor, _ adapter: NN.Adapter?, _ labels: [Int]) throws {
            let ignored = PackedBatch.ignored
            for isPadding in [false, true] {
                let chosen = labels.map { ($0 == 0) == isPadding ? $0 : ignored }
                guard chosen.contains(where: { $0 != ignored }) else { continue }
                let term = try NN.linearCrossEntropy(x, weight, adapter: adapter, targets: try Tensor(integers: chosen, [chosen.count]))
                terms.append(term)
                count += term.count
                if !isPadding {
                    correct += term.correct
                    judged += term.count
                }
            }
        }
    }

    private func codeLoss(_ pass: ForwardPass, _ hidden: Tensor) throws -> CodeLoss {
        var result = CodeLoss()
        let packed = pass.packed, books = configuration.codebookCount
        guard !packed.frameRows.isEmpty else { return result }
        let frames = try pass.frames(hidden)
        let labels = (0..<books).map { packed.frameLabels($0, of: books) }
        if let fast = tree.fast {
            // Rows of `frames` are (frame, codebook).
            let targets = packed.frameRows.indices.flatMap { i in labels.map { $0[i] } }
            let adapter = try Projection.module(fast.output).adapter(try pass.adapterMask(fast.output, -1))
            try result.add(frames, fast.output.weight.tensor, adapter, targets)
        } else if let naive = tree.naive {
            for (book, targets) in labels.enumerated() {
                let weight = try naive.output.weight.tensor.narrow(dim: 0, start: book * configuration.codebookSize, length: configuration.codebookSize)
                try result.add(frames, weight, nil, targets)
            }
        }
        return result
    }

    private func crossEntropy(_ pass: ForwardPass, _ x: Tensor, _ projection: Projection, _ labels: [Int], site: Int) throws -> NN.LinearLoss {
        try NN.linearCrossEntropy(x, projection.module.weight.tensor, adapter: try projection.adapter(try pass.adapterMask(projection.module, site)),
                                  targets: try Tensor(integers: labels, [labels.count]))
    }
}

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
