import Support
import Tensors
import Text

/// A fish-speech text-to-semantic model: text tokens and codec tokens in, the next of both out.
///
/// In Swift everything counts from 0. Shapes: B batch, T tokens, C codebooks, D width, V vocabulary, K codebook size.
/// Not for use from several threads at once; its kernels use all threads by themselves.
public final class LanguageModel {
    /// In which form weights are kept.
    public enum WeightForm: String, CaseIterable, Sendable {
        /// As the checkpoint has them; nothing is copied.
        case asStored = "stored"
        case float32, bfloat16
        /// One byte per weight, with a scale per row, for generation only. The stored weights stay at hand
        /// for everything else.
        case int8
        /// Four bits per weight of the feed-forward layers, with a scale for each 32; the rest as `int8`, for generation
        /// only.
        case int4
    }

    public let configuration: ModelConfiguration
    /// The tokenizer beside the weights; nil when the folder had none or the model is random.
    public let tokenizer: Tokenizer?
    /// What the model computes otherwise than those of other releases.
    public let release: ModelRelease
    /// Writes text and frames as tokens; nil without a tokenizer that can.
    public let writer: TurnWriter?
    /// Ids of frames: columns with codes.
    public let frameIds: Range<Int>
    /// Id of a frame; in 1.4 the only one, `<|semantic|>`.
    public var semanticId: Int { frameIds.lowerBound }
    /// Id of `<|im_end|>`.
    public let endId: Int
    /// The folder that the model came from, if any.
    public let folder: String?
    /// The longest sequence this model takes, prompt and result together.
    public let maxLength: Int
    public let weightForm: WeightForm
    /// What loading noticed and a person may want to know: unknown config keys, merged projections.
    public internal(set) var notes: [String] = []
    /// How a training step stays within memory.
    public var planner = StepPlanner()
    /// In which numbers training and scoring multiply with the weights.
    public var precision = Precision.single
    /// What `precision` auto comes to, where a training has settled it.
    public var settled: SettledProducts?
    /// The adapters applied, oldest first. Their effects add up.
    public internal(set) var adapters: [LoRAAdapter] = []

    let weights: [Weight]
    let tree: ModuleTree
    let rotary = (slow: Lazy<Tensor>(), fast: Lazy<Tensor>())
    private var digest: String?
    /// The weights as they were read, when they have been converted since: what the digest is of.
    private var stored: [Tensor]?

    init(
        _ configuration: ModelConfiguration, tensors: [Tensor], stored: [Tensor]? = nil, tokenizer: Tokenizer?,
        folder: String?,
        maxLength: Int?, form: WeightForm
    ) throws {
        let maxLength = maxLength ?? configuration.maxSequenceLength
        guard maxLength >= 1, maxLength <= 1 << 20 else {
            throw OpahError(.argument, "max_length must be from 1 to \(1 << 20), not \(maxLength)")
        }
        self.configuration = configuration
        self.tokenizer = tokenizer
        release = .of(configuration, tokenizer)
        writer = tokenizer.flatMap { try? TurnWriter($0) }
        let usual = release.usualIds(configuration)
        (frameIds, endId) = (
            writer?.frames ?? usual.frames, writer?.end ?? tokenizer?.id(of: "<|im_end|>") ?? usual.end
        )
        self.folder = folder
        self.maxLength = maxLength
        weightForm = form
        self.stored = stored
        weights = zip(ParameterLayout(configuration).entries, tensors).map { Weight($0.name, $1) }
        tree = ModuleTree(configuration, weights)
    }

    /// Every weight, named and ordered as in the checkpoint.
    public var namedWeights: [(name: String, tensor: Tensor)] { weights.map { ($0.name, $0.tensor) } }

    /// Every weight, then every adapter's tensors as `<name>.lora_A` and `<name>.lora_B`.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        namedWeights + adapters.flatMap(\.namedParameters)
    }

    /// What an optimizer updates: the parameters that want a gradient, in order.
    public var trainableParameters: [(name: String, tensor: Tensor)] {
        namedParameters.filter { $0.tensor.requiresGrad }
    }

    /// The number of numbers in the weights, adapters not counted.
    public var parameterCount: Int { weights.reduce(0) { $0 + $1.tensor.count } }

    /// Identifies the weights: the digest of every name, dtype, shape and byte. Reads them all the first time.
    public func baseDigest() throws -> String {
        if let digest { return digest }
        let result = Digest()
        for (name, tensor) in zip(weights.map(\.name), stored ?? weights.map(\.tensor)) {
            try Interrupt.check()
            let plain = try tensor.detach().contiguous()
            result.update("\(name) \(plain.dtype.rawValue) \(plain.shape)\n")
            result.update(
                UnsafeRawBufferPointer(
                    start: plain.storage.pointer + plain.offset * plain.dtype.size,
                    count: plain.count * plain.dtype.size))
            if stored != nil { tensor.storage.releasePages() }
        }
        let text = result.finish()
        digest = text
        return text
    }

    /// Replaces weights whose name matches one of `patterns` (`*` matches anything) by float32 copies that an
    /// optimizer can update. Without patterns, all: full fine-tuning.
    public func unfreeze(_ patterns: [String] = ["*"]) throws {
        var found = false
        for weight in weights where patterns.contains(where: { Glob.matches($0, weight.name) }) {
            found = true
            let previous = weight.tensor, master = try previous.detach().to(.float32)
            defer { previous.storage.releasePages() }
            weight.tensor = try (master.storage === previous.storage ? master.clone() : master).setRequiresGrad()
        }
        guard found else {
            throw OpahError(
                .argument, "unfreeze: no weight is called \(patterns.joined(separator: ", "))",
                hint: patterns.first.flatMap { suggestion(for: $0, in: weights.map(\.name)) })
        }
        weightsChanged()
    }

    /// Forgets what the weights were; called when they have been replaced.
    func weightsChanged() {
        digest = nil
        stored = nil
    }
}
