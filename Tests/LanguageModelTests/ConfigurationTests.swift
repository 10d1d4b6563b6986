import Foundation
import LanguageModel
import Support
import TestSupport
import XCTest

final class ConfigurationTests: XCTestCase {
    private let models = ["dual_bf16", "dual_tied", "dual_fastdim", "naive_bf16"]

    func testDefaultsAreResolvedAsTheReferenceDoes() throws {
        for name in models {
            let configuration = try ModelConfiguration.read(Vectors.path("dualar/\(name)"))
            let expected = try XCTUnwrap(JSON.read(Vectors.path("dualar/\(name)/resolved_config.json")).map)
            XCTAssertEqual(Set(configuration.json.keys), Set(expected.keys), name)
            for (key, value) in expected {
                let found = configuration.json[key]
                XCTAssertTrue(
                    found == value || (found?.double != nil && found?.double == value.double),
                    "\(name): \(key) is \(String(describing: found)), not \(value)")
            }
            XCTAssertEqual(configuration.unknownKeys, [])
        }
    }

    func testSavedKeysAreSortedAndReadBackAsTheSameModel() throws {
        for name in models {
            let configuration = try ModelConfiguration.read(Vectors.path("dualar/\(name)"))
            XCTAssertEqual(configuration.json.keys, configuration.json.keys.sorted())
            let text = JSON.encode(.map(configuration.json), indent: 4)
            XCTAssertEqual(try ModelConfiguration(try JSON.decode(text)), configuration)
        }
        // As the reference's json.dump writes it, byte for byte.
        let merged = try String(
            contentsOfFile: Vectors.path("lora/dual_bf16_r8_alpha16/merged/config.json"), encoding: .utf8)
        let base = try ModelConfiguration.read(Vectors.path("dualar/dual_bf16"))
        XCTAssertEqual(JSON.encode(.map(base.json), indent: 4), merged)
    }

    func testMinimalFileTakesTheReferencesDefaults() throws {
        let c = try ModelConfiguration([
            "model_type": "dual_ar", "dim": 512, "n_head": 8, "head_dim": 3, "n_local_heads": -1
        ])
        XCTAssertEqual(c.headDim, 64)
        XCTAssertEqual(c.intermediateSize, 1536)   // 2/3 of 4 * 512 is 1365, up to a multiple of 256
        XCTAssertEqual(c.keyValueHeadCount, 8)
        XCTAssertEqual(c.vocabularySize, 32000)
        XCTAssertTrue(c.tiesWordEmbeddings)
        XCTAssertEqual(c.fast?.layerCount, 4)
        XCTAssertEqual(c.fast?.dim, 512)
    }

    func testUnknownKeysAreListed() throws {
        let c = try ModelConfiguration(["model_type": "naive", "dim": 64, "n_head": 4, "colour": "blue", "n_layers": 3])
        XCTAssertEqual(c.unknownKeys, ["colour", "n_layers"])
    }

    func testBadValuesAreNamed() {
        func configuration(_ value: ConfigValue) -> () throws -> ModelConfiguration {
            { try ModelConfiguration(value, name: "x/config.json") }
        }
        assertThrows(.config, containing: "model_type", configuration(["dim": 64]))
        assertThrows(.config, containing: "\"llama\"", configuration(["model_type": "llama"]))
        assertThrows(.config, containing: "dim is \"big\"", configuration(["model_type": "dual_ar", "dim": "big"]))
        assertThrows(.config, containing: "n_layer is -1", configuration(["model_type": "dual_ar", "n_layer": -1]))
        assertThrows(
            .config, containing: "does not split into 7 heads",
            configuration(["model_type": "dual_ar", "dim": 64, "n_head": 7]))
        assertThrows(
            .config, containing: "cannot share 3",
            configuration(["model_type": "dual_ar", "dim": 64, "n_head": 4, "n_local_heads": 3]))
        assertThrows(.config, containing: "vocab_size", configuration(["model_type": "dual_ar", "vocab_size": 1e30]))
        assertThrows(.config, configuration(["model_type", "dual_ar"]))
        assertThrows(.config, containing: "n_layer", configuration(["model_type": "dual_ar", "n_layer": 2_000_000]))
        assertThrows(.memory) {
            try LanguageModel.random(
                ModelConfiguration(["model_type": "dual_ar", "dim": 1_048_576, "n_head": 16]), seed: 1)
        }
    }
}
