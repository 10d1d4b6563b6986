import Dataset
import Distributed
import LanguageModel
import Support
import Tensors

/// The rows of a step dealt out to several processes.
///
/// Every process draws the same rows and computes its own, one at a time. A row's loss is its share of the mean over
/// the labels of its whole batch, so nothing has to be averaged: gradients are added.
/// - An adapter's gradients are small: there is one vector per row, and they are added in the order of rows. The sum is the
///   same, bit for bit, for any number of processes.
/// - Those of all weights are as large as the model: each process adds its own rows up, then the processes' sums are added
///   in the order of ranks, parameter by parameter. The bits are those of the number of processes.
final class RowExchange: GradientExchange {
    private let ranks: Ranks, model: LanguageModel
    private let parameters: [Tensor]
    /// One vector per row, for an adapter.
    private let isByRow: Bool
    /// Numbers of all parameters.
    private let count: Int
    /// Vectors of this rank's rows, and the sum; kept from step to step.
    private var vectors: [UnsafeMutablePointer<Float>] = []
    private lazy var sum = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1))

    init(_ ranks: Ranks, _ model: LanguageModel, _ parameters: [Tensor], isByRow: Bool) {
        (self.ranks, self.model, self.parameters, self.isByRow) = (ranks, model, parameters, isByRow)
        count = parameters.reduce(0) { $0 + $1.count }
    }

    /// What a rank has to tell of a step.
    private struct Account: Codable {
        /// By number of the row in the step.
        var losses: [Int: [Double]] = [:]
        /// For each of the rank's vectors, in the order of its rows, whether each parameter has a gradient.
        var present: [[Bool]] = []
    }

    private struct Place { let batch: Int, row: Int }

    func gradients(of batches: [TokenBatch], seeds: [UInt64], into log: inout StepLog) throws -> Bool {
        var rows: [BatchRows] = [], places: [Place] = [], owners: [Int] = [], account = Account(),
            verdict = Verdict.goOn
        do {
            rows = try batches.map { try BatchRows($0.forModel, model) }
            places = rows.enumerated().flatMap { batch, rows in rows.sizes.indices.map { Place(batch: batch, row: $0) }
            }
            let costs = places.map { model.trainingCost(rows: [rows[$0.batch].sizes[$0.row]]).operations }
            let assignment = RowAssignment(costs: costs, ranks: ranks.size)
            owners = assignment.owners
            account = try compute(assignment.rows(of: ranks.rank), places, rows, seeds)
        } catch {
            // Also a stop is a failure here: without this rank's rows there is no step.
            verdict = .failed(by: error)
        }
        if case .goOn = verdict, Interrupt.isRequested { verdict = .stop }
        let (accounts, isStop) = try ranks.exchange(account, verdict)
        try add(owners, accounts.map(\.present))
        let share = 1 / Double(batches.count)
        let losses = accounts.reduce(into: [Int: [Double]]()) { $0.merge($1.losses) { first, _ in first } }
        var totals = rows.map { LossSums($0, model) }
        for (number, place) in places.enumerated() { totals[place.batch].add(numbers: losses[number] ?? []) }
        for (batch, total) in zip(batches, totals) {
            log.add(total, weight: share)
            log.tokens += batch.tokenCount
        }
        return isStop
    }

    /// This rank's rows, one after the other.
    private func compute(_ own: [Int], _ places: [Place], _ rows: [BatchRows], _ seeds: [UInt64]) throws -> Account {
        var account = Account()
        if isByRow { while vectors.count < own.count { vectors.append(.allocate(capacity: max(count, 1))) } }
        let budget = model.planner.memoryBudget - (isByRow ? 4 * count * own.count : 0),
            share = Tensor.share(of: rows.count)
        for (i, number) in own.enumerated() {
            let place = places[number]
            let (loss, sums) = try model.loss(
                row: place.row, of: rows[place.batch], dropoutSeed: seeds[place.batch], memoryBudget: budget)
            try loss.backward(seed: Tensor([share], []))
            account.losses[number] = sums.numbers
            if isByRow { account.present.append(try take(into: vectors[i])) }
        }
        if !isByRow, !own.isEmpty { account.present = [parameters.map { $0.grad != nil }] }
        return account
    }

    /// Moves the gradients into a vector: zeros where a parameter has none.
    private func take(into vector: UnsafeMutablePointer<Float>) throws -> [Bool] {
        var place = 0
        return try parameters.map { parameter in
            defer {
                place += parameter.count
                parameter.grad = nil
            }
            guard let gradient = try parameter.grad?.contiguous() else {
                (vector + place).update(repeating: 0, count: parameter.count)
                return false
            }
            (vector + place).update(from: gradient.pointer(Float.self), count: parameter.count)
            return true
        }
    }

    /// - Parameters:
    ///   - owners: the rank of each row.
    ///   - present: of each rank's vectors, which parameters have a gradient.
    private func add(_ owners: [Int], _ present: [[[Bool]]]) throws {
        // A parameter that no row reaches has no gradient, and the optimizer leaves it alone.
        let isThere = parameters.indices.map { i in present.contains { $0.contains { $0[i] } } }
        if isByRow {
            let own = owners.indices.filter { owners[$0] == ranks.rank }
            let pieces = Dictionary(uniqueKeysWithValues: zip(own, vectors))
            try ranks.reduce(pieces, owners: owners, count: count, into: sum)
            var place = 0
            for (parameter, isThere) in zip(parameters, isThere) {
                if isThere {
                    let gradient = try Tensor(empty: parameter.shape)
                    gradient.pointer(Float.self).update(from: sum + place, count: parameter.count)
                    parameter.grad = gradient
                }
                place += parameter.count
            }
            return
        }
        // One piece of each rank that has rows.
        let busy = Set(owners).sorted(), own = busy.firstIndex(of: ranks.rank)
        for (parameter, isThere) in zip(parameters, isThere) where isThere {
            let gradient = try parameter.grad?.contiguous() ?? Tensor(zeros: parameter.shape),
                pointer = gradient.pointer(Float.self)
            try ranks.reduce(own.map { [$0: pointer] } ?? [:], owners: busy, count: parameter.count, into: pointer)
            gradient.storage.didChange()
            parameter.grad = gradient
        }
    }
}

extension Tensor {
    /// What the loss of each of `count` batches counts in a step.
    fileprivate static func share(of count: Int) -> Float { Float(1 / Double(count)) }
}
