import Bindings
import Documentation
import Foundation
import TestSupport
import XCTest

/// The program and the system around it: signals, limits, full disks, strange files. Each test runs the program.
final class SystemTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("opah-system") }
    override func tearDown() { folder = nil }

    /// Through a shell, which sets limits, closes streams and ignores signals before it becomes the program: `$0`.
    private func shell(_ script: String, environment: [String: String] = [:]) throws -> OpahProcess.Result {
        let process = Process(), out = Pipe(), err = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script, OpahProcess.program.path]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["OPAH_HOME": OpahProcess.checkout]) { $1 }
            .merging(environment) { $1 }
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        try process.run()
        nonisolated(unsafe) var errors = Data()
        let reading = Thread { errors = err.fileHandleForReading.readDataToEndOfFile() }
        reading.start()
        let output = out.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        while !reading.isFinished { usleep(1000) }
        let code =
            process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return .init(
            code: code, output: String(decoding: output, as: UTF8.self), errors: String(decoding: errors, as: UTF8.self)
        )
    }

    private func until(_ what: String, file: StaticString = #filePath, line: UInt = #line, _ condition: () -> Bool) {
        let end = Date().addingTimeInterval(30)
        while !condition() {
            if Date() > end { return XCTFail("no \(what)", file: file, line: line) }
            usleep(10_000)
        }
    }

    private func start(_ code: String, prefix: String = "") throws -> (process: Process, errors: () -> String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c", prefix + "exec \"$0\" -e \"$1\" 2> \(folder("errors"))", OpahProcess.program.path, code
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["OPAH_HOME": OpahProcess.checkout]) { $1 }
        (process.standardOutput, process.standardInput) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        let folder = folder!
        return (process, { (try? String(contentsOfFile: folder("errors"), encoding: .utf8)) ?? "" })
    }

    // MARK: signals

    /// Tidies up, as after Ctrl-C, and says so.
    private let careful = #"""
        local guard <close> = setmetatable({}, { __close = function() io.open("tidied", "w"):close() end })
        io.open("ready", "w"):close()
        while true do end
        """#

    func testTermAndHangUpAreTheFirstInterrupt() throws {
        for signal in [SIGTERM, SIGHUP, SIGINT] {
            let (process, errors) = try start(careful)
            until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
            kill(process.processIdentifier, signal)
            // A terminal that is closed sends it twice, itself and through its shell.
            if signal == SIGHUP { kill(process.processIdentifier, signal) }
            process.waitUntilExit()
            XCTAssertEqual(process.terminationReason, .exit, "\(signal)")
            XCTAssertEqual(process.terminationStatus, 130, "\(signal)")
            XCTAssertTrue(errors().contains("interrupted"), errors())
            XCTAssertTrue(FileManager.default.fileExists(atPath: folder("tidied")), "\(signal)")
            for name in ["ready", "tidied"] { try? FileManager.default.removeItem(atPath: folder(name)) }
        }
    }

    func testASecondOneEndsAtOnce() throws {
        let (process, _) = try start(
            #"""
            io.open("ready", "w"):close()
            local guard <close> = setmetatable({}, { __close = function()
              io.open("closing", "w"):close()
              for _ = 1, 1000 do os.execute("sleep 0.05") end
            end })
            while true do end
            """#)
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGTERM)
        until("clean-up") { FileManager.default.fileExists(atPath: folder("closing")) }
        usleep(150_000)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationReason, .exit)
        XCTAssertEqual(process.terminationStatus, 130)
    }

    func testAnIgnoredHangUpStaysIgnored() throws {
        let (process, _) = try start(careful, prefix: "trap '' HUP; ")
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGHUP)
        usleep(200_000)
        XCTAssertTrue(process.isRunning)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 130)
    }

    func testQuitEndsAtOnceWithoutAPage() throws {
        let (process, errors) = try start(careful)
        until("start") { FileManager.default.fileExists(atPath: folder("ready")) }
        kill(process.processIdentifier, SIGQUIT)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationReason, .uncaughtSignal)
        XCTAssertEqual(process.terminationStatus, SIGQUIT)
        XCTAssertEqual(errors(), "")
    }

    // MARK: files that change or are none

    func testAFileThatIsCutWhileItIsMappedIsNamed() throws {
        let result = try shell(
            #"""
            cat > s.lua <<'END'
            local opah = require "opah"
            local x = opah.tensor.ones(1000000)
            opah.tensor.save("weights.safetensors", { x = x })
            local loaded = opah.tensor.load("weights.safetensors")
            io.open("weights.safetensors", "w"):close()
            print(loaded.x:sum():item())
            END
            exec "$0" s.lua
            """#)
        XCTAssertEqual(result.code, 1, result.errors)
        XCTAssertEqual(result.errors, "opah: weights.safetensors was truncated by another program while it was read\n")
        XCTAssertEqual(result.output, "")
    }

    func testPipesInThePlaceOfFilesAreRefused() throws {
        let result = try shell(
            #"""
            mkdir model && cp -r "$OPAH_HOME"/examples/checkpoints/tiny/* model && mkfifo pipe
            for name in model.pth tokenizer.json config.json; do
              rm model/$name && mkfifo model/$name
              timeout 20 "$0" -e 'require "opah".lm.load("model")'; echo $?
              rm model/$name && cp "$OPAH_HOME"/examples/checkpoints/tiny/$name model
            done
            timeout 20 "$0" -e 'require "opah".tensor.load_npy("pipe")'; echo $?
            timeout 20 "$0" -e 'require "opah".data.dataset { protos = "pipe" }'; echo $?
            """#)
        XCTAssertEqual(result.output, String(repeating: "1\n", count: 5), result.errors)
        for name in ["model/model.pth", "model/tokenizer.json", "model/config.json", "pipe"] {
            XCTAssertTrue(result.errors.contains("\(name): is not a regular file but a pipe"), result.errors)
        }
    }

    func testALockThatIsALinkIsRefused() throws {
        let result = try shell(
            #"""
            echo precious > precious; mkdir out; ln -s ../precious out/.lock
            "$0" run loudness-norm "$OPAH_HOME"/examples/data out; echo $?; cat precious; ls -A out
            """#)
        XCTAssertEqual(result.output, "1\nprecious\n.lock\n", result.errors)
        XCTAssertTrue(
            result.errors.contains("out/.lock: cannot be the lock of the folder: it is a link"), result.errors)
    }

    // MARK: limits

    func testLittleAddressSpaceIsSaidAndNothingSpins() throws {
        for kilobytes in [150_000, 220_000, 300_000, 450_000, 1_500_000] {
            let result = try shell(
                "ulimit -v \(kilobytes); exec timeout 30 \"$0\" -e 'local t = require(\"opah\").tensor; local x = t.ones(300, 300); print(x:matmul(x):sum():item())'"
            )
            if result.code == 0 {
                XCTAssertEqual(result.output, "27000000.0\n", "\(kilobytes)")
            } else {
                // Below some 100 MB the system's loader cannot even begin, and says so itself.
                XCTAssertTrue([1, 127].contains(result.code), "\(kilobytes): \(result.code) \(result.errors)")
                XCTAssertTrue(
                    result.errors.contains("address space is limited to") || result.errors.contains("shared libraries"),
                    "\(kilobytes): \(result.errors)")
            }
            if kilobytes == 1_500_000 { XCTAssertEqual(result.code, 0, result.errors) }
        }
    }

    // MARK: standard output

    func testOutputThatIsLostIsAnError() throws {
        try XCTSkipIf(!FileManager.default.fileExists(atPath: "/dev/full"))
        for words in [
            "-e 'print(1)'", "-e 'io.write(1) os.exit(0)'", "-e 'io.stdout:setvbuf(\"no\") print(1)'", "ls",
            "docs audio", "show train", "--help",
            "-e 'print((\"x\"):rep(100000))'", "run length \"$OPAH_HOME\"/examples/data"
        ] {
            let result = try shell("exec \"$0\" \(words) > /dev/full")
            XCTAssertEqual(result.code, 1, words)
            XCTAssertTrue(result.errors.contains("opah: cannot write to standard output"), "\(words): \(result.errors)")
        }
        let reason = try shell("exec \"$0\" ls > /dev/full")
        XCTAssertTrue(reason.errors.contains("standard output: No space left on device"), reason.errors)
        let failed = try shell("exec \"$0\" -e 'print(1) os.exit(7)' > /dev/full")
        XCTAssertEqual(failed.code, 7)
    }

    func testAClosedPipeOrStreamIsNoError() throws {
        let pipe = try shell(
            "set -o pipefail; \"$0\" -e 'for i = 1, 100000 do print(i) end' | head -n 1; echo ${PIPESTATUS[0]}")
        XCTAssertEqual(pipe.output, "1\n141\n")
        XCTAssertEqual(pipe.errors, "")
        let ignoring = try shell(
            "trap '' PIPE; \"$0\" -e 'for i = 1, 100000 do print(i) end' | head -n 1; echo ${PIPESTATUS[0]}")
        XCTAssertEqual(ignoring.errors, "")
        XCTAssertEqual(ignoring.output, "1\n141\n")
        // What is printed must not land in a file that was opened in the stream's place.
        let closed = try shell(
            "\"$0\" -e 'local f = io.open(\"file\", \"w\") print(\"lost\") f:write(\"kept\") f:close()' >&- 2>&- <&-; echo $?; cat file"
        )
        XCTAssertEqual(closed.output, "0\nkept")
    }

    // MARK: reports in the place of other files

    func testABatchReportReplacesOnlyReports() throws {
        let result = try shell(
            #"""
            printf -- '--- A recipe.\nprint(1)\n' > r.lua; echo mine > notes.txt; printf '{"a": 1}\n' > other.json; : > empty.json
            for report in r.lua ./r.lua notes.txt other.json; do "$0" batch r.lua --output o --report $report; echo $?; done
            cat r.lua notes.txt other.json; ls
            "$0" batch r.lua --output o --report empty.json --quiet; echo $?
            "$0" batch r.lua --output o --report empty.json --quiet; echo $?
            "$0" batch r.lua --output o --report page.html --quiet && "$0" batch r.lua --output o --report page.html --quiet; echo $?
            "$0" run bench --list --output notes.txt; echo $?
            mkdir p && echo mine > p/report.json && "$0" batch r.lua --output p --quiet; echo $?; cat p/report.json; ls p
            """#)
        XCTAssertEqual(
            result.output,
            "2\n2\n2\n2\n--- A recipe.\nprint(1)\nmine\n{\"a\": 1}\nempty.json\nnotes.txt\nother.json\nr.lua\n0\n0\n0\n2\n2\nmine\nreport.json\n",
            result.errors)
        XCTAssertTrue(
            result.errors.contains("r.lua: the report would replace r.lua, which the batch reads"), result.errors)
        XCTAssertTrue(
            result.errors.contains(
                "notes.txt: is there already, and was not written by this program as the report of a batch"),
            result.errors)
    }

    /// Of recipes that write one file, or a page into a folder. What they wrote themselves is replaced.
    func testPagesAndRecordsReplaceOnlyTheirOwn() throws {
        let result = try shell(
            #"""
            tiny=$OPAH_HOME/examples/checkpoints/tiny; cp -r $OPAH_HOME/examples/data data
            mkdir site codec; echo mine | tee notes.txt > site/index.html; cp $tiny/codec.pth codec; mkfifo pipe; ln -s notes.txt link.html
            for page in notes.txt data/Alice/0.00-2.10.lab $PWD/data link.html pipe; do "$0" run doctor data --audio-only --report $page; echo $?; done
            "$0" run rank-transcripts data --checkpoint-path $tiny --output site; echo $?
            "$0" run train-codec data --config-name $tiny/codec.lua --checkpoint-path codec/codec.pth --output codec; echo $?
            cat notes.txt site/index.html; cmp data/Alice/0.00-2.10.lab $OPAH_HOME/examples/data/Alice/0.00-2.10.lab; cmp codec/codec.pth $tiny/codec.pth; ls site codec
            for i in 1 2; do "$0" run doctor data --audio-only --report new.html > /dev/null; echo $?; done
            """#)
        XCTAssertEqual(
            result.output, "2\n2\n2\n2\n2\n2\n2\nmine\nmine\ncodec:\ncodec.pth\n\nsite:\nindex.html\nrun.json\n0\n0\n",
            result.errors)
        XCTAssertTrue(
            result.errors.contains("notes.txt: is there already, and is no page of this program"), result.errors)
        XCTAssertTrue(result.errors.contains("codec holds a codec that no training left there"), result.errors)
    }

    func testTheReferenceReplacesOnlyItsOwnPages() throws {
        let reference = Reference(.opah), site = folder("site")
        for _ in 0 ..< 2 { try reference.write(to: site) }
        for name in ["index.html", "search.js"] {
            let page = try String(contentsOfFile: "\(site)/\(name)", encoding: .utf8)
            try "mine".write(toFile: "\(site)/\(name)", atomically: false, encoding: .utf8)
            XCTAssertThrowsError(try reference.write(to: site)) {
                XCTAssertTrue("\($0)".contains("\(site)/\(name): is there already"), "\($0)")
            }
            XCTAssertEqual(try String(contentsOfFile: "\(site)/\(name)", encoding: .utf8), "mine")
            try page.write(toFile: "\(site)/\(name)", atomically: false, encoding: .utf8)
        }
        let result = try shell(
            "mkdir stubs && echo mine > stubs/opah.fs.lua; \"$0\" docs --stubs stubs; echo $?; ls stubs")
        XCTAssertEqual(result.output, "2\nopah.fs.lua\n", result.errors)
    }

    /// A second run that is refused leaves the record of the first.
    func testARefusedRunChangesNothing() throws {
        let result = try shell(
            #"""
            cat > r.lua <<'END'
            --- Works.
            local opah = require "opah"
            local args = opah.config.parse_args(arg, { flags = { { "output", "output", "o", "where" } } })
            local lock <close> = opah.fs.lock(args.output, "working")
            io.open("ready", "w"):close()
            while not opah.fs.exists("go") do os.execute("sleep 0.02") end
            END
            "$0" run r.lua --quiet & until [ -e ready ]; do sleep 0.02; done
            cp o/run.json before; cp o/.lock lock
            "$0" run r.lua --quiet; echo $?
            cmp before o/run.json && cmp lock o/.lock && echo same
            touch go; wait; grep -c '"state": "done"' o/run.json; ls -A o
            """#)
        XCTAssertEqual(result.output, "1\nsame\n1\nrun.json\n", result.errors)
        XCTAssertTrue(result.errors.contains("another process is at work here (working)"), result.errors)
    }

    // MARK: kill -9

    /// Killed at any moment, every file of a group is whole, and the next run removes what is half-written.
    func testAKilledStageLeavesWholeFilesAndTheNextRunTidiesUp() throws {
        let made = try shell(
            #"""
            mkdir -p in/a in/b
            for i in 1 2 3 4 5 6 7 8; do cp "$OPAH_HOME"/examples/data/Alice/4.80-7.20.wav in/a/$i.wav; cp "$OPAH_HOME"/examples/data/Alice/4.80-7.20.wav in/b/$i.wav; echo text > in/a/$i.lab; done
            "$0" run loudness-norm in whole --quiet && "$0" run slice-audio in whole2 --min-duration 0.3 --max-duration 0.6 --quiet
            """#)
        XCTAssertEqual(made.code, 0, made.errors)
        for (recipe, reference) in [("loudness-norm", "whole"), ("slice-audio", "whole2")] {
            let options = recipe == "slice-audio" ? ["--min-duration", "0.3", "--max-duration", "0.6"] : []
            for delay in [60, 90, 120, 150, 200] {
                try? FileManager.default.removeItem(atPath: folder("out"))
                let running = try OpahProcess.start(
                    ["run", recipe, "in", "out", "--quiet"] + options, folder: folder.path)
                usleep(UInt32(delay) * 1000)
                kill(running.process.processIdentifier, SIGKILL)
                _ = running.finish()
                try compare("out", reference, complete: false)
                XCTAssertEqual(
                    try OpahProcess.run(["run", recipe, "in", "out", "--quiet"] + options, folder: folder.path).code, 0)
                try compare("out", reference, complete: true)
            }
        }
    }

    private func compare(_ output: String, _ reference: String, complete: Bool) throws {
        func files(_ name: String) -> [String] {
            (FileManager.default.enumerator(atPath: folder(name))?.allObjects as? [String] ?? []).sorted()
        }
        let found = files(output), wanted = files(reference)
        if complete { XCTAssertEqual(found, wanted) }
        // holds times and inodes
        for name in found where wanted.contains(name) && !name.hasSuffix(".opah-made.jsonl") {
            XCTAssertTrue(
                FileManager.default.contentsEqual(
                    atPath: folder("\(output)/\(name)"), andPath: folder("\(reference)/\(name)"))
                    || folder("\(output)/\(name)").isFolder, name)
        }
        // A mark never comes before what it speaks of.
        for mark in found where mark.hasSuffix(".pieces") {
            let place = (mark as NSString).deletingLastPathComponent
            XCTAssertEqual(
                found.filter { $0.hasPrefix(place + "/") }, wanted.filter { $0.hasPrefix(place + "/") }, mark)
        }
    }

    // MARK: full disks

    /// Needs a small file system: root can mount one in a name space of its own.
    func testAFullDiskEndsAStageAtOnce() throws {
        let result = try shell(
            #"""
            unshare -m true 2> /dev/null || { echo none; exit; }
            mkdir in full; for i in 1 2 3 4 5 6 7 8 9; do cp "$OPAH_HOME"/examples/data/Alice/4.80-7.20.wav in/$i.wav; done
            OPAH="$0" unshare -m bash -c 'mount -t tmpfs -o size=260k tmpfs full || { echo none; exit; }
              "$OPAH" run loudness-norm in full/out; echo $?
              find full -name "*.wav" -size -40k; find full -name "*.tmp"; find full -name .lock'
            """#)
        try XCTSkipIf(result.output.hasPrefix("none"), "no small file system here")
        XCTAssertEqual(result.output, "1\n", result.errors)
        XCTAssertTrue(result.errors.contains("No space left on device"), result.errors)
        XCTAssertFalse(result.errors.contains("skipped:"), result.errors)
    }
}

extension String {
    fileprivate var isFolder: Bool {
        var info = stat()
        return stat(self, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}
