import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// Calls as newcomers write them: sound with the info table of audio.load behind it, tensors where lists are asked for,
/// and slips that must not pass unnoticed.
final class SampleArgumentTests: XCTestCase {
    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: .file("setup"), file: file, line: line)
    }

    func testWhatAudioLoadGivesIsAWholeArgumentList() throws {
        try check(.file("what_audio_load_gives_is_a_whole_argument_list"))
    }

    func testSlipsAreNoticed() throws {
        try check(.file("slips_are_noticed"))
    }

    func testTokensAndPrompts() throws {
        try check(.file("tokens_and_prompts"))
    }

    /// What objects are is said in a line, not as an address.
    func testObjectsSayWhatTheyAre() throws {
        try check(
            """
            model = lm.load(embedded.model)
            assert(tostring(model) == "LanguageModel (2 layers of width 32, 8 codebooks, 0.38 million weights)", tostring(model))
            lora.apply(model, "r_4_alpha_8")
            assert(tostring(model):find("1 adapter)", 1, true))
            assert(tostring(train.adamw(model:parameters(), { lr = 0.5 })) == "AdamW (40 tensors, lr 0.5)")
            assert(tostring(lora.config { r = 4, lora_alpha = 6, targets = { "slow", "fast" } }) == "LoRAConfig (r 4, lora_alpha 6, lora_dropout 0, targets slow, fast)")

            assert(prompt.reload("tables") ~= nil)
            fails("argument", "opah.audio is part of the program", prompt.reload, "audio")
            """)
    }
}
