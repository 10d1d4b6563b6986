import Foundation
import TestSupport
import XCTest

/// The program and the system around it: strange files, limits, lost output, kills, full disks.
final class SystemTests: SystemCase {
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
