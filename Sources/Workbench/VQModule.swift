import Codec
import Configuration
import LuaHost
import Support
import Tensors
import Training

extension Codec: LuaObject {
    public static let luaClass = LuaClass("Codec", of: Codec.self, "A firefly GAN-VQ codec: sound to codes and back. Codes are int32 [C, T], values from 0.") { c in
        c.property("sample_rate", "integer", "Hz that samples must have.") { codec, call in try call.push(codec.sampleRate) }
        c.property("hop_length", "integer", "Samples per mel frame.") { codec, call in try call.push(codec.hopLength) }
        c.property("frame_rate", "number", "Frames of codes per second.") { codec, call in try call.push(codec.frameRate) }
        c.property("num_codebooks", "integer", "Codes per frame.") { codec, call in try call.push(codec.codebookCount) }
        c.property("codebook_size", "integer", "Codes are below this.") { codec, call in try call.push(codec.codebookSize) }
        c.method("encode", "(samples: Tensor|Tensor[], opts?: {whole?: boolean = false}) -> Tensor|Tensor[]",
                 "Codes int32 [C, T] of samples [N] at `sample_rate`, or a list of both; T = N / hop_length / 4, each division rounded down. `whole` also gives the last, partly filled frame.") { codec, call in
            let whole: Bool = try call.option("whole")
            func encode(_ samples: Tensor) throws -> Tensor {
                guard samples.rank == 1 else { throw call.error(at: 1, "samples must be [T], not \(samples.shape)", hint: "take the mean of the channels first") }
                return try whole ? codec.features(samples.floats()).indices : codec.encode(samples.floats())
            }
            if let samples = try call.objectIfAny(1, as: Tensor.self) { return try call.push(encode(samples)) }
            let list: [Tensor] = try call.get(1)
            return try call.push(whole ? list.map(encode) : codec.encodeBatch(list.map { try $0.floats() }))
        }
        c.method("decode", "(codes: Tensor) -> Tensor", "Samples [N] of codes [C, T], N = T * hop_length * 4.") { codec, call in
            let samples = try codec.decode(call.object(1, as: Tensor.self))
            return try call.push(Tensor(samples, [samples.count]))
        }
        c.method("features", "(samples: Tensor) -> table", "`{mel [n_mels, F], backbone [D, F], latents, codes}` of samples [N]: what the encoder computes on its way. Latents are the bounded values just before they are rounded.") { codec, call in
            let features = try codec.features(call.object(1, as: Tensor.self).floats())
            return try call.push(["mel": features.mel, "backbone": features.backbone, "latents": features.latents, "codes": features.indices] as Fields)
        }
        c.method("save", "(path: string)", "Writes the weights under the original's names.") { codec, call in
            try codec.save(call.string(1))
            return .none
        }
    }
}

extension LuaModule {
    /// `opah.vq`
    public static let vq = LuaModule("opah.vq", "The codec that turns sound into codes and back.") { m in
        m.type(Codec.luaClass)
        m.function("load", "(opts: {config?: string|table = \"firefly_gan_vq\", checkpoint: string}) -> Codec",
                   "A codec with the weights of a checkpoint (with or without `generator.` prefix and weight norm). `config` is firefly_gan_vq, a Lua or YAML file, or a table.") { call in
            try call.push(Codec.load(configuration: codecConfiguration(call), checkpoint: call.option("checkpoint")))
        }
        m.function("new", "(opts?: {config?: string|table = \"firefly_gan_vq\", seed?: integer = 0}) -> Codec", "A codec with random weights: for tests and measurements.") { call in
            try call.push(Codec.random(codecConfiguration(call), seed: UInt64(bitPattern: Int64(try call.option("seed", as: Int.self)))))
        }
        m.function("extract", """
                   (opts: {input?: string, filelist?: string, codec: Codec, batch_size?: integer = 16, num_workers?: integer = 1, overwrite?: boolean = false, \
                   on_progress?: function}) -> table
                   """,
                   """
                   Writes the codes of every clip below `input` (or in a filelist) beside it as .npy. `on_progress(done, total, seconds)`. Returns \
                   `{extracted, present, audio_seconds, skipped={{path, reason, remedy}}, notes={{path, text}}}`; one bad clip never stops the rest.
                   """) { call in
            let input: String? = try call.option("input"), filelist: String? = try call.option("filelist")
            let clips: Clips
            switch (input, filelist) {
            case (let folder?, nil): clips = try Clips(folder: folder)
            case (nil, let list?): clips = try Clips(filelist: list)
            default: throw call.error("give either input or filelist")
            }
            let callback: LuaFunction? = try call.option("on_progress")
            let size: Int = try call.option("batch_size")
            guard size > 0 else { throw call.error("batch_size must be above 0") }
            // More than this at a time gains nothing and takes memory.
            let extraction = Extraction(codec: try call.option("codec"), overwrite: try call.option("overwrite"), batchSize: min(size, 32))
            let report = try extraction.run(clips) { done, total, seconds in try callback?(done, total, seconds) }
            return try call.push([
                "extracted": report.extracted, "present": report.present, "audio_seconds": report.audioSeconds,
                "skipped": List(report.skipped.map(\.fields)), "notes": List(report.notes.map { ["path": $0.path, "text": $0.note] as Fields }),
            ] as Fields)
        }
    }
}

extension SkippedInput {
    var fields: Fields { ["path": path, "reason": reason, "remedy": remedy] }
}

/// The `config` option: a stock name, a file, or a table.
private func codecConfiguration(_ call: Call) throws -> CodecConfiguration {
    switch try call.option("config", as: LuaValue.self) {
    case .null: return CodecConfiguration()
    case .table(let table): return try CodecConfiguration(ConfigValue(lua: .table(table)))
    case .string("firefly_gan_vq"): return CodecConfiguration()
    case .string(let name) where name.hasSuffix(".yaml") || name.hasSuffix(".yml"): return try CodecConfiguration(YAML.load(name).resolved())
    case .string(let name): return try CodecConfiguration(SettingsFile.load(name, overrides: [], interpreter: call.interpreter).value)
    default: throw call.error("config must be a name, a file or a table")
    }
}
