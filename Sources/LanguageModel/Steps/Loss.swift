import Glibc
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
    ///
    /// When gradients are recorded, memory is kept within `planner.memoryBudget`: frames go through the fast stack in
    /// blocks, forward and backward at once, and so do parts of the batch where it does not fit as a whole.
    /// - Parameters:
    ///   - dropoutSeed: switches dropout on (training); the same seed drops the same elements, whatever the plan.
    ///   - memoryBudget: for this batch, in place of the planner's.
    /// - Throws: kind `memory` when no plan fits the budget.
    public func loss(_ batch: Batch, dropoutSeed: UInt64? = nil, memoryBudget: Int? = nil) throws -> LossResult {
        guard batch.labels != nil else { throw OpahError(.argument, "loss: the batch has no labels") }
        var packed = try PackedBatch(batch, self)
        packed.dropUnlabelledFrames()
        let parameters = Autograd.isEnabled ? trainableParameters.map(\.tensor) : []
        let rows = packed.rowSizes
        var planner = planner
        if let memoryBudget { planner.memoryBudget = memoryBudget }
        let plan =
            parameters.isEmpty
            ? planner.withoutGradients(rows: rows.count) : try planner.fittingPlan(stepShape, rows: rows)

        var sums = LossSums(packed, codebookSize: configuration.codebookSize)
        func add(_ part: StepPlan.Part, _ packed: PackedBatch) throws -> Tensor {
            let pass = ForwardPass(self, packed, recomputedLayers: part.recomputedLayers, dropoutSeed: dropoutSeed)
            return try PartLoss(model: self, pass: pass, frames: part.frames, parameters: parameters).run(&sums)
        }
        let loss: Tensor
        if plan.parts.count == 1 {
            loss = try RowOperations.weightedSum([(try add(plan.parts[0], packed), 1)], constant: Float(sums.constant))
        } else {
            let taken = TakenGradients(parameters)
            for part in plan.parts { try taken.take { try add(part, packed.part(part.rows)) } }
            loss = try taken.result(sums.base + sums.semantic)
        }
        return LossResult(loss: loss, base: sums.base, semantic: sums.semantic, topFiveAccuracy: sums.topFiveAccuracy)
    }
}

/// What the parts of a batch add up to.
public struct LossSums {
    /// Labels of the whole batch, over which the means run.
    let tokenLabels: Int, codeLabels: Int
    private let logClasses: Double
    public internal(set) var base = 0.0
    var codes = 0.0
    /// Code labels that met logits.
    var met = 0
    /// Code labels that the accuracy counts, and those among them that were found.
    var judged = 0, correct = 0

    init(_ packed: PackedBatch, codebookSize: Int) {
        (tokenLabels, codeLabels) = (packed.tokenLabelCount, packed.codeLabelCount)
        logClasses = log(Double(codebookSize))
    }

    /// What the code labels that met no logits add: the mean runs over them too.
    var constant: Double { codeLabels == 0 ? 0 : Double(codeLabels - met) * logClasses / Double(codeLabels) }
    public var semantic: Double { codes + constant }
    public var topFiveAccuracy: Double { judged == 0 ? 0 : Double(correct) / Double(judged) }

    /// Each gives the share of the mean that the term is.
    mutating func add(tokens term: NN.LinearLoss) throws -> Float {
        let share = Float(tokenLabels == 0 ? 0 : Double(term.count) / Double(tokenLabels))
        base += Double(share) * (try term.loss.item())
        return share
    }

    mutating func add(codes term: NN.LinearLoss, judged isJudged: Bool) throws -> Float {
        let share = Float(Double(term.count) / Double(codeLabels))
        codes += Double(share) * (try term.loss.item())
        met += term.count
        if isJudged {
            judged += term.count
            correct += term.correct
        }
        return share
    }
}

/// The loss of a part of a batch.
struct PartLoss {
    let model: LanguageModel
    let pass: ForwardPass
    /// Frames that the fast stack runs at once.
    let frames: Int
    /// What wants a gradient; empty when none is recorded.
    let parameters: [Tensor]

    /// Without the constant.
    func run(_ sums: inout LossSums) throws -> Tensor {
        let hidden = try pass.slow()
        let base = try tokenLoss(hidden, &sums)
        guard let codes = try codeLoss(hidden, &sums) else { return base }
        return try RowOperations.weightedSum([(base, 1), (codes, 1)])
    }

    private func tokenLoss(_ hidden: Tensor, _ sums: inout LossSums) throws -> Tensor {
        let projection = model.outputModule, labels = pass.packed.tokenLabels
        let (x, adapter) = try projection.adapted(
            try NN.rmsNorm(hidden, model.tree.norm.tensor, eps: pass.epsilon),
            try pass.adapterMask(projection.module, -2, pass.packed.firstToken))
        let term = try NN.linearCrossEntropy(
            x, projection.module.weight.tensor,
            adapter: adapter, targets: try Tensor(integers: labels, [labels.count]),
            precision: model.products)
        return try RowOperations.weightedSum([(term.loss, try sums.add(tokens: term))])
    }

    /// One block of frames after the other, forward and backward; nil when there is no frame.
    private func codeLoss(_ hidden: Tensor, _ sums: inout LossSums) throws -> Tensor? {
        let rows = pass.packed.frameRows
        guard !rows.isEmpty else { return nil }
        let plain = hidden.detach(), width = hidden.shape[1], wantsInput = hidden.requiresGrad && Autograd.isEnabled
        let gradient = try wantsInput ? Tensor(zeros: hidden.shape) : nil
        let taken = TakenGradients(parameters)
        var total = 0.0
        // A naive model's frames pass no stack.
        let size = model.tree.fast == nil ? rows.count : frames, blocks = (rows.count + size - 1) / size
        for block in 0 ..< blocks {
            let range = rows.count * block / blocks ..< rows.count * (block + 1) / blocks, chosen = Array(rows[range])
            let picked = try RowOperations.gather(plain, chosen).detach()
            if wantsInput { try picked.setRequiresGrad() }
            try taken.take {
                let terms = try blockTerms(try pass.frames(picked, range), range, &sums)
                total += try terms.reduce(0) { $0 + Double($1.factor) * (try $1.value.item()) }
                return try RowOperations.weightedSum(terms)
            }
            guard let gradient, let g = picked.grad else { continue }
            let to = gradient.pointer(Float.self), from = g.pointer(Float.self)
            for (i, row) in chosen.enumerated() { (to + row * width).update(from: from + i * width, count: width) }
        }
        return try taken.result(total, input: gradient.map { (hidden, $0) })
    }

    private func blockTerms(
        _ x: Tensor, _ range: Range<Int>, _ sums: inout LossSums
    ) throws -> [(value: Tensor, factor: Float)] {
        let tree = model.tree, books = model.configuration.codebookCount, classes = model.configuration.codebookSize
        let labels = pass.packed.labels(ofFrames: range, books: books)
        if let fast = tree.fast {
            let (x, adapter) = try Projection.module(fast.output)
                .adapted(x, try pass.adapterMask(fast.output, -1, pass.firstRow(ofFrame: range.lowerBound)))
            return try terms(x, fast.output.weight.tensor, adapter, labels, &sums)
        }
        return try (0 ..< books).flatMap { book in
            let weight = try tree.naive!.output.weight.tensor.narrow(dim: 0, start: book * classes, length: classes)
            return try terms(x, weight, nil, stride(from: book, to: labels.count, by: books).map { labels[$0] }, &sums)
        }
    }

    /// Labels of 0, the padding, count in the loss but not in the accuracy: they are a term of their own.
    private func terms(
        _ x: Tensor, _ weight: Tensor, _ adapter: NN.Adapter?, _ labels: [Int], _ sums: inout LossSums
    ) throws
        -> [(value: Tensor, factor: Float)]
    {
        let ignored = PackedBatch.ignored
        return try [false, true].compactMap { isPadding in
            let chosen = labels.map { ($0 == 0) == isPadding ? $0 : ignored }
            guard chosen.contains(where: { $0 != ignored }) else { return nil }
            let term = try NN.linearCrossEntropy(
                x, weight, adapter: adapter, targets: try Tensor(integers: chosen, [chosen.count]),
                precision: model.products)
            return (term.loss, try sums.add(codes: term, judged: !isPadding))
        }
    }
}
