import LuaHost
import LuaTestSupport
import Support
import TestSupport
import XCTest

/// `opah.data` and `opah.train` as recipes use them, on the tiny checkpoint and made-up codes.
final class DataTrainTests: XCTestCase {
    /// Packs in `folder/protos` of two speakers with eight clips each.
    private static let setup = LuaScript.file("setup")

    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testClipsAndPacks() throws {
        try check(.file("clips_and_packs"))
    }

    func testRowsAndBatches() throws {
        try check(.file("rows_and_batches"))
    }

    /// A loop in Lua over batch, loss, backward, clip and step does what train.fit does.
    func testALoopInLuaIsFit() throws {
        try check(.file("a_loop_in_lua_is_fit"))
    }

    func testEachSpeakerHasAHeldOutLoss() throws {
        try check(.file("each_speaker_has_a_held_out_loss"))
    }

    func testSchedules() throws {
        try check(
            """
            local constant, cosine = train.constant_with_warmup(10), train.cosine_with_warmup(0.1, 50, { final_lr_ratio = 0.1 })
            assert(constant(0) == 0 and constant(5) == 0.5 and constant(10) == 1 and constant(1000) == 1)
            assert(cosine(0) == 0 and cosine(5) == 1 and cosine(50) == 0.1)
            assert(train.constant_with_warmup(0.05, 200)(5) == 0.5)
            fails("config", "num_warmup_steps", train.constant_with_warmup, -1)
            fails("config", "num_training_steps", train.constant_with_warmup, 0.5)
            """)
    }

    func testFitResumesStopsAndRefuses() throws {
        try check(.file("fit_resumes_stops_and_refuses"))
    }
}
