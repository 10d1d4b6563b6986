import Configuration
import Console
import Installation
import LanguageModel
import LuaHost
import Pictures
import Recipes
import Support
import Tensors

/// An adapter's settings, as Lua holds them.
public final class LoRASettings: LuaObject, @unchecked Sendable {
    let configuration: LoRAConfiguration
    init(_ configuration: LoRAConfiguration) { self.configuration = configuration }

    public static let luaClass = LuaClass(
        "LoRAConfig", of: LoRASettings.self, "Rank, strength, dropout and targets of an adapter."
    ) { c in
        c.property(
            "kind", "string", "lora, rslora (strength lora_alpha / sqrt(r)) or dora (weight-decomposed).",
            example: #"lora.config("r_8_alpha_16_dora").kind  --> "dora""#
        ) { s, call in try call.push(s.configuration.kind.rawValue) }
        c.property(
            "r", "integer", "The rank.",
            example: #"lora.config("r_8_alpha_16").r  --> 8"#
        ) { s, call in try call.push(s.configuration.rank) }
        c.property(
            "lora_alpha", "number", "The strength is lora_alpha / r; lora_alpha / sqrt(r) of the kind rslora.",
            example: """
                config = lora.config("r_8_alpha_16")
                config.lora_alpha / config.r  --> 2.0
                """
        ) { s, call in try call.push(s.configuration.alpha) }
        c.property(
            "lora_dropout", "number", "Share of an adapter's inputs that training drops.",
            example: #"lora.config("r_8_alpha_16").lora_dropout  --> 0.01"#
        ) { s, call in try call.push(s.configuration.dropout) }
        c.property(
            "targets", "string[]",
            "Which layers have it: names, patterns, or presets such as all, slow, fast and attention.",
            example: #"lora.config("r_8_alpha_16_fast").targets  --> {"fast"}"#
        ) { s, call in try call.push(s.configuration.targets) }
        c.metamethod(
            "__tostring", "(config: LoRAConfig) -> string", "What it is, in a line.",
            example:
                #"tostring(lora.config("r_8_alpha_16"))  --> "LoRAConfig (r 8, lora_alpha 16, lora_dropout 0.01, targets all)""#
        ) { call in
            let s = try call.object(1, as: LoRASettings.self).configuration
            return try call.push(
                "LoRAConfig (\(s.kind == .lora ? "" : s.kind.rawValue + ", ")r \(s.rank), lora_alpha \(Plot.number(s.alpha)), lora_dropout \(Plot.number(s.dropout)), targets \(s.targets.joined(separator: ", ")))"
            )
        }
    }

    /// A stock name, the path of a file, a table of settings, or a settings object.
    static func read(_ value: LuaValue, _ call: Call) throws -> LoRAConfiguration {
        switch value {
        case .object(let settings as LoRASettings): return settings.configuration
        case .string(let name):
            let stock = try Home.required() + "/stdlib-lua/opah/configs/lora/"
            if !name.contains("/"), FileKind.isFile(stock + name + ".lua") {
                return try AdapterSettings.file(stock + name + ".lua")
            }
            guard AdapterSettings.isPath(name) else { return try LoRAConfiguration.named(name) }
            return try AdapterSettings.file(name)
        case .table(let table): return try AdapterSettings.read(ConfigValue(lua: .table(table)))
        default:
            throw OpahError(
                .argument,
                "an adapter's settings are a stock name such as r_8_alpha_16, the path of a YAML or Lua file, "
                    + "or a table \(AdapterSettings.form)")
        }
    }
}

extension LuaModule {
    /// `opah.lora`
    public static let lora = LuaModule(
        "opah.lora", "Low-rank adapters: small trained tensors beside a model's frozen weights."
    ) { m in
        m.type(LoRASettings.luaClass)
        m.function(
            "config", "(settings: string|table) -> LoRAConfig",
            """
            Settings of an adapter: a stock name, the path of a YAML or Lua file, or `{kind="lora", r=8, lora_alpha=16, lora_dropout=0, targets="all"}`. \
            A stock name is `r_8_alpha_16`, then perhaps a preset of targets (`_fast`), then perhaps a kind (`_rslora`, `_dora`). Targets are names \
            (`layers.0.attention.wqkv`), patterns (`layers.*.attention.wqkv`) or the presets all, slow, fast, attention, mlp, all_embeddings, outputs; \
            one or a list. fish-speech's `target_modules` is taken in their place.
            """,
            example: """
                config = lora.config { kind = "dora", r = 4, lora_alpha = 8, targets = "attention" }
                config.kind, config.r, config.lora_alpha, config.targets  --> "dora", 4, 8.0, {"attention"}
                """
        ) { call in
            try call.push(LoRASettings(LoRASettings.read(call.value(1), call)))
        }
        m.function(
            "apply", "(model: LanguageModel, config: LoRAConfig|string|table, opts?: {seed?: integer = 0})",
            "Puts a fresh adapter on the model, for `model:parameters()` to give and training to fill. The model's output is unchanged at first: one factor is zero. Targets that the model does not have are an error.",
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, { r = 4, lora_alpha = 8, targets = "fast" }, { seed = 1 })
                #model:parameters(), model:parameters()[1]:shape()  --> 14, {4, 1024}
                """
        ) { call in
            let seed: Int = try call.option("seed")
            _ = try call.object(1, as: LanguageModel.self).applyLoRA(
                LoRASettings.read(call.value(2), call), generator: Random(seed: UInt64(bitPattern: Int64(seed))))
            return .none
        }
        m.function(
            "save", "(model: LanguageModel, path: string)",
            "Writes the model's newest adapter as a .ckpt that also records kind, rank, alpha, targets and the base's digest.",
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                lora.save(model, "voice.ckpt")
                checkpoint.load("voice.ckpt").opah_lora.rank  --> 4
                """
        ) { call in
            let model = try call.object(1, as: LanguageModel.self)
            guard let adapter = model.adapters.last else {
                throw call.error("the model has no adapter", hint: "lora.apply puts one on it")
            }
            try model.saveLoRA(adapter, to: call.string(2))
            return .none
        }
        m.function(
            "load",
            "(model: LanguageModel, path: string, opts?: {scale?: number = 1, trainable?: boolean = false, config?: string|table})",
            "Puts a saved adapter on the model, live and not merged; several add up, each times its `scale`. `config` for files that do not record their strength.",
            example: """
                model, other = lm.load(opah.embedded.model), lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                lora.save(model, "adapter.ckpt")
                lora.load(other, "adapter.ckpt", { scale = 0.5 })
                other:named_parameters()["output.lora_A"]:shape()  --> {4, 32}
                """
        ) { call in
            let wanted: LuaValue = try call.option("config"), scale: Double = try call.option("scale")
            let adapter = try call.object(1, as: LanguageModel.self).loadLoRA(
                call.string(2), configuration: wanted.isNil ? nil : LoRASettings.read(wanted, call),
                scale: Float(scale), trainable: call.option("trainable"))
            for note in adapter.notes { Terminal.log("note: " + note) }
            return .none
        }
        m.function(
            "remove", "(model: LanguageModel)",
            "Takes every adapter off the model, whose weights are what they were. A session (`model:session`) keeps those that were on it when it was made.",
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_8_alpha_16")
                lora.remove(model)
                #model:parameters()  --> 0
                """
        ) { call in
            let model = try call.object(1, as: LanguageModel.self)
            for adapter in model.adapters { model.removeLoRA(adapter) }
            return .none
        }
        m.function(
            "merge", "(model: LanguageModel)",
            "Adds every adapter into the weights, in float32 with one rounding, and drops it. `model:save` then writes a model that needs no adapter.",
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                lora.merge(model)
                #model:parameters(), model:named_parameters()["output.lora_A"]  --> 0, nil
                """
        ) { call in
            try call.object(1, as: LanguageModel.self).mergeLoRA()
            return .none
        }
        m.function(
            "merge_files",
            "(opts: {lora_config?: string|table, base_weight: string, lora_weight: string, output: string, overwrite?: boolean = false}) -> \(Record.merged)",
            """
            Merges an adapter file into a model folder and writes a new folder, after proving that merged and base+adapter logits agree. `output` is new, \
            empty, or the result of an earlier merge (it holds merge.json), unless `overwrite` is true. Returns \
            `{output, rank, lora_alpha, tensors, changed, max_logit_difference, max_logit_difference_as_written, notes}`.
            """,
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                tensor.no_grad(function() model:named_parameters()["output.lora_B"]:fill_(0.1) end)  -- in place of training
                lora.save(model, "trained.ckpt")
                report = lora.merge_files { base_weight = opah.embedded.model, lora_weight = "trained.ckpt", output = "merged" }
                report.rank, report.changed, fs.exists("merged/model.pth")  --> 4, 1, true
                """
        ) { call in
            let wanted: LuaValue = try call.option("lora_config")
            let report = try LanguageModel.mergeFiles(
                configuration: wanted.isNil ? nil : LoRASettings.read(wanted, call),
                baseWeight: call.option("base_weight"),
                loraWeight: call.option("lora_weight"), output: call.option("output"),
                overwrite: call.option("overwrite"))
            return try call.push(
                [
                    "output": report.output, "rank": report.rank, "lora_alpha": report.alpha, "tensors": report.tensors,
                    "changed": report.changed,
                    "max_logit_difference": report.difference,
                    "max_logit_difference_as_written": report.differenceAsWritten, "notes": report.notes
                ] as Fields)
        }
    }
}
