import Foundation
import TestSupport
import XCTest

/// `opah.codec.*` and the recipe train-codec: the trainable codec is the native one, its gradients are right, and a run
/// that is stopped goes on to the same bytes. The checks are Lua files in Tests/Lua/codec.
final class CodecTrainingTests: XCTestCase {
    private func runLua(_ name: String) throws {
        let folder = try TestFolder("codec")
        let script = OpahProcess.checkout + "/Tests/Lua/codec/\(name).lua"
        let result = try OpahProcess.run([script, OpahProcess.checkout], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testIsTheNativeCodec() throws { try runLua("equals_native") }
    func testGradientsAreThoseOfFiniteDifferences() throws { try runLua("gradients") }
    func testLossesAndDiscriminators() throws { try runLua("losses") }
    func testSentencesOfTheCorpus() throws { try runLua("corpus") }
    func testAModelWithMoreWords() throws { try runLua("more_words") }

    func testCorpusIsSpokenOnce() throws {
        let folder = try TestFolder("corpus")
        let recipe = [
            "run", OpahProcess.checkout + "/examples/corpus/make-corpus.lua", "--output", "corpus", "--voices", "rms",
            "--clips"
        ]
        let made = try OpahProcess.run(recipe + ["3"], folder: folder.path)
        XCTAssertEqual(made.code, 0, made.errors)
        let first = try Data(contentsOf: URL(fileURLWithPath: folder("corpus/rms/000001.wav")))
        XCTAssertGreaterThan(first.count, 10_000)
        let more = try OpahProcess.run(recipe + ["4"], folder: folder.path)
        XCTAssertEqual(more.code, 0, more.errors)
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: folder("corpus/rms/000001.wav"))), first)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder("corpus/rms"))
        XCTAssertEqual(names.count, 8, "\(names)")
        XCTAssertEqual(try OpahProcess.run(recipe + ["1", "--voices", "nobody"], folder: folder.path).code, 2)
        XCTAssertEqual(try OpahProcess.run(recipe + ["1", "--voices", "rms~120"], folder: folder.path).code, 2)
        XCTAssertEqual(
            try OpahProcess.run(recipe + ["1", "--voices", "kal16~100,kal16~200"], folder: folder.path).code, 0)
        let pitches = try OpahProcess.run([OpahProcess.checkout + "/Tests/Lua/codec/pitch.lua"], folder: folder.path)
        XCTAssertEqual(pitches.code, 0, pitches.errors)
    }

    func testRecipeLearnsStopsAndGoesOnToTheSameBytes() throws {
        let folder = try TestFolder("train-codec")
        let small = OpahProcess.checkout + "/Tests/Lua/codec/small.lua"
        func train(_ output: String, _ more: [String] = []) throws -> OpahProcess.Result {
            try OpahProcess.run(
                [
                    "run", "train-codec", OpahProcess.checkout + "/examples/data", "--config-name", small, "--output",
                    output,
                    "--encoder-steps", "4", "--vocoder-steps", "3", "--joint-steps", "2", "--adversarial-steps", "2",
                    "--judges-width", "4", "--batch-size", "2", "--seconds", "0.3", "--every", "3", "--held-out", "2"
                ] + more,
                folder: folder.path)
        }
        let whole = try train("whole")
        XCTAssertEqual(whole.code, 0, whole.errors)
        XCTAssertTrue(whole.errors.contains("11 steps, the codec is whole/codec.pth"), whole.errors)
        let figures = try String(contentsOfFile: folder("whole/metrics.jsonl"), encoding: .utf8)
        for phase in ["encoder", "vocoder", "joint", "adversarial"] {
            XCTAssertTrue(figures.contains("\"phase\": \"\(phase)\""), phase)
        }

        // Killed after its first save, then run again.
        let killed = try OpahProcess.start(
            [
                "run", "train-codec", OpahProcess.checkout + "/examples/data", "--config-name", small, "--output",
                "killed", "--encoder-steps", "4",
                "--vocoder-steps", "3", "--joint-steps", "2", "--adversarial-steps", "2", "--judges-width", "4",
                "--batch-size", "2",
                "--seconds", "0.3", "--every", "3", "--held-out", "2"
            ], folder: folder.path)
        let limit = Date(timeIntervalSinceNow: 60)
        while !FileManager.default.fileExists(atPath: folder("killed/codec.pth")), killed.process.isRunning,
            Date() < limit
        { usleep(20_000) }
        kill(killed.process.processIdentifier, SIGKILL)
        _ = killed.finish()
        let again = try train("killed")
        XCTAssertEqual(again.code, 0, again.errors)
        XCTAssertTrue(again.errors.contains("going on after step"), again.errors)
        XCTAssertTrue(
            FileManager.default.contentsEqual(atPath: folder("whole/codec.pth"), andPath: folder("killed/codec.pth")))
        // Steps that were taken twice are told once.
        func losses(_ name: String) throws -> [Substring] {
            try String(contentsOfFile: folder(name + "/metrics.jsonl"), encoding: .utf8).split(separator: "\n")
                .filter { $0.contains("\"loss\"") }
        }
        XCTAssertEqual(try losses("whole").count, 11)
        XCTAssertEqual(try losses("killed"), try losses("whole"))

        // Stopped in the middle: the steps until then are saved.
        let stopped = try OpahProcess.start(
            [
                "run", "train-codec", OpahProcess.checkout + "/examples/data", "--config-name", small, "--output",
                "stopped",
                "--encoder-steps", "100000", "--judges-width", "4", "--batch-size", "2", "--seconds", "0.3"
            ], folder: folder.path)
        let end = Date(timeIntervalSinceNow: 60)
        while !FileManager.default.fileExists(atPath: folder("stopped/metrics.jsonl")), stopped.process.isRunning,
            Date() < end
        { usleep(20_000) }
        kill(stopped.process.processIdentifier, SIGTERM)
        XCTAssertEqual(stopped.finish().code, 130)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("stopped/state.ckpt")))

        // A damaged state is passed over: the one before it leads to the same bytes.
        var altered = try Data(contentsOf: URL(fileURLWithPath: folder("killed/state.ckpt")))
        altered[altered.count / 2] ^= 1
        try altered.write(to: URL(fileURLWithPath: folder("killed/state.ckpt")))
        let passed = try train("killed")
        XCTAssertEqual(passed.code, 0, passed.errors)
        XCTAssertTrue(passed.errors.contains("killed/state.ckpt is damaged ("), passed.errors)
        XCTAssertTrue(passed.errors.contains("and passed over: the run goes on from step "), passed.errors)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("killed/state.ckpt.damaged")))
        XCTAssertTrue(
            FileManager.default.contentsEqual(atPath: folder("whole/codec.pth"), andPath: folder("killed/codec.pth")))
        for name in ["state.ckpt", "state-before.ckpt"] {
            try altered.prefix(3000).write(to: URL(fileURLWithPath: folder("stopped/" + name)))
        }
        let none = try train("stopped")
        XCTAssertEqual(none.code, 1)
        XCTAssertTrue(none.errors.contains("stopped: no state is whole"), none.errors)
        XCTAssertTrue(none.errors.contains("by --checkpoint-path"), none.errors)

        let other = try train("killed", ["--lr", "0.1"])
        XCTAssertEqual(other.code, 1)
        XCTAssertTrue(other.errors.contains("was made by a run with other settings"), other.errors)

        // What was trained is a codec like any other.
        let spoken = try OpahProcess.run(
            [
                "run", "vqgan", "-i", OpahProcess.checkout + "/examples/data/Alice/4.80-7.20.wav", "-o", "spoken.wav",
                "--config-name", small, "--checkpoint-path", "whole/codec.pth"
            ], folder: folder.path)
        XCTAssertEqual(spoken.code, 0, spoken.errors)
    }

    func testKeptCodesStayWhileTheirSoundLearns() throws {
        let folder = try TestFolder("keep-codes")
        let small = OpahProcess.checkout + "/Tests/Lua/codec/small.lua"
        func train(_ output: String, _ more: [String]) throws -> OpahProcess.Result {
            try OpahProcess.run(
                [
                    "run", "train-codec", OpahProcess.checkout + "/examples/data", "--config-name", small, "--output",
                    output, "--vocoder-steps", "0", "--judges-width", "4", "--batch-size", "2", "--seconds", "0.3",
                    "--held-out", "2"
                ] + more, folder: folder.path)
        }
        let first = try train("first", ["--encoder-steps", "2", "--joint-steps", "0"])
        XCTAssertEqual(first.code, 0, first.errors)
        let kept = [
            "--checkpoint-path", "first/codec.pth", "--keep-codes", "--joint-steps", "1", "--adversarial-steps", "1"
        ]
        XCTAssertEqual(try train("refused", kept).code, 2, "an encoder's phase changes codes")
        let second = try train("second", kept + ["--encoder-steps", "0"])
        XCTAssertEqual(second.code, 0, second.errors)
        XCTAssertEqual(try train("refused", ["--encoder-steps", "0", "--keep-codes"]).code, 2, "codes of nothing")

        let compare = try OpahProcess.run(
            [
                "-e",
                """
                local opah = require "opah"
                local before, after = opah.checkpoint.load("first/codec.pth"), opah.checkpoint.load("second/codec.pth")
                local same, other = {}, {}
                for name, t in pairs(before) do
                  local room = name:match("^quantizer%.upsample") or name:match("^%a+")
                  local list = (t - after[name]):abs():max():item() == 0 and same or other
                  list[room] = true
                end
                for _, list in ipairs { same, other } do
                  local rooms = {}
                  for room in pairs(list) do rooms[#rooms + 1] = room end
                  table.sort(rooms)
                  print(table.concat(rooms, " "))
                end
                local small = "\(small)"
                local function load(folder) return opah.vq.load { config = small, checkpoint = folder .. "/codec.pth" } end
                local a, b = load "first", load "second"
                for name, t in pairs(before) do before[name] = t:to("float16") end
                opah.checkpoint.save("half.pth", before)
                for name, t in pairs(before) do before[name] = t:to("float32") end
                opah.checkpoint.save("again.pth", before)
                local function codes_digest(path) return opah.vq.load({ config = small, checkpoint = path }):codes_digest() end
                print(codes_digest "half.pth" == codes_digest "again.pth")
                print(a:codes_digest() == b:codes_digest(), a:digest() == b:digest(),
                  a:codes_digest() == opah.vq.new({ config = small, seed = 9 }):codes_digest())
                """
            ], folder: folder.path)
        XCTAssertEqual(
            compare.output, "backbone quantizer\nhead quantizer.upsample\ntrue\ntrue\tfalse\tfalse\n", compare.errors)
    }
}
