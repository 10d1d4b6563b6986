import XCTest
import Foundation
import Configuration
import Support

final class ConfigFileTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("opah-config-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder + "/lora", withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
        return folder + "/" + name
    }

    func testDefaultsAndGroups() throws {
        _ = try write(
            "base.yaml", "hydra: {run: {dir: results}}\nproject: base\ntrainer: {max_steps: 10, devices: auto}\n")
        _ = try write("lora/r_4.yaml", "r: 4\nalpha: 8\n")
        _ = try write("lora/broken.yaml", "r: [")
        let path = try write(
            "tune.yaml",
            "defaults:\n  - base\n  - _self_\nproject: tune\ntrainer: {max_steps: 1_000}\nmodel: {lora_config: null}\n")
        var file = try ConfigFile(path)
        XCTAssertEqual(
            file.config,
            ["project": "tune", "trainer": ["max_steps": 1000, "devices": "auto"], "model": ["lora_config": .null]])
        XCTAssertEqual(file.groups, ["lora": ["r_4": ["r": 4, "alpha": 8]]])
        var config = file.config
        try applyOverrides(&config, ["+lora@model.lora_config=r_4"], groups: file.groups)
        XCTAssertEqual(config.value(at: "model.lora_config.alpha"), 8)
        file = try ConfigFile(
            write(
                "other.yaml",
                "defaults: [_self_, base, {lora@model.lora: r_4}, {override hydra/launcher: x}]\nproject: other\n"))
        XCTAssertEqual(file.config.value(at: "project"), "base")
        XCTAssertEqual(file.config.value(at: "model.lora.r"), 4)
        // What its own defaults chose is changed without a +, and nothing else is.
        config = file.config
        try applyOverrides(&config, ["lora@model.lora=r_4"], groups: file.groups)
        XCTAssertEqual(config.value(at: "model.lora.r"), 4)
        XCTAssertThrowsError(try applyOverrides(&config, ["lora@model.other=r_4"], groups: file.groups))
        XCTAssertEqual(
            try ConfigFile(write("group.yaml", "defaults: [{lora: r_4}]\nlora: {r: 5}")).config,
            ["lora": ["r": 5, "alpha": 8]])
    }

    func testOtherLanguages() throws {
        _ = try write("base.json", #"{"a": 1}"#)
        _ = try write("lora/r_2.json", #"{"r": 2}"#)
        let path = try write("top.json", #"{"defaults": ["base"], "b": 2}"#)
        let file = try ConfigFile(path, extensions: ["json"]) { try JSON.read($0) }
        XCTAssertEqual(file.config, ["a": 1, "b": 2])
        XCTAssertEqual(file.groups, ["lora": ["r_2": ["r": 2]]])
    }

    func testRefusals() throws {
        for (text, kind) in [
            ("defaults: [loop]", OpahError.Kind.config), ("defaults: [../../etc/x]", .unsafe),
            ("defaults: [/etc/x]", .unsafe),
            ("defaults: 3", .format), ("defaults: [[1]]", .format), ("[1]", .format), ("defaults: [none]", .file)
        ] {
            XCTAssertThrowsError(try ConfigFile(write("loop.yaml", text)), text) {
                XCTAssertEqual(($0 as? OpahError)?.kind, kind, "\($0)")
            }
        }
    }
}
