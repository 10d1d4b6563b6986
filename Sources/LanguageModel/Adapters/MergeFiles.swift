import Formats
import Glibc
import Support
import Tensors

/// What merging an adapter into a model folder did, with its proof.
public struct MergeReport: Sendable {
    public let output: String
    public let rank: Int
    public let alpha: Double
    public let modules: Int
    /// Tensors in the model, and how many of them changed.
    public let tensors: Int, changed: Int
    public let dtype: String
    /// Largest difference between the logits of base + adapter and of the merged weights before they are rounded
    /// to the model's dtype, on a fixed batch, and the largest logit.
    public let difference: Double, largestLogit: Double
    /// The same difference for the weights as written, after rounding to the model's dtype.
    public let differenceAsWritten: Double
    public let notes: [String]
}

extension LanguageModel {
    /// Merges an adapter file into a base model folder and writes a model folder of the same form.
    ///
    /// Before anything has its final name: merged logits must agree with those of base and adapter within
    /// 1e-5 (times the largest logit, where that is above 1); what was written is read back, must have the base's
    /// names, and must differ from the base.
    /// - Parameters:
    ///   - configuration: nil takes what the adapter records.
    ///   - overwrite: also into a folder that holds other things than the result of an earlier merge.
    public static func mergeFiles(
        configuration: LoRAConfiguration?, baseWeight: String, loraWeight: String,
        output: String, overwrite: Bool = false
    ) throws -> MergeReport {
        let base = try load(baseWeight)
        if let folder = base.folder { try MergeRecord.check(output, isOutside: folder) }
        let lock = try FolderLock(output, for: "merging")
        defer { lock.release() }
        if !overwrite { try MergeRecord.check(output, mayBeReplaced: ()) }
        let adapter = try base.loadLoRA(loraWeight, configuration: configuration)
        let proof = try MergeProof(base)

        let together = try proof.logits(base)
        let originals = base.weights.map(\.tensor)
        let exact = try proof.logits(try base.replacing { try merged($0, dtype: .float32) })
        let difference = proof.difference(together, exact), largest = proof.largest(together)
        guard difference <= 1e-5 * max(1, largest) else {
            throw OpahError(
                .checkpoint,
                "the merged model differs from base and adapter by \(difference) in its logits: nothing was written",
                hint: "this should not happen; the weights may be damaged")
        }
        let result = try base.replacing { try merged($0, dtype: $0.weight.tensor.dtype) }
        let written = proof.difference(together, try proof.logits(result))

        let staging = try StagedFolder(output)
        try result.save(staging.path)
        let changed = try verify(staging.path + "/model.pth", against: result, originals)
        try MergeRecord.write(to: staging.path, adapter, baseDigest: base.baseDigest())
        try staging.commit()
        return MergeReport(
            output: output, rank: adapter.configuration.rank, alpha: adapter.configuration.alpha,
            modules: adapter.modules.count,
            tensors: originals.count, changed: changed, dtype: originals[0].dtype.rawValue, difference: difference,
            largestLogit: largest, differenceAsWritten: written, notes: base.notes + adapter.notes)
    }

    /// A model that shares everything but the adapted weights, which `replace` makes; without adapters.
    private func replacing(_ replace: (Module) throws -> Tensor) throws -> LanguageModel {
        var changed: [String: Tensor] = [:]
        for module in tree.adaptable where !module.layers.isEmpty { changed[module.weight.name] = try replace(module) }
        return try LanguageModel(
            configuration, tensors: weights.map { changed[$0.name] ?? $0.tensor }, tokenizer: tokenizer, folder: folder,
            maxLength: maxLength, form: .asStored)
    }

    /// The original's two checks on the file as written, and one of ours: it holds what it should.
    private static func verify(_ path: String, against model: LanguageModel, _ originals: [Tensor]) throws -> Int {
        let state = try Checkpoint.stateDict(path)
        guard Set(state.names) == Set(model.weights.map(\.name)) else {
            throw OpahError(.checkpoint, "\(name: path): the merged model has other tensors than the base")
        }
        var changed = 0
        for (weight, original) in zip(model.weights, originals) {
            guard let found = state[weight.name], same(found, weight.tensor) else {
                throw OpahError(
                    .checkpoint, "\(name: path): \(weight.name) was not written as it should be", hint: "check the disk"
                )
            }
            if !same(found, original) { changed += 1 }
        }
        guard changed > 0 else {
            throw OpahError(
                .checkpoint, "the merged model is the same as the base: the adapter does nothing",
                hint: "was the adapter saved before its first training step?")
        }
        return changed
    }

    private static func same(_ a: Tensor, _ b: Tensor) -> Bool {
        guard a.shape == b.shape, a.dtype == b.dtype, let a = try? a.detach().contiguous(),
            let b = try? b.detach().contiguous()
        else { return false }
        let size = a.dtype.size
        return memcmp(a.storage.pointer + a.offset * size, b.storage.pointer + b.offset * size, a.count * size) == 0
    }
}

/// A small fixed batch that exercises every part of a model.
private struct MergeProof {
    private let batch: Batch

    init(_ model: LanguageModel) throws {
        let c = model.configuration, length = min(24, model.maxLength), rows = c.codebookCount + 1
        let random = Random(seed: 14)
        var inputs = [Int](repeating: 0, count: rows * length)
        for t in 0 ..< length {
            inputs[t] = t < length / 3 ? random.integer(below: c.vocabularySize) : model.frameIds.lowerBound
            guard model.frameIds.contains(inputs[t]) else { continue }
            for k in 1 ..< rows { inputs[k * length + t] = random.integer(below: c.codebookSize) }
        }
        batch = Batch(inputs: try Tensor(integers: inputs, [1, rows, length]))
    }

    func logits(_ model: LanguageModel) throws -> [Float] {
        try Autograd.withoutGradients {
            let result = try model.forward(batch)
            return try result.tokenLogits.floats() + result.codebookLogits.floats()
        }
    }

    func difference(_ a: [Float], _ b: [Float]) -> Double {
        // NaN must not pass for a small difference.
        zip(a, b).reduce(0.0) { largest, pair in
            let difference = Double(abs(pair.0 - pair.1))
            return difference.isNaN ? .infinity : max(largest, difference)
        }
    }

    func largest(_ a: [Float]) -> Double { a.reduce(0.0) { max($0, Double(abs($1))) } }
}

/// A folder whose files appear under their final names only when all of them are complete.
private final class StagedFolder {
    let path: String
    private let final: String
    private var isCommitted = false

    init(_ final: String) throws {
        var final = final
        while final.count > 1, final.hasSuffix("/") { final.removeLast() }
        self.final = final
        path = TemporaryName.beside(final)
        Leftovers.remove(in: PathName.folder(final), of: PathName.last(final))
        var info = stat()
        if stat(final, &info) == 0, info.st_mode & S_IFMT != S_IFDIR {
            throw OpahError.system(final, errno: ENOTDIR, doing: "write into")
        }
        try Folders.make(path)
    }

    /// Renames the whole folder; into a folder that is there already, file by file.
    func commit() throws {
        if rename(path, final) != 0 {
            guard errno == ENOTEMPTY || errno == EEXIST else {
                throw OpahError.system(final, errno: errno, doing: "rename into place")
            }
            // config.json last, so that an interruption never leaves new settings on old weights.
            for name in try Folders.names(path).sorted(by: {
                ($0 == "config.json" ? 1 : 0, $0) < ($1 == "config.json" ? 1 : 0, $1)
            }) {
                guard rename(path + "/" + name, final + "/" + name) == 0 else {
                    throw OpahError.system(final + "/" + name, errno: errno, doing: "rename into place")
                }
            }
            rmdir(path)
        }
        isCommitted = true
    }

    deinit {
        guard !isCommitted else { return }
        for name in (try? Folders.names(path)) ?? [] { unlink(path + "/" + name) }
        rmdir(path)
    }
}
