import Foundation
import TestSupport
import XCTest

/// Checkpoints and codes have the same bytes for any number of processes and either MPI.
final class SeveralProcessesSameBytesTests: SeveralTrainingsCase {
    func testAnyNumberOfProcessesAndEitherMPI() throws {
        // One process without a launcher adds a step's rows in another order, and comes to the same but for rounding.
        let several = [1, 2, 3, 4].map { (count: Int) -> (Int?, [String]) in (count, training("n\(count)", steps: 6)) }
        try runTogether(several + [(nil, training("alone", steps: 6))])
        try run(3, training("mpich", steps: 6), under: .mpich)
        let wanted = try checkpoint("n1", 6)
        for project in ["n2", "n3", "n4", "mpich"] { XCTAssertEqual(try checkpoint(project, 6), wanted, project) }
        // Measured alone as by several.
        func losses(_ project: String) throws -> [String] {
            try String(contentsOfFile: folder("results/\(project)/metrics.jsonl"), encoding: .utf8).split(
                separator: "\n"
            ).map {
                String($0).replacing(/, "seconds": .*/, with: "")
            }
        }
        XCTAssertEqual(try losses("n3"), try losses("n1"))
        XCTAssertGreaterThan(try losses("n1").count { $0.contains("\"val\"") }, 1)
        func numbers(_ project: String) throws -> [Double] {
            try losses(project).compactMap { $0.firstMatch(of: /"loss": ([0-9.]+)/).flatMap { Double(String($0.1)) } }
        }
        for (a, b) in zip(try numbers("alone"), try numbers("n1")) { XCTAssertEqual(a, b, accuracy: 1e-4) }
    }

    func testAnotherNumberOfProcessesGoesOn() throws {
        try runTogether([(2, training("whole", steps: 6)), (2, training("parts", steps: 3))])
        try run(3, training("parts", steps: 5))
        try run(1, training("parts", steps: 6))
        XCTAssertEqual(try checkpoint("parts", 6), try checkpoint("whole", 6))
    }

    func testAllWeights() throws {
        func whole(_ project: String) -> [String] {
            training(project, steps: 2).filter { !$0.hasPrefix("+lora") } + ["trainer.accumulate_grad_batches=2"]
        }
        try runTogether([(2, whole("a")), (2, whole("b"))])
        XCTAssertEqual(try checkpoint("a", 2), try checkpoint("b", 2))
    }

    func testExtractionIsShared() throws {
        let codec = ["--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", Self.tiny + "/codec.pth"]
        func copy(_ name: String) throws {
            try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder(name))
        }
        func codes(_ name: String) throws -> [String: Data] {
            var found: [String: Data] = [:]
            for case let path as String in FileManager.default.enumerator(atPath: folder(name))!
            where path.hasSuffix(".npy") {
                found[path] = try Data(contentsOf: URL(fileURLWithPath: folder(name + "/" + path)))
            }
            return found
        }
        for name in ["alone", "ranks", "shards"] { try copy(name) }
        try run(nil, ["run", "extract-vq", "alone"] + codec)
        let wanted = try codes("alone")
        XCTAssertGreaterThan(wanted.count, 10)
        let running = try start(3, ["run", "extract-vq", "ranks"] + codec)
        XCTAssertEqual(running.finish(), 0, running.said)
        XCTAssertTrue(
            running.said.contains("extract-vq: \(wanted.count) clips have codes, \(wanted.count) of them new"),
            running.said)
        XCTAssertEqual(try codes("ranks"), wanted)
        var total = 0
        for running in try (1 ... 4).map({
            try start(nil, ["run", "extract-vq", "shards", "--shard", "\($0)/4"] + codec)
        }) {
            XCTAssertEqual(running.finish(), 0, running.said)
            total += running.said.firstMatch(of: /codes, ([0-9]+) of them new/).flatMap { Int(String($0.1)) } ?? 0
        }
        XCTAssertEqual(total, wanted.count)
        XCTAssertEqual(try codes("shards"), wanted)
        let rate = ["--sampling-rate", "8000"]
        try runTogether([
            (2, ["run", "resample", "alone", "resampled"] + rate),
            (nil, ["run", "resample", "alone", "resampled-alone"] + rate)
        ])
        let diff = Process()
        diff.executableURL = URL(fileURLWithPath: "/usr/bin/diff")
        diff.arguments = ["-rq", "--exclude=.*", folder("resampled"), folder("resampled-alone")]
        try diff.run()
        diff.waitUntilExit()
        XCTAssertEqual(diff.terminationStatus, 0)
    }
}
