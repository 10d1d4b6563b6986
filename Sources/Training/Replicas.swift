import Dataset
import Distributed
import LanguageModel
import Support
import Tensors

/// Several processes that train one model: each has all of it, and the same. The first has the project's folder.
extension Trainer {
    /// Runs `body` on the first process, or the only one; result and error reach all.
    @discardableResult
    func first<R: Codable>(_ body: () throws -> R) throws -> R { try ranks?.first(body) ?? body() }

    /// What goes wrong on one goes wrong on all.
    func settled(_ body: () throws -> Void) throws {
        guard let ranks else { return try body() }
        var verdict = Verdict.goOn
        do { try body() } catch { verdict = .failed(by: error) }
        _ = try ranks.agree(verdict)
    }

    /// What `precision` auto comes to is measured. A run that was begun goes on as it began (`begun`); several processes that
    /// begin one take bfloat16 where all of them would.
    func settlePrecision(begun: ProductPrecision?) throws {
        model.settled = nil
        let wanted = model.precision == .auto ? model.products : nil, isHalf = wanted == .bfloat16
        let isHalfEverywhere = try ranks?.gather([isHalf ? 1.0 : 0.0]).allSatisfy { $0 == [1] } ?? isHalf
        guard let wanted else { return }
        if let begun, begun != wanted {
            model.settled = SettledProducts(begun, reason: "not what this run began with")
        } else if begun == nil, isHalf, !isHalfEverywhere {
            model.settled = SettledProducts(.float32, reason: "not faster on every machine of this run")
        }
    }

    /// Refuses to begin where the processes would not compute the same thing.
    func requireSameRun() throws {
        guard let ranks else { return }
        var facts = identity.facts.merging(settings.course) { first, _ in first }
        facts["program"] = settings.program
        try ranks.requireSame(facts, hint: "give all hosts the same program, base model, packs and settings") {
            name, first, other in
            switch name {
            case "base_digest": "the base model has other weights"
            case "dataset_digest": "the dataset has other clips or texts"
            default: "\(name) is \(other), and \(first) there"
            }
        }
        let threads = try ranks.gather([Double(Parallel.threadCount)]).map { Int($0[0]) }
        if let other = threads.indices.first(where: { threads[$0] != threads[0] }) {
            try first {
                try events.onWarning(
                    "\(ranks.name(other)) has \(threads[other]) threads and \(ranks.name(0)) has \(threads[0]): "
                        + "last bits depend on that, so rows dealt out otherwise would give others; OPAH_THREADS sets them"
                )
                return true
            }
        }
    }

    private struct Position: Codable {
        let step: Int, checkpoint: String?, secondsBefore: Double
        let sampler: TrainingDataset.State
        /// Steps of each parameter's moments, 0 for none.
        let moments: [Int]
        let sendsParameters: Bool
    }

    /// All go on from where the first is: from its checkpoint, or its beginning.
    func replicate(resumed: Bool) throws {
        guard let ranks else { return }
        let moments = Dictionary(optimizer.state.map { ($0.name, $0.moments) }, uniquingKeysWith: { first, _ in first })
        let parameters = optimizer.parameters
        // Whole models that begin are those of the base model, whose digests were compared.
        let position = try ranks.first {
            Position(
                step: step, checkpoint: lastCheckpoint, secondsBefore: secondsBefore, sampler: data.state,
                moments: parameters.map { moments[$0.name]?.step ?? 0 }, sendsParameters: resumed || adapter != nil)
        }
        if position.sendsParameters {
            for (_, tensor) in parameters + (average?.averages ?? []) {
                try ranks.broadcast(in: tensor.memory)
                tensor.storage.didChange()
            }
        }
        var state: [(name: String, moments: AdamW.Moments)] = []
        for (parameter, count) in zip(parameters, position.moments) where count > 0 {
            let own = moments[parameter.name]
            let both =
                ranks.rank == 0 && own != nil
                ? own!
                : AdamW.Moments(
                    step: count, first: try Tensor(zeros: parameter.tensor.shape),
                    second: try Tensor(zeros: parameter.tensor.shape))
            try ranks.broadcast(in: both.first.memory)
            try ranks.broadcast(in: both.second.memory)
            state.append((parameter.name, both))
        }
        guard ranks.rank > 0 else { return }
        try optimizer.restore(state)
        try data.restore(position.sampler)
        (step, lastCheckpoint, secondsBefore) = (position.step, position.checkpoint, position.secondsBefore)
    }

    /// Saves, and says whose parameters are not those of the others any more.
    /// - Parameter whenStopped: Ctrl-C is obeyed by this, and taken back before a recipe's own code runs again.
    func saveTogether(whenStopped: Bool = false) throws -> String {
        if let ranks {
            let digest = Digest()
            for (_, tensor) in optimizer.parameters { digest.update(UnsafeRawBufferPointer(tensor.memory)) }
            try ranks.requireSame(
                ["parameters": digest.finish()],
                hint: "look for bad memory on that machine; the last checkpoint is whole"
            ) { _, _, _ in
                "after step \(step) its parameters are others"
            }
        }
        let path = try first {
            let path = try saveCheckpoint()
            if whenStopped { events.onInterrupt() }
            try events.onCheckpoint(path)
            return path
        }
        lastCheckpoint = path
        return path
    }
}

extension Tensor {
    /// Of a contiguous float32 tensor, as parameters and moments are.
    fileprivate var memory: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(pointer(Float.self)), count: 4 * count)
    }
}
