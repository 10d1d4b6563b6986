import Audio
import Codec
import Configuration
import Foundation
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
                 "Codes int32 [C, T] of samples [N] at `sample_rate`, or a list of both; T = N / hop_length / 4, each division rounded down. `whole` also gives the last, partly filled frame. "
                 + "A clip is encoded alone, so a list gives what its clips give one by one; its clips share the threads.") { codec, call in
            let whole: Bool = try call.option("whole")
            func samples(_ tensor: Tensor) throws -> [Float] {
                guard tensor.rank == 1 else { throw call.error(at: 1, "samples must be [T], not \(tensor.shape)", hint: "take the mean of the channels first") }
                return try tensor.floats()
            }
            if let tensor = try call.objectIfAny(1, as: Tensor.self) { return try call.push(codec.encode(samples(tensor), whole: whole)) }
            let list: [Tensor] = try call.get(1)
            return try call.push(codec.encodeBatch(list.map(samples), whole: whole))
        }
        c.method("decode", "(codes: Tensor) -> Tensor", "Samples [N] of codes [C, T], N = T * hop_length * 4.") { codec, call in
            try call.push(codec.decodeTensor(call.object(1, as: Tensor.self)))
        }
        c.method("decode_to", "(path: string, codes: Tensor, opts?: {subtype?: string}) -> integer, string[]",
                 "Decodes codes [C, T] straight into a sound file (as `audio.save` writes it), a stretch at a time, so that memory does not grow with T. Gives the number of samples, and notes. The file appears when it is complete.") { codec, call in
            let codes = try call.object(2, as: Tensor.self), name: String? = try call.option("subtype")
            let subtype = try name.flatMap { try AudioSubtype(name: $0, call) }
            let writer = try AudioWriter(call.string(1), sampleRate: codec.sampleRate, channels: 1,
                                         frames: codes.rank == 2 ? codes.shape[1] * codec.samplesPerToken : 0, subtype: subtype)
            var count = 0
            try codec.decode(codes) { samples in
                try writer.append(AudioBuffer(mono: samples, sampleRate: codec.sampleRate))
                count += samples.count
            }
            return try call.push(count, writer.finish())
        }
        c.method("cost", "(opts?: {seconds?: number = 1, frames?: integer}) -> table",
                 "What `seconds` of sound, or `frames` of codes, cost: `{encode_operations, decode_operations, encode_bytes, decode_bytes}`. Operations are those of the layers written out directly, a multiply-add counting as two; "
                 + "divided by the rate of matrix products they give the least time. Bytes are memory beyond the codec itself, per clip in work.",
                 example: "local vq = require \"opah.vq\"  -- vq.load{...}:cost{seconds=10}.encode_operations is 3.7e10") { codec, call in
            let seconds: Double = try call.option("seconds"), frames: Int? = try call.option("frames")
            guard seconds >= 0, seconds < 1e9, (0..<1 << 40).contains(frames ?? 0) else { throw call.error("seconds and frames must be 0 or more") }
            let samples = frames.map { $0 * codec.samplesPerToken } ?? Int(seconds * Double(codec.sampleRate))
            let tokens = frames ?? codec.tokenCount(samples: samples), cost = codec.cost
            return try call.push(fields: [
                "encode_operations": cost.encodeOperations(samples: samples), "decode_operations": cost.decodeOperations(tokens: tokens),
                "encode_bytes": cost.encodeBytes(samples: samples), "decode_bytes": cost.decodeBytes(tokens: tokens),
            ])
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
                   `{extracted, present, audio_seconds, skipped={{path, reason, remedy}}, notes={{path, text}}}` in the order of the clips; one bad clip never stops the rest. \
                   Every thread takes whole clips, one at a time, through decoding, encoding and writing. `batch_size` is how many clips may be in memory at a time (more than threads never are); \
                   `num_workers` is accepted as the original's: `tensor.set_threads` says how many threads there are. The codes depend on neither.
                   """) { call in
            let input: String? = try call.option("input"), filelist: String? = try call.option("filelist")
            let clips: Clips
            switch (input, filelist) {
            case (let folder?, nil): clips = try Clips(folder: folder)
            case (nil, let list?): clips = try Clips(filelist: list)
            default: throw call.error("give either input or filelist")
            }
            // Another codec's codes between ours would be noticed by nobody. A folder that cannot be written to has its codes already.
            let lock = try input.flatMap { access($0, W_OK) == 0 ? try FolderLock($0, for: "extracting codes", name: ".extract-vq.lock") : nil }
            defer { lock?.release() }
            let callback: LuaFunction? = try call.option("on_progress")
            let size: Int = try call.option("batch_size")
            guard size > 0 else { throw call.error("batch_size must be above 0") }
            let extraction = Extraction(codec: try call.option("codec"), overwrite: try call.option("overwrite"), batchSize: size)
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
