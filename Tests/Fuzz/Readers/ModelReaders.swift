import Codec
import Configuration
import Formats
import LanguageModel
import Support
import Tensors
import Training

extension FuzzReader {
    static let models: [FuzzReader] = [
        // A whole model: archive, names and shapes of the weights against config.json. Models, adapters and codecs are
        // the smallest of their kind, since each execution writes and reads all of one.
        FuzzReader(
            "model", maxLength: 30_000,
            dictionary: [
                "layers.0.attention.wqkv.weight", "fast_layers", "model.", "state_dict", "FloatStorage",
                "BFloat16Storage"
            ],
            seeds: { [try modelSeed()] }
        ) {
            _ = try LanguageModel.load(Scratch.folder("model", ["config.json": modelSettings, "model.pth": $0]))
        },
        FuzzReader(
            "adapter", maxLength: 20_000,
            dictionary: ["lora_A", "lora_B", "opah_lora", "rank", "alpha", "targets", "state_dict"],
            seeds: adapterSeeds
        ) {
            let path = Scratch.file("adapter.ckpt", $0)
            let model = try adapted.get()
            _ = try? LanguageModel.readLoRAMetadata(path)
            model.removeLoRA(try model.loadLoRA(path))
        },
        FuzzReader(
            "codec", maxLength: 80_000,
            dictionary: ["generator.", "quantizer.", "backbone.", "head.", "state_dict", "weight_g", "weight_v"],
            seeds: { [try codecSeed()] }
        ) {
            _ = try Codec.load(configuration: try codecConfiguration.get(), checkpoint: Scratch.file("codec.pth", $0))
        },
        // What training resumes from: a checkpoint with the optimizer's and the sampler's state.
        FuzzReader(
            "training-checkpoint", maxLength: 8000,
            dictionary: [
                "opah", "format", "sampler", "kind", "coverage", "reference", "global_step", "optimizer", "exp_avg"
            ],
            seeds: { [try trainingSeed()] }
        ) {
            _ = try TrainingCheckpoint.load(Scratch.file("step.ckpt", $0))
        }
    ]

    private static let modelSettings = Array(
        #"""
        {"model_type": "dual_ar", "vocab_size": 24, "n_layer": 1, "n_head": 2, "dim": 8, "intermediate_size": 16,
         "codebook_size": 8, "num_codebooks": 2, "n_fast_layer": 1, "max_seq_len": 16}
        """#.utf8)
    private static let codecSettings = """
        spec_transform: {sample_rate: 8000, n_mels: 8, n_fft: 64, hop_length: 16, win_length: 64}
        backbone: {input_channels: 8, depths: [1, 1, 1, 1], dims: [4, 4, 4, 8], kernel_size: 3}
        head:
          hop_length: 16
          upsample_rates: [4, 4]
          upsample_kernel_sizes: [8, 8]
          resblock_kernel_sizes: [3]
          resblock_dilation_sizes: [[1, 1, 1]]
          num_mels: 8
          upsample_initial_channel: 8
          pre_conv_kernel_size: 3
          post_conv_kernel_size: 3
        quantizer: {input_dim: 8, n_groups: 2, n_codebooks: 1, levels: [8, 5, 5, 5], downsample_factor: [2]}
        """

    nonisolated(unsafe) private static let adapted = Result { try smallModel() }
    private static let codecConfiguration = Result { try CodecConfiguration(try YAML.parse(codecSettings)) }

    private static func smallModel() throws -> LanguageModel {
        let settings = try modelSettings.withUnsafeBytes { try JSON.decode($0) }
        return try LanguageModel.random(ModelConfiguration(settings), seed: 1)
    }

    private static func modelSeed() throws -> [UInt8] {
        let folder = Scratch.folder("model-seed", [:])
        try smallModel().save(folder)
        return try RegularFile.contents(folder + "/model.pth")
    }

    /// As this program writes one, and as others do: its weights alone.
    private static let adapterSeeds: @Sendable () throws -> [[UInt8]] = {
        let model = try smallModel(), path = Scratch.folder + "/seed.ckpt"
        let adapter = try model.applyLoRA(LoRAConfiguration(rank: 2, alpha: 4))
        try model.saveLoRA(adapter, to: path)
        let own = try RegularFile.contents(path)
        try Checkpoint.save(["state_dict": adapter.stateDict()], to: path)
        return [own, try RegularFile.contents(path)]
    }

    private static func codecSeed() throws -> [UInt8] {
        let path = Scratch.folder + "/seed-codec.pth"
        try Codec.random(codecConfiguration.get(), seed: 1).save(path)
        return try RegularFile.contents(path)
    }

    private static func trainingSeed() throws -> [UInt8] {
        let path = Scratch.folder + "/seed.ckpt", moment = try Tensor([1, 2, 3, 4] as [Float], [2, 2])
        try Checkpoint.save(
            [
                "global_step": 3, "state_dict": ["model.a": .tensor(moment)],
                "optimizer": ["a": ["step": 3, "exp_avg": .tensor(moment), "exp_avg_sq": .tensor(moment)]],
                "opah": [
                    "format": 1, "sampler": ["kind": "coverage", "pass": 0, "position": 2], "run": ["seed": "1"]
                ]
            ], to: path)
        return try RegularFile.contents(path)
    }
}
