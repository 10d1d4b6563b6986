import LuaTestSupport
import TestSupport
import XCTest

/// What the studio makes of a run's figures while their file changes underneath.
final class StudioMetricsTests: XCTestCase {
    func testFiguresOfAFileThatIsCutOrHasNoEnd() throws {
        let folder = try TestFolder("studio-metrics")
        let result = try OpahProcess.run(LuaScript.file("metrics").command(), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
    }
}
