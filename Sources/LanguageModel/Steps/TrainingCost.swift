import Tensors

/// The floating-point operations of a training step (a multiplication and an addition are two), and its memory.
///
/// Per row of a weight matrix [out, in]: 2 in out forward and as much backward for the input's gradient; for the
/// weight's own gradient, if it wants one, as much again. An adapter of rank r: 6 r (in + out) in all; one that
/// multiplies the weight's rows has a second product with the weight when it drops inputs. Attention over T causal
/// positions: 2 products of T (T + 1) / 2 x D forward and 5 backward.
///
/// Between the products everything is read and written a few times. Per row and layer about 42 D + 8 P + 18 I floats
/// pass (P: width of q, k, v; I: of the feed-forward), forward and backward.
///
/// Where the time of a step goes: docs/notes/a-training-step.md.
public struct TrainingCost: Equatable, Sendable {
    /// Products with the weights, forward and backward, and the gradients of weights that want one.
    public var products = 0.0
    public var adapters = 0.0
    public var attention = 0.0
    /// What runs a second time to save memory.
    public var recomputation = 0.0
    /// Bytes that element-wise work reads and writes.
    public var bytesMoved = 0.0
    public var plan: StepPlan

    /// All of it.
    public var operations: Double { products + adapters + attention + recomputation }
    /// What every implementation has to do at least: the products with the weights.
    public var floorOperations: Double { products }

    /// Predicted duration on a machine of these rates.
    public func seconds(_ rates: MachineRates) -> Double {
        weighted / rates.matrixRate + bytesMoved / rates.readBandwidth
    }

    /// Operations, those of products with a short inner dimension counted more often, as they run more slowly.
    private var weighted = 0.0

    /// - Parameter plan: as `StepPlanner` made it for these rows.
    public init(_ shape: StepShape, rows: [RowSize], plan: StepPlan) {
        self.plan = plan
        for row in rows {
            add(shape.slow, rows: row.tokens, sequences: 1, length: row.tokens)
            add(shape.tokens, rows: row.labels)
            addLogits(shape.tokens, rows: row.labels)
            guard let fast = shape.fast else {
                add(shape.codes, rows: row.frames)
                addLogits(shape.codes, rows: row.frames)
                continue
            }
            if let projection = shape.projection { add(projection, rows: row.frames) }
            let books = shape.codebookCount
            add(fast, rows: row.frames * books, sequences: row.frames, length: books)
            add(shape.codes, rows: row.frames * books)
            addLogits(shape.codes, rows: row.frames * books)
        }
        for matrix in shape.matrices where matrix.hasGain { addNorms(matrix) }
        for part in plan.parts {
            for row in rows[part.rows] { repeatLayers(part.recomputedLayers, shape.slow, row.tokens) }
        }
    }

    private mutating func add(_ matrix: StepShape.Matrix, rows: Int) {
        let direct =
            ((matrix.isTrained ? 6 : 4) + (matrix.splitsInput ? 4 : 0)) * Double(rows) * Double(matrix.input)
            * Double(matrix.output)
        let low = 6 * Double(rows) * Double(matrix.rank) * Double(matrix.input + matrix.output)
        products += direct
        adapters += low
        weighted += (direct + low) * Self.slowness(matrix.input)
    }

    /// The lengths of a weight's rows with the adapter on it, once per step: `NN.rowNorms`.
    private mutating func addNorms(_ matrix: StepShape.Matrix) {
        let operations = Double(2 * matrix.rank + 3) * Double(matrix.input) * Double(matrix.output)
        adapters += operations
        weighted += operations * Self.slowness(matrix.rank)
    }

    /// How much longer than its operations say a product with this inner dimension takes: packing and the call itself.
    private static func slowness(_ inner: Int) -> Double { 1 + 64 / Double(inner) }

    /// Logits are written, turned into probabilities and gradients, and read by two products.
    private mutating func addLogits(_ matrix: StepShape.Matrix, rows: Int) {
        bytesMoved += 4 * 6 * Double(rows) * Double(matrix.output)
    }

    private mutating func add(_ stack: StepShape.Stack, rows: Int, sequences: Int, length: Int) {
        for matrix in stack.layers.joined() { add(matrix, rows: rows) }
        let scores = 7 * Double(stack.layers.count) * Double(sequences) * Self.product(stack, length), s = stack.shape
        attention += scores
        weighted += scores * Self.slowness(s.headDim)
        bytesMoved +=
            4 * Double(stack.layers.count) * Double(rows)
            * Double(42 * s.dim + 8 * s.projectedDim + 18 * s.intermediateSize)
    }

    /// Operations of one product of attention scores or values.
    private static func product(_ stack: StepShape.Stack, _ length: Int) -> Double {
        Double(length) * Double(length + 1) * Double(stack.shape.dim)
    }

    /// The layers' forward passes but for the last product.
    private mutating func repeatLayers(_ count: Int, _ stack: StepShape.Stack, _ tokens: Int) {
        for layer in stack.layers.prefix(count) {
            // A gain's gradient needs the last product too.
            let again = (layer.last?.hasGain == true ? layer[...] : layer.dropLast()).reduce(
                2 * Self.product(stack, tokens)
            ) { $0 + ($1.splitsInput ? 4 : 2) * Double(tokens) * Double($1.input) * Double($1.output) }
            recomputation += again
            weighted += again
        }
    }
}

extension LanguageModel {
    /// What a training step on rows of these sizes costs, with the plan that the budget leads to.
    public func trainingCost(rows: [RowSize], memoryBudget: Int? = nil) -> TrainingCost {
        var planner = planner
        if let memoryBudget { planner.memoryBudget = memoryBudget }
        let shape = stepShape
        return TrainingCost(shape, rows: rows, plan: planner.plan(shape, rows: rows))
    }

    /// The sizes of a batch's rows, without those that are all padding.
    public func rowSizes(_ batch: Batch) throws -> [RowSize] {
        var packed = try PackedBatch(batch, self)
        packed.dropUnlabelledFrames()
        return packed.rowSizes
    }
}
