import Codec
import Configuration
import Formats
import LanguageModel
import Support
import Tensors
import Training

extension FuzzReader {
    static let models: [FuzzReader] = [
        // A whole model: archive, names and shapes of the weights against config.json.
        FuzzReader(
            "model", maxLength: 400_000,
            dictionary: [
                "layers.0.attention.wqkv.weight", "fast_layers", "model.", "state_dict", "FloatStorage",
                "BFloat16Storage"
            ],
            seeds: { try Seeds.vectors("dualar/dual_tied/model.pth", limit: 400_000) }
        ) {
            let folder = Seeds.checkout + "/Tests/Vectors/dualar/dual_tied/"
            let files = try ["config.json", "tokenizer.json", "tokenizer_config.json"].map {
                ($0, try MappedFile.contents(folder + $0))
            }
            _ = try LanguageModel.load(
                Scratch.folder("model", Dictionary(uniqueKeysWithValues: files + [("model.pth", $0)])))
        },
        FuzzReader(
            "adapter", maxLength: 160_000,
            dictionary: ["lora_A", "lora_B", "opah_lora", "rank", "alpha", "targets", "state_dict"],
            seeds: {
                try Seeds.vectors("lora/dual_fastdim_r8_alpha16", suffixes: [".ckpt"], limit: 160_000) + [
                    try adapterSeed()
                ]
            }
        ) {
            let path = Scratch.file("adapter.ckpt", $0)
            let model = try adapted.get()
            _ = try? LanguageModel.readLoRAMetadata(path)
            model.removeLoRA(try model.loadLoRA(path))
        },
        FuzzReader(
            "codec", maxLength: 450_000,
            dictionary: ["generator.", "quantizer.", "backbone.", "head.", "state_dict", "weight_g", "weight_v"],
            seeds: { try Seeds.vectors("firefly/b/model.pth", limit: 450_000) }
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

    nonisolated(unsafe) private static let adapted = Result {
        try LanguageModel.load(Seeds.checkout + "/Tests/Vectors/dualar/dual_fastdim")
    }
    private static let codecConfiguration = Result {
        try CodecConfiguration(try YAML.load(Seeds.checkout + "/Tests/Vectors/firefly/b/config.yaml"))
    }

    private static func adapterSeed() throws -> [UInt8] {
        let model = try LanguageModel.load(Seeds.checkout + "/Tests/Vectors/dualar/dual_fastdim")
        let path = Scratch.folder + "/seed.ckpt"
        let adapter = try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8))
        try model.saveLoRA(adapter, to: path)
        return try MappedFile.contents(path)
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
        return try MappedFile.contents(path)
    }
}
