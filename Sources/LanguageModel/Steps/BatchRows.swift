import Support
import Tensors

/// A batch whose rows are computed one at a time, in whatever order and by whichever process. Each row's loss is its
/// share of the mean over the labels of the whole batch, so rows' losses and gradients only have to be added.
public struct BatchRows {
    let packed: PackedBatch
    /// Of the rows that hold more than padding.
    public let sizes: [RowSize]

    public init(_ batch: Batch, _ model: LanguageModel) throws {
        guard batch.labels != nil else { throw OpahError(.argument, "loss: the batch has no labels") }
        var packed = try PackedBatch(batch, model)
        packed.dropUnlabelledFrames()
        (self.packed, sizes) = (packed, packed.rowSizes)
    }
}

extension LanguageModel {
    /// The loss of one row of a batch, without the constant that labels without logits add (`LossSums.semantic` has it
    /// once), to call `backward` on. Dropout falls on the same elements as when the batch is computed as a whole.
    /// - Throws: kind `memory` when the row does not fit the budget.
    public func loss(
        row: Int, of rows: BatchRows, dropoutSeed: UInt64?, memoryBudget: Int? = nil
    ) throws -> (loss: Tensor, sums: LossSums) {
        let parameters = Autograd.isEnabled ? trainableParameters.map(\.tensor) : []
        var planner = planner
        if let memoryBudget { planner.memoryBudget = memoryBudget }
        let plan =
            parameters.isEmpty
            ? planner.withoutGradients(rows: 1) : try planner.fittingPlan(stepShape, rows: [rows.sizes[row]])
        var sums = LossSums(rows.packed, codebookSize: configuration.codebookSize)
        let pass = ForwardPass(
            self, rows.packed.part(row ..< row + 1), recomputedLayers: plan.parts[0].recomputedLayers,
            dropoutSeed: dropoutSeed)
        let loss = try PartLoss(model: self, pass: pass, frames: plan.parts[0].frames, parameters: parameters).run(
            &sums)
        return (loss, sums)
    }
}

extension LossSums {
    /// As numbers, for another process.
    public var numbers: [Double] { [base, codes, Double(met), Double(judged), Double(correct)] }

    /// Adds what another row, perhaps of another process, came to.
    public mutating func add(numbers: [Double]) {
        base += numbers[0]
        codes += numbers[1]
        met += Int(numbers[2])
        judged += Int(numbers[3])
        correct += Int(numbers[4])
    }

    /// What a batch comes to that has no row yet.
    public init(_ rows: BatchRows, _ model: LanguageModel) {
        self.init(rows.packed, codebookSize: model.configuration.codebookSize)
    }
}

extension LossResult {
    /// Base, semantic and top five, for another process.
    public var numbers: [Double] { [base, semantic, topFiveAccuracy] }

    /// What another process measured.
    public init(numbers: [Double]) throws {
        self.init(
            loss: try Tensor([Float(numbers[0] + numbers[1])], []), base: numbers[0], semantic: numbers[1],
            topFiveAccuracy: numbers[2])
    }
}
