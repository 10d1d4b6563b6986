import Foundation
import TestSupport
import XCTest

/// System calls that fail as disks fail: the run says why and with which exit code, leaves nothing broken or
/// half done, and the next run makes everything right.
final class FaultInjectionTests: XCTestCase {
    func testLoudnessNorm() throws { try inject("loudness-norm") }
    func testExtraction() throws { try inject("extract-vq") }
    func testBuildDataset() throws { try inject("build-dataset") }
    func testTraining() throws { try inject("train") }
    func testMerging() throws { try inject("merge-lora") }
    func testGeneration() throws { try inject("generate") }
    func testBatch() throws { try inject("batch") }
    func testSaving() throws { try inject("save") }

    /// Full from some moment on, for good: one message, not one per clip that is left.
    func testFullDiskStopsTheRunOnce() throws {
        let job = try XCTUnwrap(TortureJob.all.first { $0.name == "loudness-norm" })
        let folder = try job.start()
        let plan = try FaultPlan(below: folder.path, .write, number: 1, .error(ENOSPC), lasting: true)
        let result = try job.run(folder, plan.environment())
        XCTAssertEqual(result.code, 1, result.errors)
        // Two clips may have been under way.
        XCTAssertLessThanOrEqual(
            result.errors.components(separatedBy: "No space left on device").count - 1, 2, result.errors)
    }

    /// A few faults at places drawn by the seed; for as long as asked in `scripts/torture`.
    private func inject(_ name: String) throws {
        let job = try XCTUnwrap(TortureJob.all.first { $0.name == name })
        let calls = try job.reference().calls
        XCTAssertGreaterThan(calls[.write] ?? 0, 0, "\(name): no write was seen, so none can fail")
        var random = SeededRandom(Torture.seed &+ name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        // Every family in turn, begun with a chance one.
        let families = FaultPlan.Call.allCases.filter { calls[$0] ?? 0 > 0 }.shuffled(using: &random)
        try Torture.repeated(4, of: TortureJob.all.count) { round in
            let call = families[round % families.count]
            let outcome = FaultPlan.outcomes(call).randomElement(using: &random)!
            let number = Int.random(in: 1 ... calls[call]!, using: &random)
            let lasting = outcome == .error(ENOSPC) || outcome == .error(EROFS)
            try check(job, call, number, outcome, lasting: lasting)
        }
    }

    private func check(
        _ job: TortureJob, _ call: FaultPlan.Call, _ number: Int, _ outcome: FaultPlan.Outcome, lasting: Bool
    ) throws {
        let what = "\(job.name): \(call) number \(number)\(lasting ? " and on" : ""): \(outcome)"
        let folder = try job.start()
        let plan = try FaultPlan(below: folder.path, call, number: number, outcome, lasting: lasting)
        let result = try job.run(folder, plan.environment())
        guard plan.hits > 0 else { return }
        XCTAssertLessThan(result.code, 128, "\(what): ends by a signal, or not at all: \(result.errors)")
        // What cannot be removed may stay; packs lack the clips that could not be read, which exit code 3 tells.
        func counted(_ problems: [String]) -> [String] {
            switch (call, result.code) {
            case (.remove, _): problems.filter { !$0.hasSuffix("does not belong here") }
            case (.read, 3): problems.filter { !$0.hasPrefix("packs/") }
            default: problems
            }
        }
        if result.code == 0 {
            XCTAssertEqual(counted(try job.difference(folder)), [], "\(what): exit code 0 all the same")
        } else {
            switch outcome {
            case .error(EINTR), .cutShort, .killed: XCTFail("\(what): is no reason to fail: \(result.errors)")
            case .error(let code):
                XCTAssertTrue(
                    result.errors.contains(String(cString: strerror(code))),
                    "\(what): the message does not say why: \(result.errors)")
            }
        }
        XCTAssertEqual(counted(try job.damage(folder)), [], "\(what): \(result.errors.suffix(2000))")

        let again = try job.run(folder)
        XCTAssertEqual(again.code, 0, "\(what): and the next run: \(again.errors)")
        XCTAssertEqual(try job.difference(folder), [], "\(what): and the next run")
    }
}
