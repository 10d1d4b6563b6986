import Configuration
import Support

/// A configuration with the keys that the reference overrides speak of, and the group that they lay over it.
enum Fixture {
    static let yaml = """
        project: finetune
        max_length: 4096
        pretrained_ckpt_path: checkpoints/fish-speech-1.4
        trainer:
          accelerator: gpu
          strategy: {find_unused_parameters: true, process_group_backend: nccl}
          precision: bf16-true
          max_steps: 1000
          devices: auto
          limit_val_batches: 10
          val_check_interval: 100
        tokenizer: {pretrained_model_name_or_path: "${pretrained_ckpt_path}"}
        train_dataset:
          _target_: fish_speech.datasets.semantic.AutoTextSemanticInstructionDataset
          proto_files: [data/protos]
          tokenizer: ${tokenizer}
          causal: true
          max_length: ${max_length}
          use_speaker: false
          interactive_prob: 0.7
        data: {batch_size: 8, num_workers: 4}
        model:
          model: {lora_config: null}
          optimizer: {_target_: torch.optim.AdamW, _partial_: true, lr: 1e-4, weight_decay: 0, betas: [0.9, 0.95], eps: 1e-5}
        callbacks:
          model_checkpoint: {filename: "step_{step:09d}", save_top_k: 5}
          grad_norm_monitor: {norm_type: 2}
        logger: {tensorboard: {log_graph: false}}
        """

    static func config() throws -> ConfigValue { try YAML.parse(yaml) }

    static let groups: ConfigGroups = [
        "lora": [
            "r_8_alpha_16": [
                "_target_": "fish_speech.models.text2semantic.lora.LoraConfig", "r": 8, "lora_alpha": 16,
                "lora_dropout": 0.01
            ]
        ]
    ]
}
