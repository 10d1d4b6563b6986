import Foundation
import TestSupport
import XCTest

/// Starts the program under mpirun, of either MPI, in a folder of the test. Needs openmpi-bin and mpich
/// (scripts/install-packages).
class SeveralProcessesCase: XCTestCase {
    static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    var folder: TestFolder!
    var environment = ["OPAH_THREADS": "1"]

    override func setUpWithError() throws { folder = try TestFolder("several") }

    enum Family { case openMPI, mpich }

    private func words(_ family: Family, _ count: Int) -> [String] {
        family == .openMPI
            ? ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "\(count)"]
            : ["mpiexec.hydra", "-n", "\(count)"]
    }

    /// nil runs it alone, without a launcher.
    func start(
        _ count: Int?, _ arguments: [String], _ more: [String: String] = [:], under family: Family = .openMPI
    ) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (count.map { words(family, $0) } ?? []) + [OpahProcess.program.path] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(more) { $1 }
        variables["OPAH_HOME"] = OpahProcess.checkout
        // Launchers that start and end side by side make and remove the folder above their own; each has its own.
        variables["OMPI_MCA_orte_tmpdir_base"] = try folder.path + "/launcher-\(UUID().uuidString.prefix(8))"
        process.environment = variables
        process.standardInput = FileHandle.nullDevice
        let log = folder("log-\(UUID().uuidString.prefix(8))")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        try process.run()
        return Running(process: process, log: log)
    }

    struct Running {
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

    func run(
        _ count: Int?, _ arguments: [String], under family: Family = .openMPI, code: Int32 = 0,
        file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let running = try start(count, arguments, under: family)
        XCTAssertEqual(running.finish(), code, running.said, file: file, line: line)
    }

    /// All at once; runs that succeed, since two launchers of Open MPI that abort at once were seen to hang.
    func runTogether(_ all: [(count: Int?, arguments: [String])], line: UInt = #line) throws {
        let running = try all.map { try start($0.count, $0.arguments) }
        for one in running { XCTAssertEqual(one.finish(), 0, one.said, line: line) }
    }

    func script(_ text: String) throws -> [String] {
        try text.write(toFile: folder("script.lua"), atomically: true, encoding: .utf8)
        return ["script.lua"]
    }
}

/// Trains under mpirun, on the packs of the embedded voice, and looks at what a run left.
class SeveralTrainingsCase: SeveralProcessesCase {
    var packs = ""

    override func setUpWithError() throws {
        try super.setUpWithError()
        packs = try Self.packed.get()
    }

    /// Made once; nobody writes there.
    private static let packed = Result<String, any Error> {
        let place = NSTemporaryDirectory() + "several-packs-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let made = try OpahProcess.run(["-e", "print(require 'opah.embedded'.packs('\(place)'))"])
        XCTAssertEqual(made.code, 0, made.errors)
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func training(_ project: String, steps: Int, _ more: String...) -> [String] {
        [
            "run", "train", "project=\(project)", "pretrained_ckpt_path=\(Self.tiny)",
            "train_dataset.proto_files=[\(packs)]", "max_length=512", "data.batch_size=4",
            "trainer.max_steps=\(steps)", "trainer.val_check_interval=4",
            "callbacks.model_checkpoint.every_n_train_steps=3", "model.optimizer.lr=1e-3",
            "train_dataset.val_fraction=0.2", "+lora@model.model.lora_config=r_8_alpha_16"
        ] + more
    }

    func checkpoint(_ project: String, _ step: Int) throws -> Data {
        let digits = String(step)
        return try Data(
            contentsOf: URL(
                fileURLWithPath: folder(
                    "results/\(project)/checkpoints/step_" + String(repeating: "0", count: 9 - digits.count) + digits
                        + ".ckpt")))
    }

    func waitForStep(_ project: String, _ step: Int, _ running: Running) {
        let end = Date() + 60
        while Date() < end, running.process.isRunning {
            let text = (try? String(contentsOfFile: folder("results/\(project)/metrics.jsonl"), encoding: .utf8)) ?? ""
            if text.contains("\"stage\": \"train\", \"step\": \(step),") { return }
            usleep(5000)
        }
        XCTFail("no step \(step): \(running.said)")
    }

    func lastStep(_ project: String) -> Int {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: folder("results/\(project)/checkpoints"))) ?? []
        XCTAssertFalse(names.contains { $0.hasSuffix(".tmp") }, "\(names)")
        return names.compactMap { Int($0.dropFirst(5).dropLast(5)) }.max() ?? 0
    }
}
