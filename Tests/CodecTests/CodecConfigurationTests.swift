import Codec
import Support
import TestSupport
import XCTest

final class CodecConfigurationTests: XCTestCase {
    func testReferenceFiles() throws {
        let a = try CodecConfiguration(FireflyModel.tree("firefly/a/config.yaml"))
        XCTAssertEqual(a.backbone.dims, [12, 16, 24, 40])
        XCTAssertEqual(a.head.resblockDilations, [[1, 3, 5], [1, 3, 5], [1, 3, 5]])
        XCTAssertEqual(a.samplesPerToken, 2048)
        XCTAssertEqual(a.codebookCount, 8)
        let b = try CodecConfiguration(FireflyModel.tree("firefly/b/config.yaml"))
        XCTAssertEqual(b.codebookCount, 8)
        XCTAssertEqual(b.quantizer.codebooksPerGroup, 2)
        XCTAssertEqual(b.samplesPerToken, 512)
    }

    func testTheStockConfigurationIsTheCodecOf14() throws {
        let stock = CodecConfiguration()
        try stock.validate()
        XCTAssertEqual(stock.frameRate, 21.533203125)
        XCTAssertEqual(stock.quantizer.codebookSize, 1000)
        XCTAssertEqual(stock.codebookCount, 8)
        XCTAssertEqual(try CodecConfiguration(stock.tree), stock)
    }

    func testContradictionsAndUnknownKeys() throws {
        func change(_ section: String, _ key: String, _ value: ConfigValue) throws -> CodecConfiguration {
            var root = CodecConfiguration().tree.map!, part = root[section]!.map!
            part[key] = value
            root[section] = .map(part)
            return try CodecConfiguration(.map(root))
        }
        assertThrows(.config, containing: "did you mean upsample_rates") {
            try change("head", "upsample_rate", [8, 8, 8])
        }
        assertThrows(.config, containing: "multiply to") { try change("head", "upsample_rates", [8, 8, 2, 2, 4]) }
        assertThrows(.config, containing: "n_mels") { try change("spec_transform", "n_mels", 80) }
        assertThrows(.config, containing: "must be a whole number, not a string") {
            try change("quantizer", "n_groups", "eight")
        }
        assertThrows(.config, containing: "VQEncoder") { try change("backbone", "_target_", "some.module.VQEncoder") }
        assertThrows(.config) { try change("head", "resblock_dilation_sizes", [[1, 3], [1, 3], [1, 3]]) }
        assertThrows(.config) { try change("backbone", "dims", [128, 256, 384, 1_000_000]) }
        assertThrows(.config, containing: "mel frames per token") {
            try change("quantizer", "downsample_factor", [64, 64, 64, 64, 64, 64, 64, 64])
        }
        assertThrows(.config, containing: "parameters") { try change("head", "upsample_initial_channel", 16384) }
        assertThrows(.config) { try change("quantizer", "levels", [4000, 4000, 4000, 4000]) }
        assertThrows(.config, containing: "section head is missing") {
            var root = CodecConfiguration().tree.map!
            root["head"] = nil
            return try CodecConfiguration(.map(root))
        }
        assertThrows(.config) { try CodecConfiguration(["_target_": "a.b.FireflyArchitecture", "backbone": 3]) }
    }
}
