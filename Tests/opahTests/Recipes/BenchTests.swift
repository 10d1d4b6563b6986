import Foundation
import TestSupport
import XCTest

/// `opah run bench --quick`: that every figure is measured and written as documented. Times are never judged here.
final class BenchTests: XCTestCase {
    private static let names = [
        "lora-512", "lora-512-bf16", "lora-512-auto", "lora-rows", "lua-loop", "encode", "extract-vq", "decode",
        "generate-float32", "generate-bf16",
        "generate-int8", "generate-int4", "generate-4-streams", "prompt-float32", "prompt-int8",
        "error-bf16", "error-int8", "error-int4", "pack",
        "unpack",
        "start", "load", "add",
        "temporaries"
    ]

    private func number(_ value: Any?) throws -> Double {
        let number = try XCTUnwrap((value as? NSNumber)?.doubleValue, "\(value ?? "nil") is no number")
        XCTAssertTrue(number.isFinite)
        return number
    }

    func testEveryFigureIsMeasuredAndWritten() throws {
        let folder = try TestFolder()
        let result = try OpahProcess.run(
            ["run", "bench", "--quick", "--repeats", "2", "--output", folder("bench.json")], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.output + result.errors)
        let report = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("bench.json"))))
                as? [String: Any])
        XCTAssertEqual(Set(report.keys), ["opah", "machine", "quick", "load_average", "figures", "notes"])
        XCTAssertEqual(
            Set((report["machine"] as? [String: Any] ?? [:]).keys),
            ["model", "processors", "threads", "instruction_set", "memory"])
        let figures = try XCTUnwrap(report["figures"] as? [[String: Any]])
        XCTAssertEqual(figures.map { $0["name"] as? String }, Self.names)
        for figure in figures {
            let name = figure["name"] as? String ?? ""
            let values = try XCTUnwrap(figure["values"] as? [NSNumber], name).map(\.doubleValue)
            XCTAssertFalse(values.isEmpty, name)
            let least = try number(figure["least"]), median = try number(figure["median"]),
                most = try number(figure["most"])
            XCTAssertTrue(
                least <= median && median <= most
                    && values.allSatisfy { $0.isFinite && $0 >= 0 && $0 >= least && $0 <= most }, name)
            XCTAssertGreaterThan(try number(figure["peak"]), 1e6, name)
            XCTAssertEqual(figure["floor"] == nil, figure["fraction"] == nil, name)
            for key in ["floor", "fraction"] where figure[key] != nil {
                XCTAssertGreaterThan(try number(figure[key]), 0, name)
            }
            for when in ["before", "after"] {
                let rates = try XCTUnwrap((figure["rates"] as? [String: [String: Any]])?[when], name)
                // That of bfloat16 products is there where the processor has instructions for them.
                XCTAssertEqual(
                    Set(rates.keys).subtracting(["bfloat16_rate"]),
                    ["matrix_rate", "square_product", "layer_product", "read_bandwidth"])
                for rate in rates.values { XCTAssertGreaterThan(try number(rate), 0, name) }
            }
            // A table without names is written as an empty list.
            for (_, detail) in figure["details"] as? [String: Any] ?? [:] { _ = try number(detail) }
            XCTAssertFalse((figure["goal"] as? String ?? "").isEmpty, name)
            XCTAssertNil(figure["met"], "--quick judges nothing")
            XCTAssertTrue(figure["against"] == nil && figure["beside"] == nil, "nobody asked for it")
            XCTAssertTrue(result.output.contains(name))
        }
        for line in result.output.split(separator: "\n") { XCTAssertLessThanOrEqual(line.count, 100, "\(line)") }
    }

    func testOneFigureAloneAndNamesThatDoNotExist() throws {
        let one = try OpahProcess.run(["run", "bench", "--quick", "--only", "add", "--output", "-"])
        let report = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any], one.errors)
        XCTAssertEqual((report["figures"] as? [[String: Any]])?.map { $0["name"] as? String }, ["add"])
        let none = try OpahProcess.run(["run", "bench", "--only", "speed"])
        XCTAssertEqual(none.code, 2)
        XCTAssertTrue(none.errors.contains("speed"), none.errors)
        XCTAssertEqual(
            try OpahProcess.run(["run", "bench", "--list"]).output.split(separator: "\n").count, Self.names.count)
    }

    /// `scripts/bench` with builders in the place of the true ones, which say something wherever they can.
    func testTheScriptWritesNothingButTheResultToStandardOutput() throws {
        let folder = try TestFolder("script"), files = FileManager.default
        for path in ["scripts", "bin", ".build/release"] {
            try files.createDirectory(atPath: folder(path), withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: OpahProcess.checkout + "/scripts/bench", toPath: folder("scripts/bench"))
        for name in ["scripts/install-packages", "bin/swift"] {
            try "#!/bin/sh\necho building; echo building >&2\n".write(
                toFile: folder(name), atomically: true, encoding: .utf8)
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder(name))
        }
        try files.createSymbolicLink(
            atPath: folder(".build/release/opah"), withDestinationPath: OpahProcess.program.path)
        let command =
            "os.exit(select(3, os.execute(\"PATH='\(folder("bin"))':$PATH '\(folder("scripts/bench"))' --quick --only add --output -\")))"
        let result = try OpahProcess.run(["-e", command])
        XCTAssertEqual(result.code, 0, result.errors)
        let report = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], result.output)
        XCTAssertEqual((report["figures"] as? [[String: Any]])?.count, 1)
        XCTAssertEqual(result.errors.components(separatedBy: "building").count, 5, "both of both builders")
    }

    // MARK: beside PyTorch

    /// A program in Python's place: `$3` is what it is asked, as JSON. It says which torch it has, then what `answers`
    /// do.
    private func python(_ folder: TestFolder, _ answers: String) throws -> String {
        let path = folder("python")
        try """
        #!/bin/sh
        echo "$3" >> "\(folder("asked"))"
        case "$3" in *probe*) echo '{"torch": "9.9", "python": "3.99", "threads": 2}'; exit ;; esac
        \(answers)

        """.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    private func compare(
        _ folder: TestFolder, _ figures: String, _ python: String, _ more: String..., code: Int32
    ) throws -> [String: Any] {
        let arguments =
            ["run", "bench", "--quick", "--repeats", "1", "--only", figures, "--against", python, "--output", "-"]
            + more
        let result = try OpahProcess.run(arguments, folder: folder.path)
        XCTAssertEqual(result.code, code, result.errors)
        return try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], result.output)
    }

    private func comparisons(_ report: [String: Any], _ figure: Int = 0) throws -> [[String: Any]] {
        let figures = try XCTUnwrap(report["figures"] as? [[String: Any]])
        return try XCTUnwrap(figures[figure]["against"] as? [[String: Any]])
    }

    func testPyTorchIsAskedForTheSameShapesAndShownBesideEachFigure() throws {
        let folder = try TestFolder()
        let fake = try python(folder, "echo a warning; echo '{\"values\": [2, 4, 3]}'")
        let report = try compare(folder, "lora-512,generate-bf16,generate-int8,add", fake, code: 0)
        let about = try XCTUnwrap(report["against"] as? [String: Any])
        XCTAssertEqual(about["torch"] as? String, "9.9")
        XCTAssertEqual(about["program"] as? String, fake)
        let figures = try XCTUnwrap(report["figures"] as? [[String: Any]])
        XCTAssertNil(figures[3]["against"], "torch does nothing of it")
        let steps = try comparisons(report), frames = try comparisons(report, 1)[0]
        XCTAssertEqual(steps.map { $0["name"] as? String }, ["float32", "float32, recomputing"])
        XCTAssertEqual(try number(steps[0]["median"]), 3)
        // How many times as fast Opah is: seconds are better when they are fewer, frames per second when they are more.
        XCTAssertEqual(try number(steps[0]["ratio"]), 3 / (try number(figures[0]["median"])), accuracy: 1e-6)
        XCTAssertEqual(try number(frames["ratio"]), try number(figures[1]["median"]) / 3, accuracy: 1e-6)
        XCTAssertNil(frames["met"], "--quick judges nothing")

        // A line for each request; the two figures of generation with bf16 weights share one.
        let asked = try String(contentsOfFile: folder("asked"), encoding: .utf8).split(separator: "\n").map {
            try XCTUnwrap(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        XCTAssertEqual(asked.map { $0["work"] as? String }, ["probe", "lora", "lora", "generate"])
        XCTAssertEqual(asked[1 ... 2].map { $0["recomputed"] as? Bool }, [false, true])
        XCTAssertEqual((asked[1]["model"] as? [String: Any])?["n_layer"] as? Int, 2)
        let adapter = try XCTUnwrap(asked[1]["adapter"] as? [String: NSNumber]).mapValues(\.doubleValue)
        XCTAssertEqual(adapter, ["rank": 8, "alpha": 16, "dropout": 0.01])
        XCTAssertEqual(asked[3]["precision"] as? String, "bfloat16")
    }

    func testAPythonThatFailsHangsOrTalksIsSaidAndTheRestGoesOn() throws {
        let folder = try TestFolder()
        let fake = try python(
            folder,
            """
            case "$3" in
              *bfloat16*) echo "MemoryError: no room" >&2; exit 3 ;;
              *encode*) sleep 600 ;;
              *lora*) echo nothing of use ;;
              *) echo '{"values": [1, -1]}' ;;
            esac
            """)
        let report = try compare(folder, "encode,lora-512,generate-float32", fake, "--against-limit", "1", code: 3)
        let encode = try comparisons(report), step = try comparisons(report, 1), frames = try comparisons(report, 2)
        XCTAssertEqual(encode[0]["error"] as? String, "took longer than 1 s (--against-limit)")
        XCTAssertEqual(encode[1]["error"] as? String, "ended with exit code 3: MemoryError: no room")
        XCTAssertEqual(step[0]["error"] as? String, "printed no result, but: nothing of use")
        XCTAssertEqual(frames[0]["error"] as? String, "printed no result with values above 0")
        for figure in try XCTUnwrap(report["figures"] as? [[String: Any]]) {
            XCTAssertGreaterThan(try number(figure["median"]), 0)
        }
        XCTAssertEqual(
            (report["notes"] as? [String] ?? []).filter { $0.contains("was not compared with PyTorch") }.count, 5)
    }

    func testAPythonWithoutTorchIsAskedOnce() throws {
        let folder = try TestFolder()
        try "#!/bin/sh\necho asked >> asked; echo \"this Python has no torch\" >&2; exit 1\n".write(
            toFile: folder("none"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder("none"))
        let report = try compare(folder, "encode,generate-bf16", "./none", code: 3)
        let about = try XCTUnwrap(report["against"] as? [String: Any])
        XCTAssertEqual(about["error"] as? String, "ended with exit code 1: this Python has no torch")
        XCTAssertEqual(try String(contentsOfFile: folder("asked"), encoding: .utf8), "asked\n")
        for figure in try XCTUnwrap(report["figures"] as? [[String: Any]]) {
            XCTAssertNil(figure["against"])
            XCTAssertGreaterThan(try number(figure["median"]), 0)
        }
    }

    func testWhatCannotBeComparedIsWrongUsage() throws {
        for (arguments, wanted) in [
            (["--only", "add", "--against", "sh"], "none of these figures is compared with PyTorch"),
            (["--only", "encode", "--against", "no-such-python"], "no-such-python"),
            (["--against-limit", "0"], "--against-limit"),
            (["--only", "lua-loop", "--beside"], "none of these figures is measured beside another process")
        ] {
            let result = try OpahProcess.run(["run", "bench", "--quick"] + arguments)
            XCTAssertEqual(result.code, 2, result.errors)
            XCTAssertTrue(result.errors.contains(wanted), result.errors)
            XCTAssertEqual(result.output, "")
        }
    }

    // MARK: beside a busy processor

    func testFiguresAreMeasuredInPairsBesideACompetitor() throws {
        let folder = try TestFolder()
        let result = try OpahProcess.run([
            "run", "bench", "--quick", "--repeats", "2", "--only", "lora-512,generate-bf16,lua-loop", "--beside",
            "--output", folder("bench.json")
        ])
        XCTAssertEqual(result.code, 0, result.errors)
        let report = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("bench.json"))))
                as? [String: Any])
        let processor = try number((report["beside"] as? [String: Any])?["processor"])
        let figures = try XCTUnwrap(report["figures"] as? [[String: Any]])
        XCTAssertNil(figures[2]["beside"], "a ratio has no speed to keep")
        for (figure, isGeneration) in zip(figures, [false, true]) {
            let beside = try XCTUnwrap(figure["beside"] as? [String: Any])
            XCTAssertEqual(try number(beside["processor"]), processor)
            let quiet = try XCTUnwrap(figure["values"] as? [NSNumber]).map(\.doubleValue)
            let busy = try XCTUnwrap(beside["values"] as? [NSNumber]).map(\.doubleValue)
            XCTAssertEqual(busy.count, quiet.count)
            // The share is that of the speed, the middle of all pairs.
            let shares = zip(quiet, busy).map { isGeneration ? $1 / $0 : $0 / $1 }.sorted()
            let middle =
                shares.count % 2 == 1
                ? shares[shares.count / 2] : (shares[shares.count / 2 - 1] + shares[shares.count / 2]) / 2
            XCTAssertEqual(try number(beside["share"]), middle, accuracy: 1e-6 * middle)
            XCTAssertEqual(try number(beside["goal"]), 0.45)
            XCTAssertEqual(beside["one_thread"] != nil, isGeneration)
            XCTAssertNil(beside["met"], "--quick judges nothing")
        }
        XCTAssertTrue(result.output.contains("shares are of the quiet speed"), result.output)
    }

    /// Processes, other than this one, with this in their command.
    private func running(_ part: String) -> [pid_t] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) }.filter { pid in
            guard let command = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
            return pid != getpid() && String(decoding: command, as: UTF8.self).contains(part)
        } ?? []
    }

    func testTheCompetitorEndsWithTheBenchHoweverThatEnds() throws {
        for signal in [SIGKILL, SIGINT, SIGTERM] {
            let folder = try TestFolder("competitor")
            // Its temporary folder is in the command of the process that measures.
            let bench = try OpahProcess.start(
                ["run", "bench", "--quick", "--repeats", "200", "--only", "add", "--beside", "--folder", folder("f")],
                folder: folder.path)
            // The last argument of the one that computes is the process that measures.
            func spinning() -> [pid_t] {
                let ends = running(folder("f")).map { "\0\($0)\0" }
                return running("competitor\0").filter { pid in
                    let command = String(
                        decoding: FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data(), as: UTF8.self)
                    return ends.contains { command.hasSuffix($0) }
                }
            }
            var seen: [pid_t] = []
            let began = Date()
            while seen.isEmpty, bench.process.isRunning, Date().timeIntervalSince(began) < 60 {
                seen = spinning()
                usleep(1000)
            }
            XCTAssertFalse(seen.isEmpty, "no competitor was seen: \(bench.errorsSoFar)")
            kill(bench.process.processIdentifier, signal)
            let result = bench.finish()
            XCTAssertEqual(result.code, signal == SIGKILL ? 137 : 130, result.errors)
            let killed = Date()
            while !(running("competitor\0").filter(seen.contains) + running(folder("f"))).isEmpty,
                Date().timeIntervalSince(killed) < 30
            { usleep(10_000) }
            XCTAssertEqual(running("competitor\0").filter(seen.contains), [], "signal \(signal)")
            XCTAssertEqual(running(folder("f")), [], "signal \(signal)")
        }
    }
}
