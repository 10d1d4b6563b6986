import Audio
import Codec
import Configuration
import Console
import Dataset
import Distributed
import Foundation
import LuaHost
import Recipes
import Support
import Tensors

extension Codec: LuaObject {
    public static let luaClass = LuaClass(
        "Codec", of: Codec.self,
        "A firefly GAN-VQ codec: sound to codes and back. Codes are int32 [C, T], values from 0."
    ) { c in
        c.property(
            "sample_rate", "integer", "Hz that samples must have.",
            example: """
                codec = opah.embedded.codec()
                codec.sample_rate  --> 44100
                """
        ) { codec, call in try call.push(codec.sampleRate) }
        c.property(
            "hop_length", "integer", "Samples per mel frame.",
            example: """
                codec = opah.embedded.codec()
                codec.hop_length  --> 512
                """
        ) { codec, call in try call.push(codec.hopLength) }
        c.property(
            "frame_rate", "number", "Frames of codes per second.",
            example: """
                codec = opah.embedded.codec()
                codec.frame_rate  --> 21.53...
                """
        ) { codec, call in try call.push(codec.frameRate) }
        c.property(
            "num_codebooks", "integer", "Codes per frame.",
            example: """
                codec = opah.embedded.codec()
                codec.num_codebooks  --> 8
                """
        ) { codec, call in try call.push(codec.codebookCount) }
        c.property(
            "codebook_size", "integer", "Codes are below this.",
            example: """
                codec = opah.embedded.codec()
                codec.codebook_size  --> 1000
                """
        ) { codec, call in try call.push(codec.codebookSize) }
        c.property(
            "config", "table",
            "A copy of its settings: spec_transform, backbone, head, quantizer, as `vq.load` takes them.",
            example: """
                codec = opah.embedded.codec()
                codec.config.quantizer.levels  --> {8, 5, 5, 5}
                """
        ) { codec, call in try call.push(LuaTree(value: codec.configuration.tree)) }
        let encoding = "opts?: integer|{sample_rate?: integer, whole?: boolean = false, [string]: any}"
        c.method(
            "encode", "(samples: Tensor|Tensor[], \(encoding)) -> Tensor|Tensor[]",
            "Codes int32 [C, T] (values from 0) of samples [N], or a list of both; T = N / hop_length / 4, each division rounded down. Samples are at the codec's rate unless `sample_rate` (Hz) says otherwise: then they are "
                + "resampled. `opts` may be that rate alone, or the info table of audio.load. `whole` also gives the last, partly filled frame. "
                + "A clip is encoded alone, so a list gives what its clips give one by one; its clips share the threads.",
            example: """
                codec = opah.embedded.codec()
                codes = codec:encode(audio.load("data/Alice/4.80-7.20.wav"))  -- 2.9 s
                codes:shape(), codes:dtype()  --> {8, 62}, "int32"
                """, forms: ["(samples: Tensor, \(encoding)) -> Tensor", "(samples: Tensor[], \(encoding)) -> Tensor[]"]
        ) { codec, call in
            try call.refuseUnknownOptions(2)
            let whole: Bool = try call.option("whole"), rate = try call.givenSampleRate(2)
            func samples(_ tensor: Tensor) throws -> [Float] { try codec.samples(call.oneChannel(tensor), at: rate) }
            if let tensor = try call.objectIfAny(1, as: Tensor.self) {
                return try call.push(codec.encode(samples(tensor), whole: whole))
            }
            let list: [Tensor] = try call.get(1)
            return try call.push(codec.encodeBatch(list.map(samples), whole: whole))
        }
        c.method(
            "decode", "(codes: Tensor) -> Tensor",
            "Samples float32 [N] at `sample_rate` of codes [C, T], N = T * hop_length * 4. Codes are whole numbers as in the files; one that the codec does not have is an error.",
            example: """
                codec = opah.embedded.codec()
                samples = codec:decode(tensor.zeros(8, 10, { dtype = "int32" }))
                audio.save("spoken.wav", samples, codec.sample_rate)
                #samples / codec.sample_rate  --> 0.46...
                """
        ) { codec, call in
            try call.push(codec.decodeTensor(call.object(1, as: Tensor.self)))
        }
        c.method(
            "decode_to", "(path: string, codes: Tensor, opts?: {subtype?: string}) -> integer, string[]",
            "Decodes codes [C, T] straight into a sound file (as `audio.save` writes it), a stretch at a time, so that memory does not grow with T. Gives the number of samples, and notes. The file appears when it is complete. "
                + "A code that a model can say and the codec does not have (1000 to 1023 of 1000) is replaced by that of the nearest frame, with a note.",
            example: """
                codec = opah.embedded.codec()
                codec:decode_to("spoken.flac", tensor.zeros(8, 10, { dtype = "int32" }))  --> 20480, {}
                """
        ) { codec, call in
            let (codes, replaced) = try codec.reachable(call.object(2, as: Tensor.self)),
                name: String? = try call.option("subtype")
            let subtype = try name.flatMap { try AudioSubtype(name: $0, call) }
            let writer = try AudioWriter(
                call.string(1), sampleRate: codec.sampleRate, channels: 1,
                frames: codes.rank == 2 ? codes.shape[1] * codec.samplesPerToken : 0, subtype: subtype)
            var count = 0
            try codec.decode(codes) { samples in
                try writer.append(AudioBuffer(mono: samples, sampleRate: codec.sampleRate))
                count += samples.count
            }
            return try call.push(count, replaced + writer.finish())
        }
        c.method(
            "decoder", "() -> CodecDecoder",
            "Decodes codes as they come, for playing while they are made: memory does not grow with their number.",
            example: """
                codec = opah.embedded.codec()
                decoder = codec:decoder()
                #decoder:append(tensor.zeros(8, 3, { dtype = "int32" })), #decoder:append(tensor.zeros(8, 2, { dtype = "int32" }))  --> 6144, 4096
                """
        ) { codec, call in try call.push(CodecDecoder(codec)) }
        c.method(
            "cost", "(opts?: {seconds?: number = 1, frames?: integer}) -> \(Record.codecCost)",
            "What `seconds` of sound, or `frames` of codes, cost: `{encode_operations, decode_operations, encode_bytes, decode_bytes}`. Operations are those of the layers written out directly, a multiply-add counting as two; "
                + "divided by the rate of matrix products they give the least time. Bytes are memory beyond the codec itself, per clip in work.",
            example: """
                codec = opah.embedded.codec()
                codec:cost { seconds = 10 }  --> {decode_bytes = ..., decode_operations = ..., encode_bytes = ..., encode_operations = 39322200.0}
                """
        ) { codec, call in
            let seconds: Double = try call.option("seconds"), frames: Int? = try call.option("frames")
            guard seconds >= 0, seconds < 1e9, (0 ..< 1 << 40).contains(frames ?? 0) else {
                throw call.error("seconds and frames must be 0 or more")
            }
            let samples = frames.map { $0 * codec.samplesPerToken } ?? Int(seconds * Double(codec.sampleRate))
            let tokens = frames ?? codec.tokenCount(samples: samples), cost = codec.cost
            return try call.push(fields: [
                "encode_operations": cost.encodeOperations(samples: samples),
                "decode_operations": cost.decodeOperations(tokens: tokens),
                "encode_bytes": cost.encodeBytes(samples: samples), "decode_bytes": cost.decodeBytes(tokens: tokens)
            ])
        }
        c.method(
            "features", "(samples: Tensor, rate?: integer|table) -> \(Record.codecFeatures)",
            "`{mel [n_mels, F], backbone [D, F], latents [groups, quantizers, T, levels], codes [C, T]}` of samples [N] (resampled when `rate`, in Hz or the info table of audio.load, is not the codec's): what the encoder computes on its way, F = N / hop_length. "
                + "Latents are the bounded values just before they are rounded; the codes include the last, partly filled frame.",
            example: """
                codec = opah.embedded.codec()
                features = codec:features(audio.load("data/Alice/4.80-7.20.wav"))
                features.mel:shape(), features.latents:shape()  --> {32, 250}, {8, 1, 63, 4}
                """
        ) { codec, call in
            let features = try codec.features(
                codec.samples(call.oneChannel(call.object(1, as: Tensor.self)), at: call.givenSampleRate(2)))
            return try call.push(
                [
                    "mel": features.mel, "backbone": features.backbone, "latents": features.latents,
                    "codes": features.indices
                ] as Fields)
        }
        c.method(
            "digest", "() -> string",
            "32 hexadecimal digits that identify weights and configuration: codecs with the same digest give the same codes and the same sound.",
            example: """
                codec = opah.embedded.codec()
                codec:digest() == vq.new({ config = opah.embedded.codec_config, seed = 1 }):digest()  --> false
                """
        ) { codec, call in try call.push(codec.digest()) }
        c.method(
            "codes_digest", "() -> string",
            "As digest, without what makes sound of codes: a codec whose vocoder has learned on (train-codec --keep-codes) has the one that it had, and goes with the same codes, packs, models and voices.",
            example: """
                codec = opah.embedded.codec()
                codec:codes_digest() == codec:digest(), #codec:codes_digest()  --> false, 32
                """
        ) { codec, call in try call.push(codec.codesDigest()) }
        c.method(
            "save", "(path: string)", "Writes the weights under the original's names.",
            example: """
                codec = vq.new { config = opah.embedded.codec_config, seed = 1 }
                codec:save("random.pth")
                again = vq.load { config = opah.embedded.codec_config, checkpoint = "random.pth" }
                again:encode(tensor.zeros(4096)):equal(codec:encode(tensor.zeros(4096)))  --> true
                """
        ) { codec, call in
            try codec.save(call.string(1))
            return .none
        }
        c.metamethod(
            "__tostring", "(codec: Codec) -> string", "What it is, in a line.",
            example:
                #"tostring(opah.embedded.codec())  --> "Codec (44100 Hz, 8 codebooks of 1000 codes, 21.5 frames per second)""#
        ) { call in
            let codec = try call.object(1, as: Codec.self), rate = (codec.frameRate * 10).rounded() / 10
            return try call.push(
                "Codec (\(codec.sampleRate) Hz, \(codec.codebookCount) codebooks of \(codec.codebookSize) codes, \(rate) frames per second)"
            )
        }
    }
}

extension CodecDecoder: LuaObject {
    public static let luaClass = LuaClass(
        "CodecDecoder", of: CodecDecoder.self, "One sequence of codes on its way to sound, piece by piece."
    ) { c in
        c.property(
            "stretch", "integer", "Frames that are decoded together.",
            example: "opah.embedded.codec():decoder().stretch  --> 30"
        ) { decoder, call in try call.push(decoder.stretch) }
        c.method(
            "append", "(codes: Tensor) -> Tensor",
            "The samples float32 [N] of the next codes [C, T], N = T * hop_length * 4. All pieces together are what `codec:decode` gives, within 1e-5; and to the last bit when every piece but the last has a multiple of `stretch` frames.",
            example: """
                codec = opah.embedded.codec()
                codes, decoder = tensor.zeros(8, 10, { dtype = "int32" }), codec:decoder()
                pieces = tensor.cat { decoder:append(codes[{ {}, { 1, 4 } }]), decoder:append(codes[{ {}, { 5, 10 } }]) }
                pieces:allclose(codec:decode(codes), { atol = 1e-5 })  --> true
                """
        ) { decoder, call in
            let samples = try decoder.append(call.object(1, as: Tensor.self))
            return try call.push(Tensor(samples, [samples.count]))
        }
    }
}

extension LuaModule {
    /// `opah.vq`
    public static let vq = LuaModule("opah.vq", "The codec that turns sound into codes and back.") { m in
        m.type(Codec.luaClass)
        m.type(CodecDecoder.luaClass)
        m.function(
            "load", "(opts: {config?: string|table = \"firefly_gan_vq\", checkpoint: string}) -> Codec",
            "A codec with the weights of a checkpoint (with or without `generator.` prefix and weight norm). `config` is firefly_gan_vq, a Lua or YAML file, or a table.",
            example: """
                tiny = opah.home .. "/examples/checkpoints/tiny"
                codec = vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" }
                codec:encode(audio.load("data/Alice/4.80-7.20.wav")):shape()  --> {8, 62}
                """
        ) { call in
            let path: String = try call.option("checkpoint"),
                codec = try Codec.load(configuration: codecConfiguration(call), checkpoint: path)
            for note in codec.notes { Terminal.log("note: \(path): \(note)") }
            return try call.push(codec)
        }
        m.function(
            "new", "(opts?: {config?: string|table = \"firefly_gan_vq\", seed?: integer = 0}) -> Codec",
            "A codec with random weights: for tests and measurements.",
            example: """
                codec = vq.new { config = opah.embedded.codec_config, seed = 1 }
                codec:encode(tensor.zeros(4096)):shape()  --> {8, 2}
                """
        ) { call in
            try call.push(
                Codec.random(
                    codecConfiguration(call), seed: UInt64(bitPattern: Int64(try call.option("seed", as: Int.self)))))
        }
        m.function(
            "extract",
            """
            (opts: {input?: string, filelist?: string, codec: Codec, batch_size?: integer = 16, num_workers?: integer = 1, overwrite?: boolean = false, shard?: string, \
            on_progress?: function}) -> \(Record.extraction)
            """,
            """
            Writes the codes of every clip below `input` (or in a filelist) beside it as .npy. `on_progress(done, total, seconds)`. Returns \
            `{extracted, present, remade, audio_seconds, skipped={{path, reason, remedy}}, notes={{path, text}}}` in the order of the clips; one bad clip never stops the rest. \
            Codes that are there are made again when the recording's content or the codec changed: `remade` says how many and why. Those of which nothing tells what made them are kept, with a note, \
            when they can be this codec's of a clip so long. \
            Every thread takes whole clips, one at a time, through decoding, encoding and writing. `batch_size` is how many clips may be in memory at a time (more than threads never are); \
            `num_workers` is accepted as the original's: `tensor.set_threads` says how many threads there are. The codes depend on neither. \
            `shard` is a part of the clips, as in "3/16"; without it, several processes of one run (see `opah.dist`) share them by name, and each gets the report of all.
            """,
            example: """
                fs.mkdir("recordings/Alice")
                fs.copy("data/Alice/4.80-7.20.wav", "recordings/Alice/1.wav")
                report = vq.extract { input = "recordings", codec = opah.embedded.codec() }
                report.extracted, report.skipped, fs.exists("recordings/Alice/1.npy")  --> 1, {}, true
                """
        ) { call in
            let input: String? = try call.option("input"), filelist: String? = try call.option("filelist")
            let asked: String? = try call.option("shard")
            let shard = try asked.map(Shard.init(parsing:)) ?? .ofThisProcess()
            var clips: Clips
            switch (input, filelist) {
            case (let folder?, nil): clips = try Clips(folder: folder)
            case (nil, let list?): clips = try Clips(filelist: list)
            default: throw call.error("give either input or filelist")
            }
            if shard.count > 1 { clips = clips.part(below: input, shard.owns) }
            let lockName = ".extract-vq.lock" + (shard.count > 1 ? "-\(shard.index + 1)-of-\(shard.count)" : "")
            // Another codec's codes between ours would be noticed by nobody. A folder that cannot be written to has its
            // codes already.
            let lock = try input.flatMap {
                access($0, W_OK) == 0 ? try FolderLock($0, for: "extracting codes", name: lockName) : nil
            }
            defer { lock?.release() }
            // A list may lead to any folder: there is no lock, but what is half-written for it lies beside its clips.
            if input == nil {
                for folder in Set(clips.clips.map { PathName.folder($0.stem) }) {
                    Leftovers.remove(in: folder, deep: false)
                }
            }
            let callback: LuaFunction? = try call.option("on_progress")
            let size: Int = try call.option("batch_size")
            guard size > 0 else { throw call.error("batch_size must be above 0") }
            let extraction = Extraction(
                codec: try call.option("codec"), overwrite: try call.option("overwrite"), batchSize: size)
            var report = try extraction.run(clips, folder: input) { done, total, seconds in
                try callback?(done, total, seconds)
            }
            if asked == nil, let ranks = Ranks.shared { report = try report.merged(ranks) }
            return try call.push(
                [
                    "extracted": report.extracted, "present": report.present, "audio_seconds": report.audioSeconds,
                    "remade": report.remade,
                    "skipped": List(report.skipped.map(\.fields)),
                    "notes": List(report.notes.map { ["path": $0.path, "text": $0.note] as Fields })
                ] as Fields)
        }
    }
}

extension Extraction.Report {
    /// Those of all processes together.
    fileprivate func merged(_ ranks: Ranks) throws -> Extraction.Report {
        struct Told: Codable {
            var counts: [Int], seconds: Double, remade: String?, skipped: [[String?]], notes: [[String]]
        }
        let own = Told(
            counts: [extracted, present], seconds: audioSeconds, remade: remade,
            skipped: skipped.map { [$0.path, $0.reason, $0.remedy] },
            notes: notes.map { [$0.path, $0.note] })
        var all = self, seen: Set<[String]> = []
        (all.extracted, all.present, all.audioSeconds, all.skipped, all.notes) = (0, 0, 0, [], [])
        let parts = try ranks.exchange(own, .goOn).all
        for part in parts {
            all.extracted += part.counts[0]
            all.present += part.counts[1]
            all.audioSeconds += part.seconds
            all.skipped += part.skipped.map { SkippedInput(path: $0[0] ?? "", reason: $0[1] ?? "", remedy: $0[2]) }
            all.notes += part.notes.filter { seen.insert($0).inserted }.map { (path: $0[0], note: $0[1]) }
        }
        all.skipped.sort { $0.path < $1.path }
        let remade = parts.compactMap(\.remade)
        all.remade = remade.isEmpty ? nil : remade.joined(separator: "; ")
        return all
    }
}

extension Codec {
    /// Samples at the codec's rate.
    fileprivate func samples(_ samples: [Float], at rate: Int?) throws -> [Float] {
        guard let rate, rate != sampleRate else { return samples }
        return try Resampler.resample(AudioBuffer(mono: samples, sampleRate: rate), to: sampleRate).channels[0]
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
    case .string(let name) where name.hasSuffix(".yaml") || name.hasSuffix(".yml"):
        return try CodecConfiguration(YAML.load(name).resolved())
    case .string(let name):
        return try CodecConfiguration(SettingsFile.load(name, overrides: [], call.interpreter.catalog).value)
    default: throw call.error("config must be a name, a file or a table")
    }
}
