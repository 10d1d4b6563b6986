import LuaTestSupport
import XCTest

/// The embedded weights were trained: what they say depends on the text and on the speaker.
final class EmbeddedVoiceTests: XCTestCase {
    private static let voice = LuaScript.file("voice")

    /// The right text explains what was said better than any other does.
    func testTextsAreHeeded() throws {
        try LuaFixture.check(.file("texts_are_heeded"), after: Self.voice)
    }

    /// The speaker's role is the voice: the other role explains the codes worse.
    func testSpeakersDiffer() throws {
        try LuaFixture.check(
            """
            for _, pair in ipairs { { "rms", "slt" }, { "slt", "rms" } } do
              local codes = speak(texts[2], pair[1])
              assert(nll(model, texts[2], codes, pair[2]) > nll(model, texts[2], codes, pair[1]) + 0.3, pair[1])
            end
            """, after: Self.voice)
    }
}
