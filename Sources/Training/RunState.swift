import Dataset
import Formats
import LanguageModel
import Support
import Tensors

/// What of a run outlives the process: its checkpoints, from which it goes on, and its logs.
extension Trainer {
    /// Puts the run back to the project's last complete checkpoint, if it has one, and returns its path.
    func resume(_ newest: ProjectFolder.WholeCheckpoint?) throws -> String? {
        guard let last = try folder.checkpointSteps().last else { return nil }
        guard settings.resume else {
            throw OpahError(
                .config, "\(folder.path) holds a run of \(last.step) steps already",
                hint: "choose another project name, or let it go on with resume=true")
        }
        guard let found = newest else { return nil }
        let saved = found.content
        damaged = found.damaged
        for item in damaged {
            try events.onWarning(
                "\(item.path) is damaged (\(item.reason)) and passed over: the run goes on from step \(saved.step)")
        }
        let differences = identity.differences(to: saved.identity)
        guard differences.isEmpty else {
            throw OpahError(
                .config, "\(folder.path) holds another run: " + differences.joined(separator: "; "),
                hint: "choose another project name, or give the settings of that run")
        }
        let places = Dictionary(
            optimizer.parameters.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        let trained = saved.trained ?? saved.parameters
        guard trained.count == places.count, trained.allSatisfy({ places[$0.name]?.shape == $0.tensor.shape }) else {
            throw OpahError(
                .checkpoint, "\(found.path): holds other tensors than this run trains",
                hint: "the file is damaged; remove it to go on from the one before")
        }
        try Autograd.withoutGradients {
            for (name, tensor) in trained { _ = try places[name]!.copy_(tensor) }
            try average?.restore(saved.parameters)
        }
        try optimizer.restore(saved.optimizer)
        try data.restore(saved.sampler)
        step = saved.step
        lastCheckpoint = found.path
        return found.path
    }

    func saveCheckpoint() throws -> String {
        let path = folder.checkpointPath(step: step)
        let checkpoint = TrainingCheckpoint(
            step: step, parameters: average?.averages ?? optimizer.parameters,
            trained: average.map { _ in optimizer.parameters },
            optimizer: optimizer.state, sampler: data.state, identity: identity,
            adapter: try adapter?.metadata(baseDigest: model.baseDigest(), step: step))
        try Interrupt.deferred { try checkpoint.save(path) }
        lastCheckpoint = path
        if adapter == nil { try folder.removeCheckpoints(keeping: settings.wholeCheckpoints) }
        return path
    }

    func openLogs() throws {
        try folder.setAside(damaged)
        try AtomicFile.write(folder.configuration, settings.configuration)
        // A run that starts anew also drops what an earlier one measured before its first step.
        let last = step > 0 ? step : -1
        let log = try MetricsLog(folder.metrics, keepingSteps: last)
        for line in log.kept where line["stage"]?.string == "val" {
            if let loss = line["loss"]?.double, let step = line["step"]?.int { note(validation: loss, at: step) }
        }
        metrics = log
        try FileKind.makeFolder(folder.tensorboard)
        board = try EventFileWriter(folder: folder.tensorboard, resumingAfter: last)
    }
}
