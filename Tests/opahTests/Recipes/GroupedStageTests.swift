import Foundation
import TestSupport
import XCTest

/// Recipes that write many small files wait for the disk now and then, not for each file, and keep few files open.
final class GroupedStageTests: SystemCase {
    func testFewWaitsForTheDisk() throws {
        let made = try shell(
            #"""
            mkdir -p in/S; for i in $(seq 40); do cp "$OPAH_HOME/examples/data/Alice/0.00-2.10.mp3" in/S/$i.mp3; echo "Number $i." > in/S/$i.lab; done
            """#)
        XCTAssertEqual(made.code, 0, made.errors)
        for stage in ["loudness-norm", "slice-audio", "slice-audio-v2", "merge-short", "augment"] {
            let plan = try FaultPlan(below: folder.path)
            let result = try shell("\"$0\" run \(stage) in out-\(stage)", environment: plan.environment())
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertLessThan(plan.seen(.sync), 40, "\(stage): of 40 clips with labels")
        }
        let label = try shell(#"cat out-slice-audio/S/7/0000.lab; ls -A out-slice-audio/S/7"#)
        XCTAssertEqual(label.output, "Number 7.\n0000.lab\n0000.wav\n", label.errors)
    }

    func testFewFilesAreOpen() throws {
        let result = try shell(
            #"""
            mkdir many long; for i in $(seq 250); do cp "$OPAH_HOME/examples/data/Alice/0.00-2.10.mp3" many/$i.mp3; echo $i > many/$i.lab; done
            "$0" -e 'local o = require "opah" local x, t = o.audio.load(o.home .. "/examples/data/Alice/4.80-7.20.wav"), {} for i = 1, 60 do t[i] = x end
              o.audio.save("long/l.wav", o.tensor.cat(t, 1), 16000)'
            ulimit -n 200
            "$0" run slice-audio many many-cut --quiet; echo $?; ls many-cut/*/0000.lab | wc -l
            for i in 1 2; do "$0" run slice-audio-v2 long cut --min-duration 0.3 --max-duration 0.7 --min-silence-duration 0.1; echo $?; done
            ls cut/l | wc -l
            """#)
        XCTAssertEqual(result.output, "0\n250\n0\n0\n300\n", result.errors)
        XCTAssertTrue(result.errors.contains("1 clips cut, 0 pieces written"), result.errors)
    }

    /// What could not be given its name at the end is not counted as written.
    func testWhatWasNotWrittenIsNotCounted() throws {
        let result = try shell(
            #"""
            mkdir in; long=$(printf 'n%.0s' $(seq 251)); for name in b $long; do cp "$OPAH_HOME/examples/data/Alice/4.80-7.20.wav" in/$name.wav; done
            "$0" run augment in out; echo $?; ls out | wc -l
            """#)
        XCTAssertEqual(result.output, "3\n5\n", result.errors)
        XCTAssertTrue(result.errors.contains("augment: 1 clips, 3 copies;"), result.errors)
    }
}
