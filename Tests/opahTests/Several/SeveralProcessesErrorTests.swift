import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// An error of one process ends all, with one message; what differs on one host is refused before a step.
final class SeveralProcessesErrorTests: SeveralTrainingsCase {
    func testAnErrorEndsAllWithOneMessage() throws {
        let fit = """
            local opah = require "opah"
            local embedded, dist = require "opah.embedded", opah.dist
            local model = opah.lm.load(embedded.model)
            opah.lora.apply(model, "r_4_alpha_8", { seed = 1 })
            local ds = embedded.dataset("\(packs)", model)
            opah.train.fit { model = model, data = ds, project = "p", max_steps = 50, batch_size = 2, val_check_interval = 0,
              on_step = function(log) if log.step == 2 then error("the callback broke") end end }
            """
        var running = try start(3, script(fit))
        let began = Date()
        XCTAssertEqual(running.finish(within: 20), 1, running.said)
        XCTAssertLessThan(Date().timeIntervalSince(began), 20)
        XCTAssertEqual(running.said.components(separatedBy: "the callback broke").count - 1, 1, running.said)
        XCTAssertTrue(running.said.contains("rank 1 of 3 on "), running.said)
        // One that fails alone, where nothing is agreed.
        running = try start(
            3,
            script(
                """
                local dist = require "opah.dist"
                if dist.rank() == 2 then error("only here") end
                dist.barrier()
                """))
        XCTAssertEqual(running.finish(within: 20), 1, running.said)
        XCTAssertEqual(running.said.components(separatedBy: "only here").count - 1, 1, running.said)
        XCTAssertTrue(running.said.contains("rank 2 of 3 on "), running.said)
        // What all fail of is said once.
        running = try start(3, ["run", "train", "project="])
        XCTAssertEqual(running.finish(within: 20), 2, running.said)
        XCTAssertEqual(running.said.components(separatedBy: "cannot be empty").count, 2, running.said)
    }

    /// What differs on one host is named with it: a setting, the base model, the packs.
    func testWhatDiffersOnOneHostIsRefused() throws {
        let fewer = try OpahProcess.run(
            ["-e", #"require "opah.embedded".packs("fewer", "Alice")"#], folder: folder.path)
        XCTAssertEqual(fewer.code, 0, fewer.errors)
        for (what, said) in [
            ("lr", "lr is 0.001, and 0.0001 there"), ("base", "the base model has other weights"),
            ("packs", "the dataset has other clips or texts")
        ] {
            let running = try start(
                2,
                LuaScript.file("what_differs_on_one_host_is_refused").command([what, packs]))
            XCTAssertEqual(running.finish(), 1, running.said)
            XCTAssertTrue(running.said.contains("rank 2 of 2 on "), running.said)
            XCTAssertTrue(running.said.contains(said), "\(what): \(running.said)")
            XCTAssertFalse(
                FileManager.default.fileExists(atPath: folder("results/\(what)/checkpoints/step_000000001.ckpt")), what)
        }
    }

    func testTheOtherMPIIsRefused() throws {
        // MPICH's launcher says two, and nobody is there to be joined.
        let other = try start(nil, ["-e", "print(require('opah.dist').size())"], ["PMI_RANK": "0", "PMI_SIZE": "2"])
        XCTAssertEqual(other.finish(), 2, other.said)
        XCTAssertTrue(other.said.contains("started 2 processes and the MPI library"), other.said)
    }
}
