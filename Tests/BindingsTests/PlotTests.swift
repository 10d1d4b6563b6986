import Bindings
import CZlib
import Foundation
import FoundationXML
import LuaHost
import TestSupport
import XCTest

/// Pictures as text, SVG and PNG; values as text.
final class PlotTests: XCTestCase {
    private var lua: Interpreter!
    override func setUpWithError() throws {
        lua = try Interpreter(.opah)
        try lua.run("plot, tensor, opah = require 'opah.plot', require 'opah.tensor', require 'opah'")
    }
    override func tearDown() { lua = nil }

    private func text(_ code: String) throws -> String { try lua.run("return " + code).first?.string ?? "" }
    private func bytes(_ code: String) throws -> [UInt8] {
        switch try lua.run("return " + code).first {
        case .bytes(let bytes)?: bytes
        case .string(let text)?: Array(text.utf8)
        default: []
        }
    }
    private func failure(_ code: String) -> String {
        do { try lua.run(code); return "no failure" } catch { return "\(error)" }
    }

    /// Which Braille rows of a text picture hold dots, top first.
    private func rows(_ picture: String) -> [Bool] {
        picture.split(separator: "\n").filter { $0.contains("│") || $0.contains("┤") }.map {
            $0.unicodeScalars.contains { (0x2801 ... 0x28FF).contains($0.value) }
        }
    }

    func testLinesInCharacters() throws {
        let rising = try text("plot.line({1, 2, 3, 4, 5}, {title='up', x='step'}):text{width=40, height=5}").split(
            separator: "\n")
        XCTAssertEqual(rising.count, 8)
        XCTAssertTrue(rising[0].hasSuffix("up"))
        XCTAssertTrue(rising[6].contains("└──"))
        XCTAssertTrue(rising[7].hasSuffix("step"))
        XCTAssertTrue(rising.allSatisfy { $0.count <= 40 })
        // A constant stays on one height; a step from low to high is at the bottom left and the top right.
        XCTAssertEqual(rows(try text("plot.line({2, 2, 2}):text{height=5}")).count { $0 }, 1)
        let step = try text("plot.line({0, 0, 0, 0, 1, 1, 1, 1}):text{width=40, height=5}").split(separator: "\n")
        func first(_ line: Substring) -> Int? {
            Array(line).firstIndex { $0.unicodeScalars.contains { (0x2801 ... 0x28FF).contains($0.value) } }
        }
        XCTAssertGreaterThan(first(step[0])!, first(step[4])! + 10)
        // Names of several curves stand below.
        XCTAssertTrue(try text("plot.line{a={1, 2}, b={{1, 3}, {2, 4}}}:text()").hasSuffix("── a  ── b"))
        XCTAssertEqual(
            try text("plot.line(tensor.ones(2, 3)):text()").split(separator: "\n").last?.contains("── 1  ── 2"), true)
        // Many points, and points that are none.
        XCTAssertTrue(rows(try text("plot.line(tensor.randn(100000)):text{height=6}")).contains(true))
        XCTAssertTrue(rows(try text("plot.line{0/0, 1/0, 3}:text()")).contains(true))
        XCTAssertTrue(failure("plot.line{0/0}").contains("no finite number"))
        XCTAssertTrue(failure("plot.line{{1, 2, 3}}").contains("entry 1 is neither"))
        XCTAssertTrue(failure("plot.line(tensor.ones(9, 3))").contains("plot.image draws a matrix"))
        XCTAssertTrue(failure("plot.line({1}):text{width=1}").contains("width must be"))
    }

    func testColoursInCharacters() throws {
        let plain = try text("plot.image(tensor.range(1, 64):view(8, 8)):text()"),
            coloured = try text("plot.image(tensor.range(1, 64):view(8, 8)):text{colour=true}")
        XCTAssertFalse(plain.contains("\u{1B}"))
        XCTAssertTrue(plain.contains("█") && plain.contains("░"))
        XCTAssertTrue(coloured.contains("\u{1B}[38;") && coloured.contains("▀"))
    }

    func testSoundInCharacters() throws {
        // A low and a high tone: the second lies higher in the picture.
        try lua.run(
            "local t = tensor.linspace(0, 1, 16000)  low, high = (t * (300 * 6.2832)):sin(), (t * (5000 * 6.2832)):sin()"
        )
        func weight(_ line: Substring) -> Int {
            line.reduce(0) {
                $0 + (" ░▒▓█".firstIndex(of: $1).map { " ░▒▓█".distance(from: " ░▒▓█".startIndex, to: $0) } ?? 0)
            }
        }
        func brightest(_ name: String) throws -> Int {
            let lines = try text("plot.spectrogram(\(name), 16000):text{width=60, height=12}").split(separator: "\n")
                .filter { $0.contains("│") || $0.contains("┤") }
            return lines.indices.max { a, b in weight(lines[a]) < weight(lines[b]) }!
        }
        XCTAssertLessThan(try brightest("high"), try brightest("low"))
        XCTAssertTrue(try text("plot.spectrogram(low, 16000):text()").contains("4k"))
        // Loud then silent: the left half reaches further than the right one.
        let wave = try text(
            "plot.waveform(tensor.cat({low, low * 0.01}), {sample_rate=16000}):text{width=60, height=9}"
        ).split(separator: "\n")
        XCTAssertTrue(wave[0].contains { $0.unicodeScalars.contains { $0.value > 0x2800 } })
        XCTAssertLessThan(wave[0].count, 36)
        XCTAssertTrue(wave.last!.hasSuffix(" s"))
        XCTAssertTrue(failure("plot.spectrogram(tensor.zeros(10), 16000)").contains("too few"))
        XCTAssertTrue(failure("plot.waveform(tensor.zeros(2, 2, 2))").contains("must be [T] or [channels, T]"))
        XCTAssertTrue(failure("plot.waveform(tensor.zeros(20), 0)").contains("sample rate of 0"))
        XCTAssertTrue(rows(try text("plot.waveform(tensor.new{0/0, 1/0, 0.5}, 8000):text()")).contains(true))
    }

    func testHistograms() throws {
        // Heights stand for counts: 1, 2, 4 in three steps.
        let bars = try text("plot.histogram({0.5, 1.5, 1.5, 2.5, 2.5, 2.5, 2.5}, {bins = 3, min = 0, max = 3}):svg()")
        let heights = bars.matches(of: /<rect x="[0-9.]+" y="[0-9.]+" width="[0-9.]+" height="([0-9.]+)"/).compactMap {
            Double($0.output.1)
        }
        XCTAssertEqual(heights.count, 3)
        XCTAssertEqual(heights[1] / heights[0], 2, accuracy: 0.02)
        XCTAssertEqual(heights[2] / heights[0], 4, accuracy: 0.04)
        // In characters: the right third reaches the top, the left one does not.
        let lines = try text(
            "plot.histogram({0.5, 1.5, 1.5, 2.5, 2.5, 2.5, 2.5}, {bins = 3, min = 0, max = 3, title = 'counts', x = 'value'}):text{width = 50, height = 8}"
        ).split(separator: "\n")
        XCTAssertTrue(lines[0].hasSuffix("counts") && lines.last!.hasSuffix("value"))
        XCTAssertTrue(
            lines[1].drop { $0 != "┤" }.dropFirst().prefix(20).allSatisfy { $0 == " " }, lines.joined(separator: "\n"))
        XCTAssertTrue(lines[8].unicodeScalars.contains { $0.value > 0x2800 })
        // Any shape, unknown bounds, equal values; what is left out is said.
        XCTAssertTrue(rows(try text("plot.histogram(tensor.randn(3, 40)):text()")).contains(true))
        XCTAssertTrue(rows(try text("plot.histogram({2, 2, 2}):text()")).contains(true))
        XCTAssertTrue(try text("plot.histogram({1, 2, 0/0, 9}, {max = 5}):text()").hasSuffix("(2 left out)"))
        XCTAssertTrue(failure("plot.histogram({0/0})").contains("no finite number"))
        XCTAssertTrue(failure("plot.histogram({1, 2}, {bins = 0})").contains("bins must be"))
        XCTAssertTrue(failure("plot.histogram({1, 'a'})").contains("entry 2 is no number"))
    }

    func testScatterPlots() throws {
        for code in [
            "plot.scatter({1, 2, 3}, {4, 5, 6})", "plot.scatter(tensor.new{1, 2, 3}, {4, 5, 6})",
            "plot.scatter{{1, 4}, {2, 5}, {3, 6}}", "plot.scatter(tensor.new{{1, 4}, {2, 5}, {3, 6}})",
            "plot.scatter({{1, 4}, {2, 5}, {3, 6}}, {title = 'up'})", "plot.scatter{a = {{1, 4}, {2, 5}, {3, 6}}}"
        ] {
            let svg = try text(code + ":svg()")
            XCTAssertEqual(svg.matches(of: /<circle cx="[0-9.]+" cy="[0-9.]+" r="2.5"/).count, 3, code)
            XCTAssertFalse(svg.contains("<polyline"), code)
            XCTAssertGreaterThan(try bytes(code + ":png()").count, 1000)
        }
        XCTAssertTrue(try text("plot.scatter{a={{1, 2}}, b={{3, 4}}}:text()").contains("⠿ a  ⠿ b"))
        // Three points are three dots: no line runs between them.
        let dots = try text("plot.scatter({0, 1, 2}, {0, 5, 1}):text{width = 60, height = 10}").unicodeScalars.filter {
            (0x2801 ... 0x28FF).contains($0.value)
        }
        XCTAssertEqual(dots.count, 3)
        XCTAssertLessThan(
            try text("plot.scatter(tensor.rand(100000), tensor.rand(100000)):svg()").utf8.count, 12_000_000)
        XCTAssertTrue(failure("plot.scatter({1, 2}, {1})").contains("2 values of x and 1 of y"))
        XCTAssertTrue(failure("plot.scatter({{1, 2, 3}})").contains("entry 1 is none"))
        XCTAssertTrue(failure("plot.scatter({{1, 2}}, {tilte = 'x'})").contains("did you mean title?"))
        XCTAssertTrue(failure("plot.scatter(tensor.ones(3, 3))").contains("[N, 2]"))
        XCTAssertTrue(failure("plot.scatter{{0/0, 1}}").contains("no finite point"))
    }

    func testPNGHasTitlesAndLabels() throws {
        // Each part of the text adds dark dots in a place of its own.
        func dark(_ options: String, _ columns: Range<Int>, _ rows: Range<Int>) throws -> Int {
            let png = try bytes("plot.line({a={2, 4}}, {\(options)}):png{width=400, height=200}")
            func number(_ at: Int) -> Int { png[at ..< at + 4].reduce(0) { $0 << 8 | Int($1) } }
            var pixels = [UInt8](repeating: 0, count: 200 * 1201), size = uLong(pixels.count)
            XCTAssertEqual(uncompress(&pixels, &size, Array(png[41 ..< 41 + number(33)]), uLong(png.count)), Z_OK)
            return rows.reduce(0) { sum, y in
                sum + columns.count { x in (0 ..< 3).allSatisfy { pixels[y * 1201 + 1 + 3 * x + $0] < 140 } }
            }
        }
        XCTAssertEqual(try dark("", 0 ..< 400, 0 ..< 8), 0)
        XCTAssertGreaterThan(try dark("title = 'Loss: 5 < 6'", 120 ..< 280, 8 ..< 28), 200)
        XCTAssertGreaterThan(try dark("x = 'step'", 180 ..< 300, 176 ..< 200), 80)
        XCTAssertGreaterThan(try dark("y = 'loss'", 4 ..< 26, 40 ..< 160), 80)
        XCTAssertGreaterThan(try dark("", 64 ..< 120, 14 ..< 36), 20, "the curve's name")
        XCTAssertGreaterThan(
            try dark("title = '\u{58f0} \u{e9}'", 120 ..< 280, 8 ..< 28), 40,
            "letters beyond ASCII are boxes, accents left out")
        XCTAssertGreaterThan(
            try bytes(
                "plot.line({1, 2}, {title = ('long '):rep(500), x = ('x'):rep(500), y = ('y'):rep(500)}):png{width=100, height=80}"
            ).count, 100)
    }

    func testSVGIsXML() throws {
        for code in [
            "plot.line({a={3, 1, 2}, [\"<b>\"]={1, 2}}, {title='5 < 6 & 7', x='\"x\"'})",
            "plot.image(tensor.rand(20, 30))",
            "plot.scatter(tensor.rand(50), tensor.rand(50))", "plot.scatter({['<a>']={{1, 2}}, b={{2, 3}, {4, 5}}})",
            "plot.histogram(tensor.randn(500))",
            "plot.waveform(tensor.randn(5000))", "plot.spectrogram(tensor.randn(5000))"
        ] {
            let svg = try text(code + ":svg()")
            let parser = XMLParser(data: Data(svg.utf8)), counter = ElementCounter()
            parser.delegate = counter
            XCTAssertTrue(parser.parse(), "\(code): \(parser.parserError.map { "\($0)" } ?? "")")
            XCTAssertEqual(counter.names["svg"], 1)
            XCTAssertGreaterThan(
                counter.names["polyline", default: 0] + counter.names["polygon", default: 0]
                    + counter.names["image", default: 0] + counter.names["circle", default: 0]
                    + max(0, counter.names["rect", default: 0] - 1), 0)
            // For those who do not see it.
            XCTAssertEqual(counter.names["title"], 1, code)
            XCTAssertNotNil(svg.firstMatch(of: /^<svg [^>]*role="img" aria-label="[^"]+"/), code)
        }
    }

    private final class ElementCounter: NSObject, XMLParserDelegate {
        var names: [String: Int] = [:]
        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) { names[name, default: 0] += 1 }
    }

    func testPNGHoldsThePicture() throws {
        let png = try bytes("plot.line({2, 4}):png{width=200, height=100}")
        XCTAssertEqual(Array(png.prefix(8)), [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        func number(_ at: Int) -> Int { png[at ..< at + 4].reduce(0) { $0 << 8 | Int($1) } }
        XCTAssertEqual([number(16), number(20)], [200, 100])
        let packed = Array(png[41 ..< 41 + number(33)])
        var rows = [UInt8](repeating: 0, count: 100 * 601), size = uLong(rows.count)
        XCTAssertEqual(uncompress(&rows, &size, packed, uLong(packed.count)), Z_OK)
        XCTAssertEqual(Int(size), rows.count)
        // The curve is blue, from the left edge of the axes to the right one.
        func isBlue(_ x: Int, _ y: Int) -> Bool { rows[y * 601 + 1 + 3 * x] < 120 && rows[y * 601 + 3 + 3 * x] > 180 }
        let blue = (0 ..< 200).filter { x in (0 ..< 100).contains { isBlue(x, $0) } }
        XCTAssertTrue(
            (63 ... 66).contains(blue.first!) && (182 ... 186).contains(blue.last!), "\(blue.first!) to \(blue.last!)")
        XCTAssertEqual(blue.count, blue.last! - blue.first! + 1)
    }

    func testSaving() throws {
        let folder = try TestFolder("plot")
        for ending in ["svg", "png", "txt"] {
            try lua.run("plot.line({1, 2}):save('\(folder("a." + ending))')")
            XCTAssertGreaterThan(try Data(contentsOf: URL(fileURLWithPath: folder("a." + ending))).count, 100)
        }
        XCTAssertTrue(failure("plot.line({1, 2}):save('\(folder("a.bmp"))')").contains("none of the endings"))
        XCTAssertTrue(failure("plot.line({1, 2}):save('\(folder("no/a.svg"))')").contains("a.svg"))
    }

    func testPlayingNeedsAPlayer() throws {
        let folder = try TestFolder("play")
        // A player that keeps what it was given.
        try "#!/bin/sh\nfor f; do :; done\n/bin/cp \"$f\" '\(folder("played.wav"))'\n".write(
            toFile: folder("aplay"), atomically: true, encoding: .utf8)
        XCTAssertEqual(chmod(folder("aplay"), 0o755), 0)
        let code = "require 'opah'.play(require 'opah.tensor'.zeros(800), 8000)"
        func run(_ path: String) throws -> OpahProcess.Result {
            let old = String(cString: getenv("PATH"))
            setenv("PATH", path, 1)
            defer { setenv("PATH", old, 1) }
            return try OpahProcess.run(["-e", code])
        }
        XCTAssertEqual(try run(folder.path).code, 0)
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: folder("played.wav"))).count, 44 + 1600)
        // One that ends at once, and well, has not played three seconds.
        let early = try OpahProcess.run(
            ["-e", "require 'opah'.play(require 'opah.tensor'.zeros(24000), 8000)"], environment: ["PATH": folder.path])
        XCTAssertEqual(early.code, 1)
        XCTAssertTrue(early.errors.contains("aplay ended after") && early.errors.contains("of 3 s"), early.errors)
        try "#!/bin/sh\necho 'cannot open audio device' >&2\nexit 1\n".write(
            toFile: folder("aplay"), atomically: true, encoding: .utf8)
        XCTAssertEqual(chmod(folder("aplay"), 0o755), 0)
        let refused = try run(folder.path)
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("could not play it: cannot open audio device"), refused.errors)
        let none = try run("/nonexistent")
        XCTAssertEqual(none.code, 1)
        XCTAssertTrue(none.errors.contains("no program here that plays sound"), none.errors)
    }

    func testPrettyPrinting() throws {
        func pp(_ code: String) throws -> String {
            let result = try OpahProcess.run([
                "-e", "local pp = require 'opah'.pp; local tensor = require 'opah.tensor'; " + code
            ])
            XCTAssertEqual(result.code, 0, result.errors)
            return result.output
        }
        XCTAssertEqual(try pp("pp{1, 'two', nil, 4}"), "{1, \"two\", [4] = 4}\n")
        XCTAssertEqual(
            try pp("pp{b = 1, a = {true}, ['odd key'] = 2, [0.5] = 3}"),
            "{[0.5] = 3, a = {true}, b = 1, [\"odd key\"] = 2}\n")
        XCTAssertEqual(
            try pp("local t = {x = {}}  t.me = t  t.x.up = t.x  pp(t)"),
            "{me = <cycle: the whole>, x = {up = <cycle: .x>}}\n")
        XCTAssertEqual(try pp("pp({a = {b = {c = 1}}}, {depth = 2})"), "{a = {b = {... 1 entry}}}\n")
        XCTAssertEqual(try pp("pp({1, 2, 3, 4}, {items = 2})"), "{1, 2, ... 2 more}\n")
        XCTAssertEqual(
            try pp("pp{t = tensor.ones(2, 3), p = print, f = function() end}"),
            "{\n  f = function ((command line):1),\n  p = function (built in),\n  t = Tensor [2x3 float32]\n}\n")
        XCTAssertTrue(try pp("pp(tensor.zeros)").hasPrefix("function tensor.zeros("))
        XCTAssertEqual(try pp("pp(setmetatable({}, {__tostring = function() return 'mine' end}))"), "mine\n")
        XCTAssertEqual(try pp("pp('a\\tb\\0')"), "\"a\\tb\\0\"\n")
        // Tables that share tables print long however short they are; it ends all the same.
        XCTAssertLessThan(try pp("local t = {}  for i = 1, 40 do t = {t, t} end  pp(t, {depth = 50})").count, 200_000)
        XCTAssertLessThan(try pp("local t = {}  for i = 1, 1e6 do t[i] = i end  pp(t)").count, 300)
    }
}
