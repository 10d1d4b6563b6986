import Audio
import Formats
import Support
import Tensors

/// A firefly GAN-VQ codec: speech samples to codes and back.
///
/// A codec never changes after loading; any number of clips may go through it at once. Loading checks every
/// weight's name and shape; the encoder's and the decoder's tables are made when each is first used, so that
/// extraction never pays for the vocoder.
public final class Codec: Sendable {
    public let configuration: CodecConfiguration
    let logMel: LogMel
    let quantization: ScalarQuantization
    let encoding: Lazily<(encoder: Encoder, down: Downsampling)>
    let decoding: Lazily<(up: Upsampling, vocoder: Vocoder)>
    /// What loading noticed, for people.
    public let notes: [String]
    private let weights: CodecWeights

    init(_ configuration: CodecConfiguration, _ weights: CodecWeights, notes: [String] = []) throws {
        self.notes = notes
        self.configuration = configuration
        self.weights = weights
        let s = configuration.spectrogram
        logMel = try LogMel(
            sampleRate: s.sampleRate, nFFT: s.fftSize, hopLength: s.hopLength, winLength: s.windowLength,
            nMels: s.melCount)
        let quantization = try ScalarQuantization(weights, configuration.quantizer)
        self.quantization = quantization
        encoding = Lazily { (try Encoder(weights, configuration), try Downsampling(weights, configuration.quantizer)) }
        decoding = Lazily {
            (try Upsampling(weights, configuration.quantizer, quantization), try Vocoder(weights, configuration))
        }
    }

    /// Loads a checkpoint: `.pth`, `.ckpt` or safetensors, of the whole codec.
    /// - Throws: `config` for impossible sizes, `file` and `format` for unreadable files, `checkpoint` when
    ///   the weights are not those of such a codec.
    public static func load(
        configuration: CodecConfiguration = CodecConfiguration(), checkpoint path: String
    ) throws -> Codec {
        try configuration.validate()
        // A codec is read whole at its first use: its checksums cost little more.
        let file = try Checkpoint.stateDict(path, verify: true), names = CodecWeights.names(configuration)
        do {
            let state = try file.fitted(to: names.contains)
            let table = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) })
            return try Codec(configuration, CodecWeights(table, configuration), notes: state.notes)
        } catch let error as OpahError { throw error.at(path) }
    }

    /// An untrained codec, the same for the same seed.
    public static func random(
        _ configuration: CodecConfiguration = CodecConfiguration(), seed: UInt64 = 0
    ) throws -> Codec {
        try configuration.validate()
        return try Codec(configuration, CodecWeights.random(configuration, seed: seed))
    }

    /// Writes the weights under the reference's names; the reference loads the file as it is.
    public func save(_ path: String) throws { try Checkpoint.save(.tensors(weights.tensors), to: path) }

    /// Identifies weights and configuration: 32 hexadecimal digits. Codecs with the same digest give the same codes and
    /// the same sound.
    public func digest() throws -> String { try digest(of: weights.tensors) }

    /// Identifies what codes are made by and stand for: the digest of everything but what makes sound of them, whatever
    /// precision the file has it in. A codec whose vocoder has learned on has the one that it had, and goes with the same
    /// codes, packs and models.
    public func codesDigest() throws -> String {
        try digest(
            of: weights.tensors.filter { name, _ in !Self.soundParts.contains { name.hasPrefix($0) } }
                .map { ($0, try $1.to(.float32)) })
    }

    /// What the names of tensors begin with that codes do not depend on.
    private static let soundParts = ["head.", "quantizer.upsample."]

    private func digest(of tensors: [(name: String, tensor: Tensor)]) throws -> String {
        let digest = Digest()
        digest.update(JSON.encode(configuration.tree))
        for (name, tensor) in tensors {
            let values = try tensor.contiguous()
            digest.update("\0\(name)\0\(values.dtype.rawValue)\0")
            withExtendedLifetime(values) {
                digest.update(
                    UnsafeRawBufferPointer(start: values.pointer(UInt8.self), count: values.count * values.dtype.size))
            }
        }
        return digest.finish()
    }

    /// Samples per second that the codec works with.
    public var sampleRate: Int { configuration.spectrogram.sampleRate }
    /// Samples per mel frame.
    public var hopLength: Int { configuration.spectrogram.hopLength }
    /// Tokens per second.
    public var frameRate: Double { configuration.frameRate }
    /// Rows of the codes.
    public var codebookCount: Int { configuration.codebookCount }
    /// Codes run from 0 to one less than this.
    public var codebookSize: Int { configuration.quantizer.codebookSize }
    /// Samples per token.
    public var samplesPerToken: Int { configuration.samplesPerToken }

    /// Tokens of a clip: only whole ones count, unless `whole` asks for the last, partly filled one too.
    public func tokenCount(samples: Int, whole: Bool = false) -> Int {
        guard whole else { return samples / hopLength / configuration.downsampleFactor }
        return configuration.quantizer.downsampleFactors.reduce(logMel.frames(samples: samples)) { ($0 + $1 - 1) / $1 }
    }
}
