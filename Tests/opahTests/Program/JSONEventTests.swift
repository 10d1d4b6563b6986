import Foundation
import TestSupport
import XCTest

/// `--json`: every line of the stock recipes is as docs/json-events.md says.
final class JSONEventTests: XCTestCase {
    private let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny",
        data = OpahProcess.checkout + "/examples/data"

    /// The fields of each event, from the page's table: name, type, whether it may be missing.
    private static let page: [String: [(name: String, type: String, isOptional: Bool)]] = {
        let text = (try? String(contentsOfFile: OpahProcess.checkout + "/docs/json-events.md", encoding: .utf8)) ?? ""
        var events: [String: [(String, String, Bool)]] = [:]
        for line in text.prefix(upTo: text.range(of: "## Facts")?.lowerBound ?? text.endIndex).split(separator: "\n")
        where line.hasPrefix("| ") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count >= 5, cells[1] != "event" else { continue }
            var fields = events[cells[1]] ?? []
            if !cells[2].isEmpty {
                fields.append((cells[2].replacingOccurrences(of: "?", with: ""), cells[3], cells[2].hasSuffix("?")))
            }
            events[cells[1]] = fields
        }
        return events
    }()

    private func isOf(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "string": value is String
        case "number": value is NSNumber
        case "integer": (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "object": value is [String: Any] || (value as? [Any])?.isEmpty ?? false
        case "list": value is [Any]
        default: false
        }
    }

    /// Runs a recipe and holds its lines against the page; returns them.
    @discardableResult
    private func check(
        _ arguments: [String], folder: TestFolder, code: Int32 = 0, environment: [String: String] = [:]
    ) throws -> [[String: Any]] {
        let ran = try OpahProcess.run(["run"] + arguments + ["--json"], folder: folder.path, environment: environment)
        XCTAssertEqual(ran.code, code, ran.errors)
        let events = ran.errors.split(separator: "\n").map { line -> [String: Any] in
            guard let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                XCTFail("\(arguments[0]): not a JSON object: \(line)")
                return [:]
            }
            guard let name = event["event"] as? String, let fields = Self.page[name] else {
                XCTFail("\(arguments[0]): the page does not know the event of \(line)")
                return event
            }
            for field in fields {
                guard let value = event[field.name] else {
                    XCTAssertTrue(field.isOptional, "\(arguments[0]): \(name) has no \(field.name): \(line)")
                    continue
                }
                XCTAssertTrue(
                    isOf(value, field.type), "\(arguments[0]): \(field.name) of \(name) is no \(field.type): \(line)")
            }
            return event
        }
        XCTAssertEqual(events.filter { $0["event"] as? String == "result" }.count, 1, arguments[0])
        let last = events.last ?? [:]
        XCTAssertEqual(last["event"] as? String, "result", "\(arguments[0]): the result comes last")
        XCTAssertEqual((last["exit_code"] as? NSNumber)?.int32Value, code)
        XCTAssertEqual(last["recipe"] as? String, arguments.first ?? "")
        return events
    }

    private func facts(_ events: [[String: Any]]) -> [String: Any] { events.last?["facts"] as? [String: Any] ?? [:] }

    func testThePageIsRead() {
        XCTAssertGreaterThan(Self.page.count, 12)
        XCTAssertEqual(Self.page["progress"]?.map(\.name), ["label", "done", "total", "figures"])
    }

    func testTheWholePathTellsWhatThePageSays() throws {
        let folder = try TestFolder("events"),
            codec = ["--config-name", tiny + "/codec.lua", "--checkpoint-path", tiny + "/codec.pth"]
        for stage in ["loudness-norm", "resample", "slice-audio", "slice-audio-v2", "merge-short", "augment"] {
            XCTAssertEqual(facts(try check([stage, data, stage], folder: folder))["done"] as? Int, 14, stage)
        }
        XCTAssertEqual(facts(try check(["length", data], folder: folder))["clips"] as? Int, 14)
        XCTAssertEqual(
            facts(try check(["extract-vq", "loudness-norm"] + codec, folder: folder))["extracted"] as? Int, 14)
        XCTAssertEqual(
            facts(
                try check(
                    ["build-dataset", "--input", "loudness-norm", "--output", "protos", "--text-extension", ".lab"],
                    folder: folder))["groups"] as? Int, 2)
        let training = [
            "train", "project=p", "+lora@model.model.lora_config=r_4_alpha_8", "pretrained_ckpt_path=\(tiny)",
            "max_length=512", "train_dataset.proto_files=[protos]",
            "train_dataset.val_fraction=0.2", "data.batch_size=1", "trainer.max_steps=4", "trainer.val_check_interval=2"
        ]
        let train = try check(training, folder: folder)
        XCTAssertEqual(facts(train)["step"] as? Int, 4)
        XCTAssertEqual(facts(train)["ended_by"] as? String, "max_steps")
        XCTAssertNotNil(facts(train)["held_out_loss"] as? Double)
        XCTAssertEqual(
            Set(train.filter { $0["event"] as? String == "progress" }.compactMap { $0["label"] as? String }), ["train"],
            "progress is told once")
        let merge = try check(
            [
                "merge-lora", "--lora-config", "r_4_alpha_8", "--base-weight", tiny, "--lora-weight",
                "results/p/checkpoints/step_000000004.ckpt", "--output", "merged"
            ], folder: folder)
        XCTAssertEqual(facts(merge)["output"] as? String, "merged")
        let generate = try check(
            [
                "generate", "--text", "Hello.", "--checkpoint-path", tiny, "--max-new-tokens", "5", "--num-samples",
                "2", "--output", "said"
            ], folder: folder)
        XCTAssertEqual((facts(generate)["files"] as? [String])?.sorted(), ["said/codes_0.npy", "said/codes_1.npy"])
        XCTAssertEqual(
            facts(try check(["vqgan", "-i", data + "/Alice/0.00-2.10.mp3", "-o", "back.wav"] + codec, folder: folder))[
                "output"] as? String, "back.wav")
        let bench = facts(
            try check(["bench", "--quick", "--repeats", "1", "--only", "add", "--output", "bench.json"], folder: folder)
        )
        XCTAssertEqual(["figures", "failed", "not_compared"].map { bench[$0] as? Int }, [1, 0, 0])
    }

    /// Before a recipe has said a word: it is not there, cannot be read, is wrong, or throws at once.
    func testWhatNeverBeganEndsWithAResultToo() throws {
        let folder = try TestFolder("events")
        for (name, text) in [
            ("syntax.lua", "local x = = 1"), ("throws.lua", "error 'at once'"), ("table.lua", "error {}"),
            ("options.lua", "return require 'opah.recipe' { run = print }"), ("words.lua", "return 'x'")
        ] { try text.write(toFile: folder(name), atomically: true, encoding: .utf8) }
        try FileManager.default.createDirectory(atPath: folder("folder.lua"), withIntermediateDirectories: true)
        XCTAssertEqual(mkfifo(folder("pipe.lua"), 0o600), 0)
        for (arguments, code, part) in [
            (["nosuch"], 2, "nosuch"), (["lenght", "data"], 2, "lenght"), ([], 2, "recipe"),
            (["text2semantic_finetune"], 2, "configuration"), (["./none.lua"], 1, "none.lua"),
            (["folder.lua"], 1, "directory"), (["pipe.lua"], 1, "pipe"), (["syntax.lua"], 1, "syntax.lua:1:"),
            (["throws.lua"], 1, "at once"), (["table.lua"], 1, "{}"), (["options.lua", "--none"], 2, "--none"),
            (["length", "--none"], 2, "--none")
        ] as [([String], Int32, String)] {
            let events = try check(arguments, folder: folder, code: code)
            XCTAssertEqual(events.map { $0["event"] as? String }, ["error", "result"], "\(arguments)")
            XCTAssertEqual(events.last?["state"] as? String, "failed")
            let message = events.first?["message"] as? String ?? "", told = events.last?["error"] as? String
            XCTAssertTrue((message + (events.first?["hint"] as? String ?? "")).contains(part), message)
            XCTAssertEqual(told, message)
        }
        XCTAssertEqual(try check(["words.lua"], folder: folder).last?["state"] as? String, "done")
        // In front of the recipe too; behind `--` the word is the recipe's.
        let front = try OpahProcess.run(["run", "--json", "length", "nosuch"], folder: folder.path)
        XCTAssertEqual(front.code, 2)
        XCTAssertTrue(front.errors.contains(#""event": "result", "recipe": "length""#), front.errors)
        XCTAssertFalse(
            try OpahProcess.run(["run", "length", "--", "--json"], folder: folder.path).errors.contains("event"))
        for arguments in [["batch", "--json", "--jobs", "0", "x"], ["batch", "--json"], ["batch", "nosuch", "--json"]] {
            let wrong = try OpahProcess.run(arguments, folder: folder.path)
            XCTAssertEqual(wrong.code, 2)
            XCTAssertEqual(
                (try JSONSerialization.jsonObject(with: Data(wrong.errors.utf8)) as? [String: Any])?["kind"] as? String,
                "usage", wrong.errors)
        }
    }

    func testFailuresEndWithAResultToo() throws {
        let folder = try TestFolder("events")
        let usage = try check(["length", "nosuch"], folder: folder, code: 2)
        XCTAssertEqual(usage.first { $0["event"] as? String == "error" }?["kind"] as? String, "usage")
        XCTAssertEqual(usage.last?["state"] as? String, "failed")
        try "x".write(toFile: folder("bad.wav"), atomically: true, encoding: .utf8)
        let skipped = try check(["length", folder.path], folder: folder, code: 1)
        XCTAssertEqual(facts(skipped)["skipped"] as? Int, 1)
        try "require('opah.progress').event { a = 1 } require('opah.progress').result { a = 2 } os.exit(3)".write(
            toFile: folder("own.lua"), atomically: true, encoding: .utf8)
        let own = try check([folder("own.lua")], folder: folder, code: 3)
        XCTAssertEqual(own.first?["event"] as? String, "custom")
        XCTAssertEqual(facts(own)["a"] as? Int, 2)
        let unreachable = try check(
            ["download", "a/b", "--local-dir", "x"], folder: folder, code: 1,
            environment: ["HF_ENDPOINT": "http://127.0.0.1:9"])
        XCTAssertNotNil(unreachable.last?["error"] as? String)
    }
}
