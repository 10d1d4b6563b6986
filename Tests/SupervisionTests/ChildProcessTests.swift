import Supervision
import Support
import TestSupport
import XCTest

final class ChildProcessTests: XCTestCase {
    private func shell(
        _ script: String, environment: [String: String] = [:], folder: String? = nil,
        errors: ChildProcess.Output = .captured
    ) throws -> ChildProcess {
        try ChildProcess(["sh", "-c", script], environment: environment, folder: folder, errors: errors)
    }

    func testSaysHowItEndedAndWhatItWrote() throws {
        let folder = try TestFolder()
        let child = try shell(
            "echo $COLOUR; pwd; echo wrong >&2; exit 7", environment: ["COLOUR": "blue"], folder: folder.path)
        let end = try child.wait()
        XCTAssertEqual(end.code, 7)
        XCTAssertNil(end.signal)
        XCTAssertEqual(child.output(), "blue\n\(FileKind.resolved(folder.path))\n")
        XCTAssertEqual(child.errors(), "wrong\n")
        XCTAssertEqual(child.poll(), end)
    }

    func testOutputsCanBeOneOrAFile() throws {
        let folder = try TestFolder()
        let merged = try shell("echo a; echo b >&2", errors: .merged)
        _ = try merged.wait()
        XCTAssertEqual(merged.output(), "a\nb\n")
        _ = try ChildProcess(["sh", "-c", "echo c; echo d >&2"], output: .file(folder("log")), errors: .discarded)
            .wait()
        XCTAssertEqual(try MappedFile.text(folder("log")), "c\n")
    }

    func testWhatKilledItIsTold() throws {
        let end = try shell("kill -9 $$").wait()
        XCTAssertEqual(end.signal, SIGKILL)
        XCTAssertEqual(end.code, 137)
        XCTAssertThrowsError(try ChildProcess(["/nonexistent/program"])) {
            XCTAssertTrue("\($0)".contains("/nonexistent/program"), "\($0)")
        }
    }

    /// The time limit also ends what the child has started.
    func testAnEndIsPutToItAndWhatItStarted() throws {
        let folder = try TestFolder()
        let child = try shell("sleep 60 & echo $! > '\(folder("pid"))'; wait")
        let end = try child.wait(timeout: 0.3)
        XCTAssertTrue(child.wasStopped)
        XCTAssertNotEqual(end.code, 0)
        XCTAssertLessThan(end.seconds, 20)
        let grandchild = try XCTUnwrap(
            pid_t(MappedFile.text(folder("pid")).trimmingCharacters(in: .whitespacesAndNewlines)))
        // Orphans are collected by whoever runs this machine; until then they are zombies, which do not run.
        var state = "", tries = 0
        repeat {
            state = (try? String(contentsOfFile: "/proc/\(grandchild)/stat", encoding: .utf8)) ?? ""
            tries += 1
            usleep(20_000)
        } while !state.isEmpty && !state.contains(") Z") && tries < 250
        XCTAssertTrue(state.isEmpty || state.contains(") Z"), state)
    }

    /// The peak is the child's own, however much this process holds.
    func testThePeakIsItsOwn() throws {
        let size = 300 << 20
        let ballast = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        memset(ballast, 1, size)
        defer { ballast.deallocate() }
        let small = try shell("sleep 0.3").wait()
        XCTAssertLessThan(small.peakBytes, 100 << 20)
        XCTAssertGreaterThan(small.peakBytes, 100 << 10)
        // tail keeps what it reads, as it waits for a line's end. Asked of a small program: what a child's own children
        // hold is told apart from what it inherits only above its parent's peak, and that of these tests is high.
        let large = try OpahProcess.run([
            "-e",
            "print(require('opah.machine').run({ 'sh', '-c', 'head -c 629145600 /dev/zero | tail -n 1 | wc -c' }).peak)"
        ])
        XCTAssertGreaterThan(
            Int(large.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0, 550 << 20, large.errors)
    }

    func testMemoryOfAProcess() throws {
        let own = ProcessMemory.of("self")
        XCTAssertGreaterThan(own.resident, 1 << 20)
        XCTAssertGreaterThanOrEqual(own.peak, own.resident)
        XCTAssertEqual(ProcessMemory.of("0").resident, 0)
        let machine = ProcessMemory.machine()
        XCTAssertGreaterThanOrEqual(machine.total, machine.available)
    }

    func testThePeakCanBeginAgain() throws {
        let size = 200 << 20, block = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        memset(block, 1, size)
        let high = ProcessMemory.of("self").peak
        munmap(block, size)
        try XCTSkipUnless(ProcessMemory.resetPeak(), "this system cannot reset the peak")
        XCTAssertLessThan(ProcessMemory.of("self").peak, high - size / 2)
    }
}
