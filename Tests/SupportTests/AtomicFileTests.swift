import Foundation
import Support
import XCTest

/// Files that appear whole or not at all, alone and in groups, and what killed processes leave of them.
final class AtomicFileTests: XCTestCase {
    private var folder = ""
    override func setUpWithError() throws {
        folder = NSTemporaryDirectory() + "opah-atomic-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }
    private func put(_ name: String, _ text: String = "") throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    private func text(_ name: String) -> String? { try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
    private func mode(_ name: String) -> mode_t {
        var info = stat()
        return lstat("\(folder)/\(name)", &info) == 0 ? info.st_mode & 0o7777 : 0
    }

    /// A process that has ended, and that has been waited for.
    private func deadProcess() throws -> pid_t {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        return process.processIdentifier
    }

    // MARK: one file

    func testTemporaryNamesCannotBeGuessed() throws {
        var seen: Set<String> = []
        for _ in 0 ..< 20 {
            let file = try AtomicFile(folder + "/result.npy")
            let name = try XCTUnwrap(names.first)
            XCTAssertEqual(names.count, 1)
            XCTAssertTrue(seen.insert(name).inserted, "twice \(name)")
            let writer = try XCTUnwrap(TemporaryName.writer(name), name)
            XCTAssertEqual(writer.process, getpid())
            _ = file
        }
        XCTAssertEqual(names, [], "dropped")
        // A long name in any script stays below the system's 255 bytes.
        for name in [String(repeating: "x", count: 255), String(repeating: "が", count: 85)] {
            try AtomicFile.write("\(folder)/\(name)", "whole")
            XCTAssertEqual(text(name), "whole")
        }
    }

    func testALinkIsReplacedAndNotWrittenThrough() throws {
        try put("precious", "precious")
        symlink("precious", folder + "/t.npy")
        try AtomicFile.write(folder + "/t.npy", "new")
        XCTAssertEqual([text("precious"), text("t.npy")], ["precious", "new"])
    }

    func testPermissionsAreKept() throws {
        for kept: mode_t in [0o600, 0o640, 0o755, 0o444] {
            try? FileManager.default.removeItem(atPath: folder + "/file")
            try put("file", "old")
            chmod(folder + "/file", kept)
            let file = try AtomicFile(folder + "/file")
            for name in names where name != "file" {
                XCTAssertEqual(mode(name) & ~kept, 0, "readable for more than it was")
            }
            try file.write("new")
            try file.commit()
            XCTAssertEqual(mode("file"), kept)
            XCTAssertEqual(text("file"), "new")
        }
        let mask = umask(0o027)
        defer { umask(mask) }
        try AtomicFile.write(folder + "/fresh", "x")
        XCTAssertEqual(mode("fresh"), 0o640)
    }

    func testWhatIsNoFileIsRefusedBeforeAnythingIsWritten() throws {
        mkdir(folder + "/folder", 0o755)
        mkfifo(folder + "/pipe", 0o644)
        symlink("folder", folder + "/link")
        for (name, kind) in [("folder", "a folder"), ("pipe", "a pipe"), ("link", "a folder")] {
            XCTAssertThrowsError(try AtomicFile("\(folder)/\(name)")) { error in
                XCTAssertTrue("\(error)".contains("\(folder)/\(name): cannot write: this is \(kind)"), "\(error)")
                XCTAssertEqual((error as? OpahError)?.kind, .file)
            }
        }
        XCTAssertThrowsError(try AtomicFile("/dev/null")) { XCTAssertTrue("\($0)".contains("a device"), "\($0)") }
        XCTAssertEqual(names, ["folder", "link", "pipe"])
    }

    func testAFullDiskEndsTheRunAndOtherErrorsDoNot() {
        for code in [ENOSPC, EDQUOT, EROFS] {
            let error = OpahError.system("a.wav", errno: code, doing: "write")
            XCTAssertTrue(error.isFatal && error.at("b.wav").isFatal)
        }
        for code in [ENOENT, EACCES, EISDIR, EIO] {
            XCTAssertFalse(OpahError.system("a.wav", errno: code, doing: "write").isFatal)
        }
    }

    // MARK: reading

    func testOnlyPlainFilesAreRead() throws {
        mkfifo(folder + "/pipe", 0o644)
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array((folder + "/socket").utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        for (path, kind) in [(folder + "/pipe", "a pipe"), (folder + "/socket", "a socket"), ("/dev/zero", "a device")]
        {
            XCTAssertThrowsError(try MappedFile(path)) {
                XCTAssertTrue("\($0)".contains("\(path): is not a regular file but \(kind)"), "\($0)")
            }
        }
        XCTAssertThrowsError(try MappedFile(folder)) { XCTAssertTrue("\($0)".contains("Is a directory"), "\($0)") }
    }

    // MARK: leftovers

    func testOnlyAbandonedFilesOfOurOwnAreRemoved() throws {
        let gone = try deadProcess(), host = TemporaryName.host, random = "0123456789abcdef"
        let kept = [
            ".a.wav.\(getpid())-\(host)-\(random).tmp",   // of a process that lives
            ".a.wav.\(gone)-0badcafe-\(random).tmp",   // of another machine, just now
            ".a.wav.\(gone).tmp", ".a.wav.\(gone)-\(host)-\(random)", "a.wav.\(gone)-\(host)-\(random).tmp",
            ".a.wav.\(gone)-\(host)-0123.tmp", ".notes.123.tmp", ".a.wav.x-\(host)-\(random).tmp", "a.wav"
        ]
        for name in kept { try put(name, "kept") }
        mkdir(folder + "/speaker", 0o755)
        try put("speaker/.b.lab.\(gone)-\(host)-\(random).tmp")
        try put(".c.npy.\(gone)-\(host)-\(random).tmp")
        try put(".old.\(getppid())-0badcafe-\(random).tmp")
        var times = [timeval(tv_sec: time(nil) - 200_000, tv_usec: 0), timeval(tv_sec: time(nil) - 200_000, tv_usec: 0)]
        utimes(folder + "/.old.\(getppid())-0badcafe-\(random).tmp", &times)
        symlink("a.wav", folder + "/.link.\(gone)-\(host)-\(random).tmp")
        // A folder of ours is removed with what is in it, but not through links.
        let staging = ".merged.\(gone)-\(host)-\(random).tmp"
        mkdir("\(folder)/\(staging)", 0o755)
        try put("\(staging)/model.pth", "half")
        symlink("../speaker", "\(folder)/\(staging)/away")
        try put("speaker/stays")
        do {
            let lock = try FolderLock(folder, for: "testing")
            lock.release()
        }
        XCTAssertEqual(names, (kept + ["speaker"]).sorted())
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder + "/speaker"), ["stays"])
        // Of one file alone.
        try put(".x.\(gone)-\(host)-\(random).tmp")
        try put(".y.\(gone)-\(host)-\(random).tmp")
        Leftovers.remove(in: folder, of: "x")
        XCTAssertFalse(names.contains { $0.hasPrefix(".x.") })
        XCTAssertTrue(names.contains { $0.hasPrefix(".y.") })
    }

    // MARK: groups

    func testAGroupGivesNamesTogether() throws {
        let group = CommitGroup(maximum: 1000, seconds: 1000)
        for i in 0 ..< 10 { try group.add("clip \(i)") { try AtomicFile.write("\(folder)/\(i)", "\(i)") } }
        try AtomicFile.write(folder + "/alone", "outside of it")
        XCTAssertEqual(names.filter { !$0.hasPrefix(".") }, ["alone"])
        XCTAssertEqual(group.finish().count, 0)
        XCTAssertEqual(names, (0 ..< 10).map(String.init) + ["alone"])
        XCTAssertEqual(text("7"), "7")
        // Dropped, it leaves nothing.
        do {
            let other = CommitGroup(maximum: 1000, seconds: 1000)
            try other.add("clip") { try AtomicFile.write(folder + "/never", "x") }
        }
        XCTAssertEqual(names.count, 11)
    }

    func testAGroupIsFlushedWhenItIsFullOrOld() throws {
        let full = CommitGroup(maximum: 3, seconds: 1000)
        for i in 0 ..< 4 { try full.add("clip") { try AtomicFile.write("\(folder)/\(i)", "x") } }
        XCTAssertEqual(names.filter { !$0.hasPrefix(".") }, ["0", "1", "2"])
        let old = CommitGroup(maximum: 1000, seconds: 0)
        try old.add("clip") { try AtomicFile.write(folder + "/old", "x") }
        XCTAssertNotNil(text("old"))
    }

    func testErrorsBelongToTheirOwnerAndNothingClaimsMoreThanThereIs() throws {
        let group = CommitGroup(maximum: 1000, seconds: 1000)
        for owner in ["good", "bad", "late"] {
            try group.add(owner) { try AtomicFile.write("\(folder)/\(owner).wav", owner) }
            try group.record(owner) { try AtomicFile.write("\(folder)/\(owner).done", "1") }
        }
        mkdir(folder + "/bad.wav", 0o755)   // its name is taken meanwhile
        let failures = group.finish()
        XCTAssertEqual(failures.map(\.owner), ["bad"])
        XCTAssertTrue("\(failures.first!.error)".contains("bad.wav: cannot rename into place"), "\(failures)")
        XCTAssertEqual(names, ["bad.wav", "good.done", "good.wav", "late.done", "late.wav"])
        XCTAssertEqual(group.finish().count, 0, "each is told of once")
    }

    func testAnErrorOfTheWorkIsThrownAndWhatWasCompleteStays() throws {
        struct Problem: Error {}
        let group = CommitGroup(maximum: 1000, seconds: 1000)
        XCTAssertThrowsError(
            try group.add("clip") {
                try AtomicFile.write(folder + "/first", "x")
                throw Problem()
            }
        ) { XCTAssertTrue($0 is Problem) }
        try AtomicFile.write(folder + "/second", "after it nothing joins any more")
        XCTAssertNotNil(text("second"))
        _ = group.finish()
        XCTAssertNotNil(text("first"))
    }

    func testManyThreadsJoinOneGroup() throws {
        let group = CommitGroup(maximum: 16, seconds: 1000), place = folder
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for i in 0 ..< 25 {
                try? group.add("\(thread)-\(i)") { try AtomicFile.write("\(place)/\(thread)-\(i)", "\(thread)-\(i)") }
            }
        }
        XCTAssertEqual(group.finish().count, 0)
        XCTAssertEqual(names.count, 200)
        for name in names { XCTAssertEqual(text(name), name) }
    }
}
