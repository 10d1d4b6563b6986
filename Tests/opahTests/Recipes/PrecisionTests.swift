import LuaTestSupport
import TestSupport
import XCTest

/// Training with products of bfloat16 factors, on trained weights and real clips: how far it is from float32.
final class PrecisionTests: XCTestCase {
    /// Packs of a hundred clips that the embedded voice has never heard, under each other's speaker's name, so that
    /// there is something to learn.
    private func run(_ script: LuaScript) throws {
        let folder = try TestFolder("precision")
        let result = try OpahProcess.run(script.command(after: .file("begin")), folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors + result.output)
    }

    /// One step: the loss within 0.2 %, each tensor's gradient within 3 degrees or so of float32's, for each kind of
    /// adapter and for all weights.
    func testAStepsGradientsPointTheSameWay() throws {
        try run(.file("a_steps_gradients_point_the_same_way"))
    }

    /// Thirty steps: the held-out loss falls alike.
    func testThirtyStepsEndAlike() throws {
        try run(.file("thirty_steps_end_alike"))
    }

    /// A run in one precision is not gone on with in another, unless both mean the same numbers.
    func testAnotherPrecisionIsAnotherRun() throws {
        try run(.file("another_precision_is_another_run"))
    }
}
