import Foundation
import LuaHost
import LuaTestSupport
import XCTest

final class TensorCreationTests: TensorTestCase {
    func testFromTables() {
        check(.file("from_tables"))
    }

    func testFilled() {
        check(.file("filled"))
    }

    func testRandom() {
        check(.file("random"))
    }

    func testJoining() {
        check(.file("joining"))
    }

    func testFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try lua.setGlobal("folder", folder.path)
        check(.file("files"))
    }

    func testRuntime() {
        check(.file("runtime"))
    }
}
