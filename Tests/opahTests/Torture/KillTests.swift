import Foundation
import TestSupport
import XCTest

/// `kill -9` at any moment: the next run ends with the bytes of an undisturbed one, and tidies up.
final class KillTests: XCTestCase {
    func testLoudnessNorm() throws { try killed("loudness-norm") }
    func testExtraction() throws { try killed("extract-vq") }
    func testBuildDataset() throws { try killed("build-dataset") }
    func testTraining() throws { try killed("train") }
    func testMerging() throws { try killed("merge-lora") }
    func testBatch() throws { try killed("batch") }

    /// Once or more, at chance moments and at chance system calls; then undisturbed.
    private func killed(_ name: String) throws {
        let job = try XCTUnwrap(TortureJob.all.first { $0.name == name })
        let reference = try job.reference()
        let calls = reference.calls
        let families: [FaultPlan.Call] = [.write, .sync, .rename, .open, .close].filter { calls[$0] ?? 0 > 0 }
        var random = SeededRandom(Torture.seed &+ name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        try Torture.repeated(2, of: 6) { round in
            let folder = try job.start()
            var account: [String] = []
            for _ in 0 ..< Int.random(in: 1 ... 2, using: &random) {
                if round % 2 == 0 {
                    let call = families.randomElement(using: &random)!
                    let number = Int.random(in: 1 ... calls[call]!, using: &random)
                    let plan = try FaultPlan(below: folder.path, call, number: number, .killed)
                    _ = try job.run(folder, plan.environment())
                    account.append("at \(call) number \(number)")
                } else {
                    let moment = Double.random(in: 0 ..< reference.seconds, using: &random)
                    account.append(try kill(job, folder, after: moment, alone: Bool.random(using: &random)))
                }
                XCTAssertEqual(
                    try job.damage(folder).filter { !$0.contains("does not belong") }, [], "\(name): killed \(account)")
            }
            let again = try job.run(folder)
            XCTAssertEqual(again.code, 0, "\(name): killed \(account), and the next run: \(again.errors)")
            XCTAssertEqual(try job.difference(folder), [], "\(name): killed \(account), and the next run")
        }
    }

    /// - Parameter alone: without the processes that it started, which have to notice by themselves.
    private func kill(_ job: TortureJob, _ folder: TestFolder, after seconds: Double, alone: Bool) throws -> String {
        let running = try OpahProcess.start(job.arguments, folder: folder.path)
        let pid = running.process.processIdentifier
        usleep(UInt32(seconds * 1e6))
        Glibc.kill(alone ? pid : -pid, SIGKILL)
        _ = running.finish()
        return String(format: "after %.3f s%@", seconds, alone ? ", alone" : "")
    }
}
