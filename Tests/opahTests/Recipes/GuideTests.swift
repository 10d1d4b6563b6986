import Foundation
import TestSupport
import XCTest

/// Guides that cannot drift: every `sh` block of docs/*.md is run, in order, in one shell in an empty folder; every
/// `diff` block is applied; every line of an `output` block must have been said.
final class GuideTests: XCTestCase {
    func testFromFishSpeechInEnglish() throws { try follow("from-fish-speech.en.md") }
    func testFromFishSpeechInJapanese() throws { try follow("from-fish-speech.ja.md") }
    func testWritingARecipeInEnglish() throws { try follow("writing-a-recipe.en.md") }
    func testWritingARecipeInJapanese() throws { try follow("writing-a-recipe.ja.md") }
    func testFromRecordingsToAVoiceInEnglish() throws { try follow("from-recordings-to-a-voice.en.md") }
    func testSeveralMachinesInEnglish() throws { try follow("several-machines.en.md") }
    func testServingInEnglish() throws { try follow("serving.en.md") }

    func testEveryGuideHasATest() throws {
        let guides = try FileManager.default.contentsOfDirectory(atPath: OpahProcess.checkout + "/docs").filter {
            $0.hasSuffix(".en.md") || $0.hasSuffix(".ja.md")
        }
        let tests = try String(contentsOfFile: #filePath, encoding: .utf8)
        for guide in guides where !Self.sameInJapanese.contains(guide.replacing(".ja.md", with: "")) {
            let hasCommands = try !Guide(guide).blocks(["sh"]).isEmpty
            XCTAssertTrue(!hasCommands || tests.contains("follow(\"\(guide)\")"), "no test follows docs/\(guide)")
        }
    }

    /// What is long to follow is followed in English; the Japanese page says and shows the same.
    private static let sameInJapanese = ["from-recordings-to-a-voice", "several-machines", "serving"]

    func testTheJapanesePagesOfLongGuidesAreTheSame() throws {
        for name in Self.sameInJapanese {
            let english = try Guide(name + ".en.md").blocks(["sh", "diff", "output"]),
                japanese = try Guide(name + ".ja.md").blocks(["sh", "diff", "output"])
            XCTAssertFalse(english.isEmpty, name)
            XCTAssertEqual(japanese.map(\.kind), english.map(\.kind), name)
            func shown(_ blocks: [Guide.Block]) -> [String] { blocks.map { $0.text.replacing(/"[^"$]*"/, with: "_") } }
            XCTAssertEqual(shown(japanese), shown(english), "\(name): more than texts to speak differs")
        }
    }

    /// Both languages show the same commands; only texts to speak and files to listen to may differ.
    func testLanguagesShowTheSameCommands() throws {
        for name in ["from-fish-speech", "writing-a-recipe"] {
            func commands(_ language: String) throws -> [String] {
                try Guide("\(name).\(language).md").blocks(["sh", "diff"]).map {
                    $0.text.replacing(/"[^"$]*"|data(-raw)?\/[^ ]+/, with: "_").replacing(/ls _?[^ \n]*/, with: "ls")
                }
            }
            XCTAssertEqual(try commands("ja"), try commands("en"), name)
        }
    }

    func testANewRecipeTakesFewerThanTenLines() throws {
        let changes = try Guide("writing-a-recipe.en.md").blocks(["diff"])
        XCTAssertEqual(changes.count, 1)
        let added = changes[0].text.split(separator: "\n").filter { $0.hasPrefix("+") && !$0.hasPrefix("+++") }
        XCTAssertEqual(added.count, 8, "the guide says eight")
    }

    private func follow(_ name: String) throws {
        let guide = try Guide(name), folder = try TestFolder("guide")
        var script = "set -euo pipefail\n"
        for block in guide.blocks(["sh", "diff"]) {
            script += "echo '\(name), line \(block.line)' >&2\n"
            script += block.kind == "sh" ? block.text : "patch -s -p0 <<'OPAH_DIFF'\n\(block.text)OPAH_DIFF\n"
        }
        let said = try Shell.run(script, folder: folder)
        XCTAssertEqual(said.code, 0, "\(name):\n" + said.text.suffix(3000))
        let lines = said.text.split(separator: "\n").map(String.init)
        for block in guide.blocks(["output"]) {
            for wanted in block.text.split(separator: "\n")
            where !lines.contains(where: { RecipeExampleTests.agree($0, String(wanted)) }) {
                XCTFail("\(name), line \(block.line): nothing said '\(wanted)'")
            }
        }
    }
}

/// The table of the README, from the page to Opah, line by line.
final class PageTableTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    /// What the table's letters stand for here, and what the tiny model needs on top.
    private static func command(_ line: String) -> String {
        var line = line
        for (name, value) in [
            ("--config-name firefly_gan_vq", "--config-name \(tiny)/codec.lua"),
            ("--checkpoint-path F", "--checkpoint-path \(tiny)/codec.pth"),
            (
                "project=P",
                "project=page pretrained_ckpt_path=\(tiny) max_length=512 data.batch_size=1 trainer.max_steps=2 model.optimizer.lr=1e-3"
            ),
            ("--base-weight B", "--base-weight \(tiny)"),
            ("--lora-weight W", "--lora-weight results/page/checkpoints/step_000000002.ckpt"),
            ("--output O", "--output merged"),
            ("--text T", "--text 'Good evening.' --max-new-tokens 10"),
            ("--checkpoint-path C", "--checkpoint-path merged"),
            ("-i X -o Y", "-i data/Alice/0.00-2.10.mp3 -o fake.wav")
        ] { line = line.replacing(name, with: value) }
        // The table's line for the codec's inference gives no configuration, because the default is the real codec's.
        if line.contains("run vqgan"), !line.contains("--config-name") { line += " --config-name \(tiny)/codec.lua" }
        return line
    }

    func testEveryLineRunsOnTheExampleData() throws {
        let readme = try String(contentsOfFile: OpahProcess.checkout + "/README.md", encoding: .utf8)
        let rows = readme.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("| `opah run ") }
        let commands = rows.compactMap {
            $0.split(separator: "| `opah run ").last?.split(separator: "`").first.map { "opah run " + $0 }
        }
        XCTAssertGreaterThan(commands.count, 6, "the README's table has changed its form")
        var script = "set -euo pipefail\ncp -r \(OpahProcess.checkout)/examples/data data-raw\n"
        for line in commands where !line.hasSuffix("run resample") && !line.contains("run download") {
            script += "echo '\(line)' >&2\n\(Self.command(line))\n"
        }
        script +=
            "for name in resample slice-audio slice-audio-v2 merge-short; do opah run $name data-raw out-$name; done\nopah run length data-raw\n"
        let folder = try TestFolder("page"), said = try Shell.run(script, folder: folder)
        XCTAssertEqual(said.code, 0, String(said.text.suffix(3000)))
        for made in [
            "data/Alice/0.00-2.10.npy", "data/protos/00000000.protos", "merged/model.pth", "codes_1.npy", "fake.wav",
            "out-resample/Alice/0.00-2.10.mp3", "out-merge-short/Alice/0.wav"
        ] {
            XCTAssertTrue(FileManager.default.fileExists(atPath: folder(made)), "no \(made)")
        }
    }
}

/// A guide's fenced blocks.
private struct Guide {
    struct Block { let kind: String, text: String, line: Int }
    private var all: [Block] = []

    init(_ name: String) throws {
        let lines = try String(contentsOfFile: OpahProcess.checkout + "/docs/" + name, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        var kind: String?, text = "", began = 0
        for (number, line) in lines.enumerated() {
            if let open = kind {
                if line == "```" {
                    all.append(Block(kind: open, text: text, line: began))
                    kind = nil
                } else {
                    text += line + "\n"
                }
            } else if line.hasPrefix("```") {
                (kind, text, began) = (String(line.dropFirst(3)), "", number + 1)
            }
        }
    }

    func blocks(_ kinds: [String]) -> [Block] { all.filter { kinds.contains($0.kind) } }
}
