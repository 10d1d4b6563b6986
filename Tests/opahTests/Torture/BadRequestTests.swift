import Foundation
import TestSupport
import XCTest

/// Models, adapters, packs and words on the command line that cannot be used, row by row.
final class BadRequestTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func check(_ rows: [BadInput]) throws { for row in rows { try row.check() } }

    func testModels() throws {
        let config = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: Self.tiny + "/config.json")))
                as? [String: Any])
        func model(_ file: String, _ content: BadInput.Content) -> [String: BadInput.Content] {
            var files: [String: BadInput.Content] = [:]
            for name in ["config.json", "model.pth", "tokenizer.json", "tokenizer_config.json"] {
                files["m/" + name] = .example("examples/checkpoints/tiny/" + name)
            }
            files["m/" + file] = content
            return files
        }
        func changed(_ key: String, _ value: Any) throws -> BadInput.Content {
            .bytes(try JSONSerialization.data(withJSONObject: config.merging([key: value]) { $1 }))
        }
        let speak = ["run", "generate", "--text", "hello", "--checkpoint-path", "m", "--max-new-tokens", "3"]
        let pointer = BadInput.Content.text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:\(String(repeating: "a", count: 64))\n"
                + "size 989312345\n"
        )
        var rows = [
            BadInput(
                name: "an empty model", files: model("model.pth", .text("")), command: speak, code: 1,
                says: ["model.pth.*(empty|0 bytes)"]),
            BadInput(
                name: "a page", files: model("model.pth", .text("<!doctype html><html><title>Login</title>")),
                command: speak, code: 1, says: ["HTML|web page"]),
            BadInput(name: "a pointer", files: model("model.pth", pointer), command: speak, code: 1, says: ["LFS"]),
            BadInput(
                name: "a pointer for settings", files: model("config.json", pointer), command: speak, code: 1,
                says: ["m/config.json"]),
            BadInput(
                name: "a pointer for the tokenizer", files: model("tokenizer.json", pointer), command: speak, code: 1,
                says: ["m/tokenizer.json"])
        ]
        for (key, value, words) in [
            ("dim", 64, "dim"), ("n_layer", 5, "layer"), ("vocab_size", 999, "vocab"), ("num_codebooks", 4, "codebook"),
            ("model_type", "other", "model_type|other"),
            ("dim", "x", "dim"), ("n_layer", -1, "n_layer"), ("n_layer", 1_000_000_000, "n_layer|layers"),
            ("n_head", 0, "n_head|head"), ("dim", Int.max, "dim")
        ] as [(String, Any, String)] {
            rows.append(
                BadInput(
                    name: "\(key) \(value)", files: model("config.json", try changed(key, value)), command: speak,
                    code: 1, says: [words], doesNotMake: ["codes_0.npy"]))
        }
        for file in ["os_system_zip.pth", "os_system_plain.pth", "builtins_eval_zip.pth", "builtins_eval_plain.pth"] {
            rows.append(
                BadInput(
                    name: "an adapter that is an attack",
                    files: ["a.ckpt": .example("Tests/Vectors/ckpt/malicious/" + file)],
                    command: [
                        "run", "merge-lora", "--base-weight", Self.tiny, "--lora-weight", "a.ckpt", "--output", "o"
                    ], code: 1, says: ["system|eval"], doesNotMake: ["o"]))
        }
        rows.append(
            BadInput(
                name: "no adapter in it", files: [:],
                command: [
                    "run", "merge-lora", "--base-weight", Self.tiny, "--lora-weight", Self.tiny + "/model.pth",
                    "--output", "o"
                ], code: 1,
                says: ["adapter|LoRA"], doesNotMake: ["o"]))
        try check(rows)
    }

    func testWhatIsAskedFor() throws {
        let speak = ["run", "generate", "--checkpoint-path", Self.tiny, "--max-new-tokens", "3"]
        let reference: [String: BadInput.Content] = ["s.npy": .npy([8, 6])]
        func training(_ more: String...) -> [String] {
            [
                "run", "train", "pretrained_ckpt_path=" + Self.tiny, "train_dataset.proto_files=[protos]",
                "trainer.max_steps=1"
            ] + more
        }
        var rows = [
            BadInput(
                name: "nothing to say", files: [:], command: speak + ["--text", "   "], code: 2, says: ["text"],
                doesNotMake: ["codes_0.npy"]),
            BadInput(
                name: "codes without their text", files: reference,
                command: speak + ["--text", "Hello", "--prompt-tokens", "s.npy"], code: 2, says: ["prompt-text"]),
            BadInput(
                name: "too warm", files: [:], command: speak + ["--text", "Hello", "--temperature", "5"], code: 2,
                says: ["temperature"]),
            BadInput(
                name: "a project that is no number of steps", files: [:],
                command: training("project=x", "trainer.max_stepz=3"), code: 2, says: ["trainer.max_steps"]),
            BadInput(
                name: "steps in words", files: [:], command: training("project=x", "trainer.max_steps=ten"), code: 2,
                says: ["max_steps"]),
            BadInput(
                name: "no packs", files: ["protos/x.txt": .text("")], command: training("project=x"), code: 1,
                says: ["no .*(packs|protos|shards)"])
        ]
        for project in ["", "../x", "a/b", "..", ".", String(repeating: "x", count: 300)] {
            rows.append(
                BadInput(
                    name: "project \(project.prefix(9))", files: [:], command: training("project=" + project),
                    code: nil, says: ["project|name"], doesNotMake: ["results"]))
        }
        try check(rows)
    }

    /// Packs that were cut, lengthened, altered or exchanged are never trained on.
    func testDamagedPacks() throws {
        let whole = try TortureJob.prepared.get()
        let shard = try Data(contentsOf: URL(fileURLWithPath: whole("protos/00000000.protos")))
        let manifest = try Data(contentsOf: URL(fileURLWithPath: whole("protos/packs.json")))
        var flipped = shard
        flipped[shard.count / 2] ^= 0xFF
        let command = [
            "run", "train", "project=p", "+lora@model.model.lora_config=r_8_alpha_16",
            "pretrained_ckpt_path=" + Self.tiny, "train_dataset.proto_files=[protos]", "max_length=256",
            "trainer.max_steps=1"
        ]
        for (what, data) in [
            ("cut", shard.dropLast(30)), ("longer", shard + Data([1, 2, 3])),
            ("a length that lies", Data([255, 255, 255, 127]) + shard.dropFirst(4)), ("flipped", flipped),
            ("empty", Data())
        ] {
            for known in [true, false] where known || what != "flipped" {
                var files: [String: BadInput.Content] = ["protos/00000000.protos": .bytes(data)]
                if known { files["protos/packs.json"] = .bytes(manifest) }
                try BadInput(
                    name: "\(what), \(known ? "with" : "without") a manifest", files: files, command: command, code: 1,
                    says: ["00000000.protos|no (groups|clips|sentences|packs)|nothing"]
                ).check()
            }
        }
        try BadInput(
            name: "a pack of another run",
            files: [
                "protos/00000000.protos": .bytes(shard), "protos/00000007.protos": .bytes(shard),
                "protos/packs.json": .bytes(manifest)
            ], command: command, code: 1,
            says: ["00000007.protos"]
        ).check()
    }
}
