import TestSupport
import XCTest

/// A codec's training step that cannot be taken: Tests/Lua/codec/unbounded.lua.
final class CodecStepTests: XCTestCase {
    func testAnUnboundedGradientChangesNothing() throws {
        let folder = try TestFolder("codec-step")
        let result = try OpahProcess.run([OpahProcess.checkout + "/Tests/Lua/codec/unbounded.lua"], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertTrue(result.errors.contains("step 2: a gradient without a bound"), result.errors)
    }
}
