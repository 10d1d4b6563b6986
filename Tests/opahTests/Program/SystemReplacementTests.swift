import Bindings
import Documentation
import Foundation
import TestSupport
import XCTest

/// Reports, pages and records replace only their own, and a run that is refused replaces nothing.
final class SystemReplacementTests: SystemCase {
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

    /// Words of other bytes would name other files, and what strangers' files call their parts begins no line of its own.
    func testNamesThatWouldPassForOthers() throws {
        let result = try shell(
            #"""
            word=$(printf 'x\304\343'); mkdir "$word"
            for command in length "run length" "batch" w.lua "-e print(1)"; do "$0" $command "$word"; echo $?; done; ls
            cp -r $OPAH_HOME/examples/checkpoints/tiny mc; sed -i 's/^{/{"x\\nopah: all is well": 1,/' mc/config.json
            "$0" -e 'print(require("opah.lm").load("mc").notes[1])'
            printf 'print(1)\n' | iconv -t UTF-16 > u.lua; "$0" u.lua; echo $?; "$0" run u.lua; echo $?
            printf '# A note.\nproject: x\n' > c.yaml; "$0" show ./c.yaml | head -2
            """#)
        XCTAssertEqual(
            result.output,
            "2\n2\n2\n2\n2\nx\u{FFFD}\u{FFFD}\nconfig.json has settings that this program does not know: x\\nopah: all is well\n1\n1\n# A note.\nproject: x\n",
            result.errors)
        XCTAssertTrue(result.errors.contains(#"x\xc4\xe3: word 2 of the command is not valid UTF-8"#), result.errors)
        XCTAssertTrue(result.errors.contains("u.lua: it is UTF-16"), result.errors)
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

    /// Of recipes whose outputs have names of their own choice, and of one that was told to write over what it reads.
    func testWhatNobodyNamedIsNotReplaced() throws {
        let result = try shell(
            #"""
            tiny=$OPAH_HOME/examples/checkpoints/tiny; codec="--config-name $tiny/codec.lua --checkpoint-path $tiny/codec.pth"
            clip=$OPAH_HOME/examples/data/Alice/4.80-7.20.wav; cp $clip r.wav; ln -s r.wav link.wav; echo mine | tee r.npy > base.json
            for output in r.wav ./link.wav r.flac; do "$0" run vqgan -i r.wav -o $output $codec; echo $?; done
            cmp r.wav $clip; cat r.npy; ls
            for i in 1 2; do "$0" run vqgan -i r.wav -o spoken.wav $codec; echo $?; done
            speak="run generate --text hi --checkpoint-path $tiny --max-new-tokens 4"; mkdir g; cp $clip g/codes_0.wav
            "$0" $speak --output g; echo $?
            "$0" $speak --output g --vq-config-name $tiny/codec.lua --vq-checkpoint-path $tiny/codec.pth; echo $?
            cmp g/codes_0.wav $clip; echo mine > g/codes_0.npy; "$0" $speak --output g; echo $?; cat g/codes_0.npy
            mkdir base packs; mv base.json base/config.json; "$0" run pretrain --labels . --protos packs --base base; echo $?; cat base/config.json; ls base
            """#)
        XCTAssertEqual(
            result.output,
            "2\n2\n2\nmine\nbase.json\nlink.wav\nr.npy\nr.wav\n0\n0\n0\n2\n2\nmine\n2\nmine\nconfig.json\n",
            result.errors)
        for words in [
            "--output-path is --input-path", "r.npy: is there already, and was not written by this command",
            "spoken.npy of an earlier run removed", "g/codes_0.wav lies beside the codes and is not their sound",
            "base/config.json: is there already, and was not written by this command"
        ] { XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)") }
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
}
