import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// `opah.tables`, `opah.callbacks` and the stock configurations.
final class StandardLibraryTests: XCTestCase {
    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: .file("setup"), file: file, line: line)
    }

    func testTheFolderThatClipsGoToIsEmptiedAndLocked() throws {
        try check(.file("the_folder_that_clips_go_to_is_emptied_and_locked"))
    }

    func testTablesAlignTextAndEscape() throws {
        try check(.file("tables_align_text_and_escape"))
    }

    func testEarlyStopWaitsForItsPatience() throws {
        try check(
            """
            local stop = opah.callbacks.early_stop { patience = 2, min_delta = 0.1 }
            local function feed(step, loss) stop:on_validation { step = step, loss = loss } return stop:on_step { step = step } end
            assert(feed(0, 5) and feed(10, 4) and feed(20, 3.95) and not stop.reason)
            assert(feed(30, 3.8) and feed(40, 3.9))
            assert(not feed(50, 3.9) and stop.reason:find("was 3.8000 at step 30", 1, true))
            """)
    }

    func testTheEarliestGoodCheckpointIsPicked() throws {
        try check(.file("the_earliest_good_checkpoint_is_picked"))
    }

    func testCallbacksWorkInARun() throws {
        try check(.file("callbacks_work_in_a_run"))
    }

    /// The train recipe takes both from its configuration.
    func testTheTrainRecipeStopsEarlyAndSpeaks() throws {
        let folder = try TestFolder("callbacks"), tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
        let result = try OpahProcess.run(
            [
                "run", "train", "project=p", "+lora@model.model.lora_config=r_4_alpha_8",
                "pretrained_ckpt_path=\(tiny)", "max_length=512", "train_dataset.proto_files=[data/protos]",
                "train_dataset.val_fraction=0.2", "data.batch_size=1", "trainer.max_steps=40",
                "trainer.val_check_interval=2", "model.optimizer.lr=1e-12", "callbacks.early_stop.patience=2",
                "callbacks.audition.sentences=[Good evening.,今晩は。]", "callbacks.audition.every=2",
                "callbacks.audition.max_new_tokens=5",
                "callbacks.audition.codec_config=\(tiny)/codec.lua",
                "callbacks.audition.codec_checkpoint=\(tiny)/codec.pth"
            ], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertTrue(result.errors.contains("stopping early: the loss on held-out clips is"), result.errors)
        XCTAssertTrue(result.errors.contains("stopped by the recipe after 5 steps"), result.errors)
        let heard = try FileManager.default.contentsOfDirectory(atPath: folder("results/p/auditions")).sorted()
        XCTAssertEqual(heard, ["step_000000002", "step_000000005"])
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("results/p/auditions/step_000000005/2.npy")))
    }

    func testModulesInLuaHaveHelp() throws {
        try check(.file("modules_in_lua_have_help"))
    }

    func testStockConfigurations() throws {
        try check(.file("stock_configurations"))
    }
}
