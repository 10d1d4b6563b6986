import Bindings
import Codec
import Configuration
import Console
import Foundation
import LanguageModel
import LuaHost
import Support

extension FuzzReader {
    static let configuration: [FuzzReader] = [
        FuzzReader("yaml", maxLength: 3000, dictionary: yamlWords, seeds: yamlSeeds) {
            let value = try YAML.load(Scratch.file("a.yaml", $0))
            _ = value.luaSource
            _ = value.paths
            _ = try value.resolved { _ in nil }
        },
        // A configuration of the original, laid over the stock one, its defaults and interpolations included.
        FuzzReader(
            "config-yaml", maxLength: 3000,
            dictionary: yamlWords + ["trainer", "model", "project", "train_dataset", "base"], seeds: yamlSeeds
        ) {
            try run("config.load(...)", Scratch.folder("yaml", ["a.yaml": $0]) + "/a.yaml")
        },
        // Settings as a Lua table: a stranger's file all the same.
        FuzzReader(
            "config-lua", maxLength: 1500,
            dictionary: [
                "return {", "}", "defaults", "_self_", "= {", "[[", "]]", "--", "nil", "0x", "1e999", "\"\\u{", "\\z",
                ", {ignored = {\"**\"}}"
            ],
            seeds: {
                try Seeds.examples("checkpoints/tiny/codec.lua")
                    + Seeds.texts(
                        "return {\n  defaults = { \"text2semantic_finetune\" },\n  project = \"a\",\n"
                            + "  trainer = { max_steps = 0x10 },\n}\n"
                    )
            }
        ) {
            try run("config.load(...)", Scratch.folder("lua", ["a.lua": $0]) + "/a.lua")
        },
        FuzzReader(
            "overrides", maxLength: 500,
            dictionary: [
                "=", "+", "++", "~", "@", "${", "}", "lora@model.model.lora_config=", "[1,2]", "{a:1}", "'", "\\",
                "null", "1e3", "trainer.max_steps"
            ],
            seeds: {
                Seeds.texts(
                    "project=alice\ntrainer.max_steps=10\n+a.b={c: [1, 'x y']}",
                    "~model.lr\n++model.betas=[0.9,0.95]\n+lora@model.lora=small", "project=${model.lr}")
            }
        ) { bytes in
            var config: ConfigValue = [
                "project": "p", "trainer": ["max_steps": 5, "list": [1, 2]],
                "model": ["lr": 1e-4, "betas": [0.9, 0.99], "lora": .null]
            ]
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            for line in lines { _ = (try? Override.parse(line))?.description }
            try applyOverrides(&config, lines, groups: ["lora": ["small": ["r": 4], "large": ["r": 64]]])
            _ = try config.resolved { _ in nil }
        },
        FuzzReader(
            "codec-config", maxLength: 2000,
            dictionary: [
                "_target_", "spec_transform", "backbone", "head", "quantizer", "levels", "dims", "[", "]", "-1", "0",
                "9223372036854775807", "1e9"
            ],
            seeds: { try Seeds.vectors("firefly", suffixes: ["config.yaml"]) }
        ) {
            let configuration = try CodecConfiguration(try YAML.load(Scratch.file("codec.yaml", $0)))
            _ = try? CodecConfiguration(configuration.tree)
            _ = configuration.frameRate
        },
        FuzzReader(
            "model-config", maxLength: 2000,
            dictionary: [
                "\"dim\"", "\"n_layer\"", "\"n_head\"", "\"vocab_size\"", "\"model_type\"", "-1", "0",
                "9223372036854775807", "1e300", "null", "\"x\""
            ],
            seeds: {
                try Seeds.vectors("dualar", suffixes: ["config.json"]) + Seeds.examples("checkpoints/tiny/config.json")
            }
        ) {
            let configuration = try ModelConfiguration.read(Scratch.folder("model-config", ["config.json": $0]))
            _ = JSON.encode(.map(configuration.json))
        }
    ]

    private static let yamlWords = [
        "&a ", "*a", "<<: *a", "- - - - ", "!!binary ", "!!python/object:os.system ", "? ", ": ", "${a}", "${project}",
        "${oc.env:HOME}", "%YAML 1.3\n", "---\n",
        "...\n", "|+9\n", ">-\n", "!!int ", "0x", "1e999", ".inf", "defaults:\n  - "
    ]

    private static let yamlSeeds: @Sendable () throws -> [[UInt8]] = {
        try Seeds.vectors("firefly", suffixes: ["config.yaml"])
            + Seeds.texts(
                """
                defaults:
                  - base
                  - _self_
                project: p
                max_length: 4096
                trainer:
                  max_steps: 1_000
                  precision: bf16-true
                train_dataset:
                  proto_files:
                    - data/protos
                  max_length: ${max_length}
                model:
                  optimizer:
                    _partial_: true
                    betas: [0.9, 0.95]
                """,
                #"""
                a: &x {p: 1, q: [1,2,~]}
                b: *x
                c:
                  <<: *x
                  r: |
                    text
                    more
                d: >-
                  folded
                e: 0x1F
                f: 1e3
                g: .nan
                h: 2001-01-01
                i: 'q''q'
                j: "\u263A \x41"
                ? k
                : v
                """#
            )
    }

    /// Runs an expression of Lua that gets a path, in an interpreter that serves a few hundred inputs.
    private static func run(_ expression: String, _ path: String) throws { try LuaWorker.shared.run(expression, path) }
}

/// An interpreter for readers that are only reached through Lua: a new one from time to time, since strings and
/// compiled pieces add up.
private final class LuaWorker: @unchecked Sendable {   // one thread reads at a time
    static let shared = LuaWorker()
    private var lua: Interpreter?, uses = 0

    func run(_ expression: String, _ path: String) throws {
        if lua == nil || uses > 500 {
            setenv("OPAH_HOME", Seeds.checkout, 1)
            Terminal.style = .quiet
            lua = nil
            lua = try Interpreter(.opah, libraryFolder: Seeds.checkout + "/stdlib-lua")
            uses = 0
        }
        uses += 1
        try lua!.run("local config = require 'opah.config' \(expression)", name: "=fuzz", arguments: [path])
    }
}
