import Foundation
import TestSupport
import XCTest

/// Trainings under mpirun that are asked to stop, lose a process or hear nothing of it: what is saved is gone on from,
/// to the bytes of a run that nothing disturbed.
final class SeveralProcessesStopTests: SeveralTrainingsCase {
    /// The last checkpoint of 30 steps that nothing disturbed; made once.
    private func undisturbed() throws -> Data {
        if let known = Self.undisturbed { return known }
        try run(1, training("whole", steps: 30))
        let made = try checkpoint("whole", 30)
        Self.undisturbed = made
        return made
    }

    private nonisolated(unsafe) static var undisturbed: Data?

    func testStopsSaveOnceAndOthersGoOn() throws {
        let wanted = try undisturbed(), signals = [(SIGUSR1, true), (SIGTERM, false)]
        // Every process is asked, as launchers do; then one alone.
        for (signal, asksAll) in signals {
            let project = "stopped\(signal)", running = try start(2, training(project, steps: 30))
            waitForStep(project, 4, running)
            let ranks = running.ranks()
            XCTAssertEqual(ranks.count, 2)
            for rank in asksAll ? ranks : [ranks[1]] { kill(rank, signal) }
            XCTAssertEqual(running.finish(), 130, running.said)
            XCTAssertTrue((4 ..< 30).contains(lastStep(project)), running.said)
        }
        let projects = signals.map { "stopped\($0.0)" }
        try runTogether(projects.map { (3, training($0, steps: 30)) })
        for project in projects { XCTAssertEqual(try checkpoint(project, 30), wanted, project) }
    }

    func testAKilledProcessCostsTheTimeSinceTheLastCheckpoint() throws {
        let wanted = try undisturbed()
        let running = try start(3, training("killed", steps: 30))
        waitForStep("killed", 5, running)
        kill(running.ranks()[1], SIGKILL)
        XCTAssertNotEqual(running.finish(within: 10), 0, running.said)
        try run(2, training("killed", steps: 30))
        XCTAssertEqual(try checkpoint("killed", 30), wanted)
    }

    func testASilentProcessIsNoticedAndTheStateSaved() throws {
        environment["OPAH_DIST_TIMEOUT"] = "2"
        let running = try start(3, training("silent", steps: 400))
        waitForStep("silent", 4, running)
        let stopped = running.ranks()[1]
        kill(stopped, SIGSTOP)
        let code = running.finish(within: 30)
        kill(stopped, SIGKILL)
        XCTAssertEqual(code, 130, running.said)
        XCTAssertTrue(running.said.contains("and heard nothing"), running.said)
        XCTAssertTrue(running.said.contains("rank 2 of 3") || running.said.contains("rank 3 of 3"), running.said)
        let step = lastStep("silent")
        XCTAssertGreaterThanOrEqual(step, 4)
        environment["OPAH_DIST_TIMEOUT"] = nil
        try runTogether([(2, training("silent", steps: step + 2)), (1, training("whole", steps: step + 2))])
        XCTAssertEqual(try checkpoint("silent", step + 2), try checkpoint("whole", step + 2))
    }

    /// What a launcher that is killed outright started does not go on.
    func testALauncherThatIsKilledLeavesNothing() throws {
        for signal in [SIGKILL, SIGQUIT] {
            let running = try start(nil, ["launch", "-n", "2", "--"] + training("orphans\(signal)", steps: 4000))
            waitForStep("orphans\(signal)", 2, running)
            let ranks = running.ranks()
            XCTAssertEqual(ranks.count, 2)
            kill(running.process.processIdentifier, signal)
            let end = Date() + 20
            // Of one that has ended and is not taken note of yet, this file is empty.
            func goesOn(_ rank: pid_t) -> Bool {
                FileManager.default.contents(atPath: "/proc/\(rank)/cmdline")?.isEmpty == false
            }
            while Date() < end, ranks.contains(where: goesOn) { usleep(20_000) }
            XCTAssertFalse(ranks.contains(where: goesOn), "\(signal)")
        }
    }

    func testLaunch() throws {
        environment["OPAH_THREADS"] = nil
        let running = try start(
            nil,
            [
                "launch", "-n", "2", "--", "-e",
                "local d = require 'opah.dist' print('rank', d.rank(), d.size(), require('opah.tensor').threads())"
            ])
        XCTAssertEqual(running.finish(), 0, running.said)
        for rank in 1 ... 2 { XCTAssertTrue(running.said.contains("rank\t\(rank)\t2\t"), running.said) }
        let code = try start(nil, ["launch", "-n", "2", "--", "-e", "return 3"])
        XCTAssertEqual(code.finish(), 3, code.said)
        environment["OPAH_THREADS"] = "1"
        let training = try start(nil, ["launch", "-n", "2", "--"] + self.training("launched", steps: 400))
        waitForStep("launched", 3, training)
        kill(training.process.processIdentifier, SIGINT)
        XCTAssertEqual(training.finish(), 130, training.said)
        XCTAssertGreaterThanOrEqual(lastStep("launched"), 3)
    }
}
