import Foundation
import Support
import XCTest

/// Locks of folders, among processes: `flock(1)` holds one as another program would.
final class FolderLockTests: XCTestCase {
    private var folder = ""
    override func setUp() { folder = NSTemporaryDirectory() + "opah-lock-\(UUID().uuidString.prefix(8))" }
    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func refusal(_ name: String = ".lock", file: StaticString = #filePath, line: UInt = #line) -> String {
        do {
            _ = try FolderLock(folder, for: "testing", name: name)
            XCTFail("not refused", file: file, line: line)
            return ""
        } catch {
            XCTAssertEqual((error as? OpahError)?.kind, .file, file: file, line: line)
            return "\(error)"
        }
    }

    func testOneAtATimeAndNothingIsLeft() throws {
        let lock = try FolderLock(folder, for: "testing")
        XCTAssertTrue(refusal().contains("\(folder): this program is at work here already (testing)"), refusal())
        // Another name is another lock, and a refusal takes nothing from the one that is held.
        let other = try FolderLock(folder, for: "more", name: ".other")
        other.release()
        _ = refusal()
        lock.release()
        lock.release()
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder), "the folder was made for the lock")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        do { _ = try FolderLock(folder, for: "testing") }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [], "a folder that was there stays")
        let again = try FolderLock(folder + "/a/b", for: "testing")
        try Data().write(to: URL(fileURLWithPath: folder + "/a/b/result"))
        again.release()
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder + "/a/b"), ["result"])
    }

    private func holder(saying note: String) throws -> Process {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try note.write(toFile: folder + "/.lock", atomically: false, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec 9<>\"$0/.lock\" && flock -n 9 && touch \"$0/ready\" && exec sleep 60", folder]
        try process.run()
        while process.isRunning, !FileManager.default.fileExists(atPath: folder + "/ready") { usleep(5000) }
        return process
    }

    func testTheOtherIsNamed() throws {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
            since = Int(Date().timeIntervalSince1970) - 125
        let process = try holder(
            saying: #"{"process": 4711, "host": "\#(host)", "since": \#(since), "command": "opah run mine.lua"}"#)
        defer { process.terminate() }
        let text = refusal()
        for part in [
            "another process is at work here (testing)", "4711 on \(host)", "UTC (2:0", "opah run mine.lua",
            "kill -INT 4711\u{201D}, or"
        ] { XCTAssertTrue(text.contains(part), text) }
        try #"{"process": 4711, "host": "elsewhere", "since": 0, "command": "x"}"#.write(
            toFile: folder + "/.lock", atomically: false, encoding: .utf8)
        XCTAssertTrue(refusal().contains("kill -INT 4711\u{201D} on elsewhere"), refusal())
        // Damaged, or not yet written: still refused.
        try "{ torn".write(toFile: folder + "/.lock", atomically: false, encoding: .utf8)
        XCTAssertTrue(refusal().contains("another process is at work here (testing)"), refusal())
    }

    func testWhatAKilledProcessLeftIsTakenOver() throws {
        let process = try holder(saying: "killed before it could say anything")
        _ = refusal()
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let lock = try FolderLock(folder, for: "testing")
        let note = try JSON.decode(String(contentsOfFile: folder + "/.lock", encoding: .utf8))
        XCTAssertEqual(note["process"]?.int, Int(getpid()))
        lock.release()
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["ready"])
    }

    /// Many take and release at once: never two hold it.
    func testNeverTwo() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        nonisolated(unsafe) var inside = 0, most = 0, taken = 0
        let guarding = NSLock(), place = folder, end = ContinuousClock.now + .seconds(20)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            while guarding.withLock({ taken < 300 }), ContinuousClock.now < end {
                guard let lock = try? FolderLock(place, for: "testing") else { continue }
                guarding.withLock {
                    (inside, taken) = (inside + 1, taken + 1)
                    most = max(most, inside)
                }
                usleep(30)
                guarding.withLock { inside -= 1 }
                lock.release()
            }
        }
        XCTAssertEqual(most, 1)
        XCTAssertGreaterThanOrEqual(taken, 300)
    }

    func testAFolderThatCannotBeWrittenTo() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder + "/file"))
        XCTAssertThrowsError(try FolderLock(folder + "/file", for: "testing")) {
            XCTAssertTrue("\($0)".contains("/file"), "\($0)")
        }
    }

    /// In a folder from a stranger the lock's name may lead anywhere.
    func testWhatIsNoPlainFileIsNoLock() throws {
        try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
        let outside = folder + "/precious", lock = folder + "/inner/.lock"
        try "precious".write(toFile: outside, atomically: false, encoding: .utf8)
        let plants: [(String, () -> Void)] = [
            ("a link", { symlink(outside, lock) }), ("a link", { symlink(self.folder + "/new", lock) }),
            ("a hard link", { link(outside, lock) }), ("a pipe", { mkfifo(lock, 0o644) }),
            ("a folder", { mkdir(lock, 0o755) })
        ]
        for (kind, plant) in plants {
            plant()
            XCTAssertThrowsError(try FolderLock(folder + "/inner", for: "testing"), kind) { error in
                XCTAssertEqual((error as? OpahError)?.kind, .file)
                XCTAssertTrue(
                    "\(error)".contains("\(lock): cannot be the lock of the folder") && "\(error)".contains(kind),
                    "\(error)")
                XCTAssertTrue("\(error)".contains("remove \(lock)"), "\(error)")
            }
            XCTAssertEqual(try String(contentsOfFile: outside, encoding: .utf8), "precious", kind)
            remove(lock)
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder).sorted(), ["inner", "precious"])
        try FolderLock(folder + "/inner", for: "testing").release()
    }

    private func hostName() throws -> String {
        var name = [CChar](repeating: 0, count: 256)
        XCTAssertEqual(gethostname(&name, name.count - 1), 0)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func testWhoWasRefusedIsKnown() throws {
        let process = try holder(
            saying: #"{"process": \#(getppid()), "host": "\#(try hostName())", "since": 0, "command": "x"}"#)
        defer { process.terminate() }
        XCTAssertTrue(FolderLock.isHeldElsewhere(folder))
        XCTAssertFalse(FolderLock.wasRefused(folder))
        _ = refusal()
        XCTAssertTrue(FolderLock.wasRefused(folder + "/."))
        XCTAssertFalse(FolderLock.wasRefused(folder + "/other"))
        XCTAssertFalse(FolderLock.isHeldElsewhere(folder + "/other"))
    }
}
