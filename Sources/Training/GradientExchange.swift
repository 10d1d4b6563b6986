import Dataset
import LanguageModel
import Tensors

/// Who computes the rows of a step, and how their gradients come together.
protocol GradientExchange {
    /// Leaves the gradients of a step in the parameters, and what its rows came to in `log`. Gradients are nil before.
    /// - Parameters:
    ///   - batches: those of the step; each counts the same.
    ///   - seeds: of their dropout.
    /// - Returns: whether some process was asked to stop.
    func gradients(of batches: [TokenBatch], seeds: [UInt64], into log: inout StepLog) throws -> Bool
}

/// One process computes everything, batch after batch.
struct WholeBatches: GradientExchange {
    let model: LanguageModel

    func gradients(of batches: [TokenBatch], seeds: [UInt64], into log: inout StepLog) throws -> Bool {
        let share = 1 / Double(batches.count)
        for (batch, seed) in zip(batches, seeds) {
            let loss = try model.loss(batch.forModel, dropoutSeed: seed)
            try loss.loss.backward(seed: Tensor([Float(share)], []))
            log.add(loss, weight: share)
            log.tokens += batch.tokenCount
        }
        return false
    }
}
