import Foundation
import TestSupport
import XCTest

/// The studio's page in a real browser, where there is one: keys are pressed by a script behind the page's own, and
/// what it saw comes back as the label of a clip. The rest is looked at on the disk.
final class StudioBrowserTests: XCTestCase {
    private static let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    private static let script = #"""

        // The test's hand.
        import { make } from "./shared.js"
        const sleep = (time) => new Promise((done) => setTimeout(done, time))
        async function until(test) {
          for (let i = 0; i < 400; i++) {
            if (test()) return true
            await sleep(50)
          }
          return false
        }
        const press = (key, target = document.activeElement) => target.dispatchEvent(new KeyboardEvent("keydown",
            { key, bubbles: true, cancelable: true }))
        const isAt = (name) => byId("clip-name").textContent === name,
            says = (text) => byId("status").textContent.includes(text)
        const isPlaying = (audio) => !audio.paused && audio.currentTime > 0
        const takes = () => [...document.querySelectorAll(".take audio")]
        const saw = {}
        saw.first = await until(() => isAt("Alice/0.00-2.10") && byId("waveform").naturalWidth > 0
            && byId("spectrogram").naturalWidth > 0)
        press(" ")
        saw.play = await until(() => isPlaying(byId("player")))
        // The line over the pictures: it moves with the sound, and the sound with it.
        const lines = [byId("position"), byId("position-below")], at = (line) => parseFloat(line.style.left)
        const begun = lines.map(at)
        saw.glides = await until(() => lines.every((line, i) => !line.hidden && at(line) > begun[i]))
        press(" ")
        saw.paused = await until(() => byId("player").paused)
        const place = byId("waveform").getBoundingClientRect(), span = byId("player").duration
        const click = (share) => byId("waveform").dispatchEvent(new MouseEvent("click",
            { bubbles: true, clientX: place.left + share * place.width }))
        // The axis reaches from 36.8 to 744 of the picture's 760 units: this is the middle of the clip's time.
        click((36.8 + 744) / 2 / 760)
        const isNear = (time) => Math.abs(byId("player").currentTime - time) < 0.02
        saw.clicked = await until(() => isNear(span / 2) && Math.abs(at(lines[0]) - 51.37) < 0.1)
        press("l", document.body)
        saw.on = await until(() => isNear(span / 2 + 0.5))
        press("p", document.body)
        const words = `${(span / 2 + 0.5).toFixed(1)} of ${span.toFixed(1)} seconds`
        saw.said = says(words) && byId("position").getAttribute("aria-valuetext") === words
        byId("position").focus()
        press("ArrowLeft")
        saw.slider = await until(() => isNear(span / 2 + 0.4))
        press("Home")
        saw.home = await until(() => isNear(0))
        press("j")
        saw.next = await until(() => isAt("Alice/12.0-14.2") && isPlaying(byId("player")))
        press("k")
        saw.previous = await until(() => isAt("Alice/0.00-2.10"))
        press("j")
        press("e")
        saw.edit = document.activeElement === byId("text")
        byId("text").value = "What the hand typed."
        byId("text").dispatchEvent(new Event("input"))
        press("j")
        saw.typing = isAt("Alice/12.0-14.2")
        press("Enter")
        saw.saved = await until(() => says("Saved"))
        press("u")
        saw.undone = await until(() => says("is what it was"))
        press("e")
        byId("text").value = "Saved to stay."
        byId("text").dispatchEvent(new Event("input"))
        press("Enter")
        saw.stays = await until(() => says("Saved"))
        press("j")
        press("x")
        saw.excluded = await until(() => says("is now in"))
        press("u")
        saw.back = await until(() => says("is back"))
        press("x")
        saw.excludedAgain = await until(() => says("is now in"))
        document.querySelector("[data-view=training]").click()
        saw.takes = await until(() => takes().length === 2)
        press("2", document.body)
        saw.second = await until(() => isPlaying(takes()[1]) && takes()[0].paused)
        press("1", document.body)
        saw.compared = await until(() => isPlaying(takes()[0]) && takes()[1].paused)
        saw.curve = await until(() => byId("curve").naturalWidth > 0 && byId("curve").alt.includes("3.25"))
        saw.wide = document.documentElement.scrollWidth <= innerWidth
        const hasName = (one) => one.labels?.length || one.ariaLabel || one.textContent.trim() || one.alt || one.hidden
        saw.names = [...document.querySelectorAll("button, input, select, textarea, img, audio")]
          .filter((one) => !hasName(one)).map((one) => one.id || one.outerHTML)
        const list = await ask("clips"), paper = list.value.clips.find((one) => one.id === "Alice/9.90-12.0")
        await ask("label", { id: paper.id, text: "SAW" + JSON.stringify(saw), digest: paper.label.digest })
        document.body.append(make("p", { id: "over" }))
        """#

    func testAHandDrivesThePage() throws {
        guard let browser = Self.browser else { throw XCTSkip("there is no chromium here") }
        let folder = try TestFolder("studio-browser"), files = FileManager.default
        try files.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
        try files.copyItem(atPath: OpahProcess.checkout + "/stdlib-lua/opah/studio", toPath: folder("page"))
        let code = try String(contentsOfFile: folder("page/page.js"), encoding: .utf8)
        try (code + Self.script).write(toFile: folder("page/page.js"), atomically: true, encoding: .utf8)
        for step in [1, 2] {
            try files.createDirectory(
                atPath: folder("results/run/audition/step_\(step)"),
                withIntermediateDirectories: true)
            try files.copyItem(
                atPath: folder("data/Alice/4.80-7.20.wav"),
                toPath: folder("results/run/audition/step_\(step)/a.wav"))
        }
        let spoken = #"[{"text": "Nobody had told.", "seed": 1, "sound": "a.wav", "seconds": 2.9, "ended": true}]"#
        let checkpoints = [1, 2].map { #"{"step": \#($0), "folder": "step_\#($0)", "spoken": \#(spoken)}"# }
            .joined(separator: ", ")
        try #"{"checkpoints": [\#(checkpoints)]}"#
            .write(toFile: folder("results/run/audition/audition.json"), atomically: true, encoding: .utf8)
        try "{\"stage\": \"train\", \"step\": 1, \"loss\": 3.5}\n{\"stage\": \"train\", \"step\": 2, \"loss\": 3.25}\n"
            .write(toFile: folder("results/run/metrics.jsonl"), atomically: true, encoding: .utf8)

        let running = try OpahProcess.start(
            ["run", "studio", "data", "--port", "0", "--page", "page"],
            folder: folder.path)
        defer {
            running.process.terminate()
            _ = running.finish()
        }
        var address = ""
        for _ in 0 ..< 600 where address.isEmpty {
            usleep(50_000)
            let text = running.errorsSoFar
            if let range = text.range(of: "open http://127.0.0.1:") {
                address = "http://127.0.0.1:" + text[range.upperBound...].prefix { $0.isNumber }
            }
        }
        let window = Process()
        window.executableURL = URL(fileURLWithPath: browser)
        window.arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
            "--autoplay-policy=no-user-gesture-required", "--window-size=1200,900",
            "--remote-debugging-port=0", "--user-data-dir=" + folder("profile"), address + "/"
        ]
        window.standardOutput = FileHandle.nullDevice
        window.standardError = FileHandle.nullDevice
        try window.run()
        defer {
            window.terminate()
            window.waitUntilExit()
        }
        func content(_ path: String) -> String { (try? String(contentsOfFile: folder(path), encoding: .utf8)) ?? "" }
        for _ in 0 ..< 3000 where !content("data/Alice/9.90-12.0.lab").hasPrefix("SAW") { usleep(100_000) }
        let report = content("data/Alice/9.90-12.0.lab")
        let saw = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(report.dropFirst(3).utf8)) as? [String: Any],
            "the page did not come to its end: \(report) \(running.errorsSoFar)")
        for name in [
            "first", "play", "glides", "paused", "clicked", "on", "said", "slider", "home", "next", "previous",
            "edit", "typing", "saved", "undone", "stays", "excluded",
            "back", "excludedAgain", "takes", "second", "compared", "curve", "wide"
        ] {
            XCTAssertEqual(saw[name] as? Bool, true, name)
        }
        XCTAssertEqual(saw["names"] as? [String], [], "what has no name for those who do not see")
        XCTAssertEqual(content("data/Alice/12.0-14.2.lab"), "Saved to stay.")
        XCTAssertFalse(files.fileExists(atPath: folder("data/Alice/14.2-16.9.mp3")))
        XCTAssertTrue(files.fileExists(atPath: folder("data-quarantine/Alice/14.2-16.9.mp3")))
        XCTAssertTrue(content("data-quarantine/quarantine.jsonl").contains("Alice/14.2-16.9.lab"))
    }
}
