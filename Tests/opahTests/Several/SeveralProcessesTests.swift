import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// The program under mpirun: checkpoints have the same bytes for any number of processes and either MPI, whatever ended
/// the runs before. Needs openmpi-bin and mpich (scripts/install-packages).
final class SeveralProcessesTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private var folder: TestFolder!
    private var environment = ["OPAH_THREADS": "1"]

    override func setUpWithError() throws {
        folder = try TestFolder("several")
        packs = try Self.packed.get()
    }
    private var packs = ""

    /// Made once; nobody writes there.
    private static let packed = Result<String, any Error> {
        let place = NSTemporaryDirectory() + "several-packs-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let made = try OpahProcess.run(["-e", "print(require 'opah.embedded'.packs('\(place)'))"])
        XCTAssertEqual(made.code, 0, made.errors)
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: starting

    private enum Family { case openMPI, mpich }

    private func words(_ family: Family, _ count: Int) -> [String] {
        family == .openMPI
            ? ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "\(count)"]
            : ["mpiexec.hydra", "-n", "\(count)"]
    }

    /// nil runs it alone, without a launcher.
    private func start(
        _ count: Int?, _ arguments: [String], _ more: [String: String] = [:], under family: Family = .openMPI
    ) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (count.map { words(family, $0) } ?? []) + [OpahProcess.program.path] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(more) { $1 }
        variables["OPAH_HOME"] = OpahProcess.checkout
        process.environment = variables
        process.standardInput = FileHandle.nullDevice
        let log = folder("log-\(UUID().uuidString.prefix(8))")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        try process.run()
        return Running(process: process, log: log)
    }

    private struct Running {
        let process: Process, log: String
        var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
        func finish(within seconds: Double = 120) -> Int32 {
            let end = Date() + seconds
            while process.isRunning, Date() < end { usleep(20_000) }
            if process.isRunning { process.terminate(); XCTFail("did not end in \(seconds) s: \(said)") }
            process.waitUntilExit()
            return process.terminationReason == .uncaughtSignal
                ? 128 + process.terminationStatus : process.terminationStatus
        }
        /// `PID (NAME) STATE PARENT ...`
        private static func parent(_ status: String) -> pid_t {
            let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 ? pid_t(fields[1]) ?? 0 : 0
        }

        /// The program's processes that run below the launcher, the first rank first.
        func ranks() -> [pid_t] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) } ?? []
            return all.filter { pid in
                guard let words = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
                    words.starts(with: Data(OpahProcess.program.path.utf8)),
                    let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                else { return false }
                var parent = Self.parent(status)
                while parent > 1 {
                    if parent == process.processIdentifier { return true }
                    let text = (try? String(contentsOfFile: "/proc/\(parent)/stat", encoding: .utf8)) ?? ""
                    parent = Self.parent(text)
                }
                return false
            }.sorted()
        }
    }

    private func training(_ project: String, steps: Int, _ more: String...) -> [String] {
        [
            "run", "train", "project=\(project)", "pretrained_ckpt_path=\(Self.tiny)",
            "train_dataset.proto_files=[\(packs)]", "max_length=512", "data.batch_size=4",
            "trainer.max_steps=\(steps)", "trainer.val_check_interval=4",
            "callbacks.model_checkpoint.every_n_train_steps=3", "model.optimizer.lr=1e-3",
            "train_dataset.val_fraction=0.2", "+lora@model.model.lora_config=r_8_alpha_16"
        ] + more
    }

    private func checkpoint(_ project: String, _ step: Int) throws -> Data {
        let digits = String(step)
        return try Data(
            contentsOf: URL(
                fileURLWithPath: folder(
                    "results/\(project)/checkpoints/step_" + String(repeating: "0", count: 9 - digits.count) + digits
                        + ".ckpt")))
    }

    private func run(
        _ count: Int?, _ arguments: [String], under family: Family = .openMPI, code: Int32 = 0,
        file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let running = try start(count, arguments, under: family)
        XCTAssertEqual(running.finish(), code, running.said, file: file, line: line)
    }

    /// All at once; runs that succeed, since two launchers of Open MPI that abort at once were seen to hang.
    private func runTogether(_ all: [(count: Int?, arguments: [String])], line: UInt = #line) throws {
        let running = try all.map { try start($0.count, $0.arguments) }
        for one in running { XCTAssertEqual(one.finish(), 0, one.said, line: line) }
    }

    // MARK: the same bytes

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

    // MARK: stops and failures

    private func waitForStep(_ project: String, _ step: Int, _ running: Running) {
        let end = Date() + 60
        while Date() < end, running.process.isRunning {
            let text = (try? String(contentsOfFile: folder("results/\(project)/metrics.jsonl"), encoding: .utf8)) ?? ""
            if text.contains("\"stage\": \"train\", \"step\": \(step),") { return }
            usleep(5000)
        }
        XCTFail("no step \(step): \(running.said)")
    }

    private func lastStep(_ project: String) -> Int {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: folder("results/\(project)/checkpoints"))) ?? []
        XCTAssertFalse(names.contains { $0.hasSuffix(".tmp") }, "\(names)")
        return names.compactMap { Int($0.dropFirst(5).dropLast(5)) }.max() ?? 0
    }

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

    private func script(_ text: String) throws -> [String] {
        try text.write(toFile: folder("script.lua"), atomically: true, encoding: .utf8)
        return ["script.lua"]
    }

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

    // MARK: clip by clip

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

    // MARK: loops of one's own, and the launcher

    func testALoopOfOnesOwn() throws {
        let example = OpahProcess.checkout + "/examples/data-parallel.lua"
        let all = try [nil, 2, 4].map { count in try start(count, ["run", example, "--output", "out\(count ?? 0)"]) }
        func losses(_ running: Running) throws -> [Double] {
            XCTAssertEqual(running.finish(), 0, running.said)
            return running.said.matches(of: /loss ([0-9.]+)/).compactMap { Double(String($0.1)) }
        }
        let alone = try losses(all[0])
        XCTAssertEqual(alone.count, 2)
        for several in all[1...] {
            for (a, b) in zip(alone, try losses(several)) { XCTAssertEqual(a, b, accuracy: 2e-4) }
        }
    }

    func testWhatLuaSees() throws {
        let running = try start(
            3,
            LuaScript.file("what_lua_sees").command())
        XCTAssertEqual(running.finish(), 0, running.said)
        XCTAssertTrue(running.said.contains("all well"), running.said)
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

    /// A process that waits sleeps.
    func testWaitingCostsLittle() throws {
        let running = try start(
            2,
            script(
                """
                local dist, machine = require "opah.dist", require "opah.machine"
                if dist.rank() == 1 then os.execute("sleep 2") end
                local before = os.clock()
                dist.barrier()
                if dist.rank() == 2 then print(("waited with %.3f"):format(os.clock() - before)) end
                """))
        XCTAssertEqual(running.finish(), 0, running.said)
        let used = try XCTUnwrap(
            running.said.firstMatch(of: /waited with ([0-9.]+)/).flatMap { Double(String($0.1)) }, running.said)
        XCTAssertLessThan(used, 0.15 * 2)
    }

    func testNoMPIInTheProgram() throws {
        let ldd = Process(), pipe = Pipe()
        ldd.executableURL = URL(fileURLWithPath: "/usr/bin/ldd")
        ldd.arguments = [OpahProcess.program.path]
        ldd.standardOutput = pipe
        try ldd.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        XCTAssertTrue(text.contains("liblua"), text)
        XCTAssertFalse(text.contains("libmpi"), text)
    }
}
