import XCTest

import Support

final class FileMoveTests: XCTestCase {
    private var folder = "", elsewhere = ""

    override func setUpWithError() throws {
        folder = NSTemporaryDirectory() + "file-move-\(UUID().uuidString)"
        // Memory's file system: never the one that temporary files or the project are on, unless those are in memory.
        elsewhere = "/dev/shm/file-move-\(UUID().uuidString)"
        for path in [folder, elsewhere] { try FileKind.makeFolder(path) }
    }

    override func tearDown() {
        for path in [folder, elsewhere] { try? FileManager.default.removeItem(atPath: path) }
    }

    func testAFileGoesToAnotherFileSystemAndReplacesWhatIsThere() throws {
        for target in [folder + "/b", elsewhere + "/b"] {
            try AtomicFile.write(folder + "/a", "new")
            try AtomicFile.write(target, "old")
            try FileMove.move(folder + "/a", to: target)
            XCTAssertEqual(try String(contentsOfFile: target, encoding: .utf8), "new")
            XCTAssertFalse(FileKind.exists(folder + "/a"))
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: elsewhere), ["b"])
    }

    func testWhatCannotMoveStaysWhereItWas() throws {
        try FileKind.makeFolder(folder + "/speaker")
        try AtomicFile.write(folder + "/speaker/a.lab", "text")
        var other = stat(), here = stat()
        stat(elsewhere, &other)
        stat(folder, &here)
        try XCTSkipIf(other.st_dev == here.st_dev, "temporary files are on the file system of /dev/shm")
        XCTAssertThrowsError(try FileMove.move(folder + "/speaker", to: elsewhere + "/speaker")) { error in
            XCTAssertTrue((error as? OpahError)?.hint?.contains("one by one") ?? false, "\(error)")
        }
        XCTAssertThrowsError(try FileMove.move(folder + "/none", to: elsewhere + "/none"))
        XCTAssertTrue(FileKind.exists(folder + "/speaker/a.lab"))
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: elsewhere), [])
    }
}
