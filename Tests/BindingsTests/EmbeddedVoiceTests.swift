import LuaTestSupport
import XCTest

/// The embedded weights were trained: what they say depends on the text and on the speaker.
final class EmbeddedVoiceTests: XCTestCase {
    private static let voice = """
        voice, nll = opah.embedded.voice, require("opah.transcripts.likelihood").of
        model = lm.load(voice.model)
        codec = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
        texts = {
          "The old bird waited behind the harbour again.", "Please bring the quiet guitar to my mother.",
          "Nine candles are near the yellow window.", "The doctor and the sailor painted a small letter.",
        }
        function speak(text, speaker)
          local options = { text = text, speaker = speaker, seed = 1, codec = codec }
          for name, value in pairs(voice.generate) do options[name] = value end
          return model:generate(options)
        end

        """

    /// The right text explains what was said better than any other does.
    func testTextsAreHeeded() throws {
        try LuaFixture.check(
            """
            for i, text in ipairs(texts) do
              local codes, info = speak(text, "rms")
              assert(not info.length_limit_hit, text)
              assert(codes:max():item() < codec.codebook_size)
              local seconds = codes:size(2) / codec.frame_rate
              assert(seconds > 1.5 and seconds < 5, ("%s: %.1f s"):format(text, seconds))
              local own = nll(model, text, codes, "rms")
              for k, other in ipairs(texts) do
                if k ~= i then assert(nll(model, other, codes, "rms") > own + 0.3, ("%s explains '%s'"):format(other, text)) end
              end
            end
            """, after: Self.voice)
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
