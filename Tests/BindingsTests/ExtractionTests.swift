import Foundation
import LuaHost
import LuaTestSupport
import Support
import TestSupport
import XCTest

/// `vq.extract` and the codec from Lua, with the tiny codec of the examples.
final class ExtractionTests: XCTestCase {
    /// `codec`, and a folder `data` of 12 clips of different lengths, three of which are bad.
    private static let setup = LuaScript.file("setup")

    private func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testCodesAndReportDependOnNothingButTheClips() throws {
        try check(.file("codes_and_report_depend_on_nothing_but_the_clips"))
    }

    func testProgressRisesAndMayStopTheRun() throws {
        try check(
            """
            tensor.set_threads(3)
            local last, calls, seconds = 0, 0, 0
            local report = extract { on_progress = function(done, total, encoded)
              assert(done >= last and total == 12 and encoded >= seconds)
              last, seconds, calls = done, encoded, calls + 1
            end }
            assert(last == 12 and calls > 1 and seconds == report.audio_seconds)
            local ok, err = pcall(extract, { on_progress = function() error("enough") end })
            assert(not ok and tostring(err):find("enough"))
            """)
    }

    func testAClipListedTwiceIsEncodedOnce() throws {
        try check(
            """
            local line = folder .. "/data/05.wav|A|en|text"
            fs.write(folder .. "/list", line .. "\\n" .. line .. "\\n")
            local report = vq.extract { filelist = folder .. "/list", codec = codec }
            assert(report.extracted == 1 and #report.skipped == 0, report.extracted)
            """)
    }

    func testDecodingIntoAFile() throws {
        try check(.file("decoding_into_a_file"))
    }

    func testOneExtractionAtATimeInAFolder() throws {
        try check(
            """
            do
              local lock <close> = fs.lock(folder .. "/data", "extracting codes", { name = ".extract-vq.lock" })
              fails("file", "data: this program is at work here already (extracting codes)", extract)
            end
            assert(extract().extracted == 9 and #fs.glob(folder .. "/data/.*lock") == 0)
            """)
    }

    func testCost() throws {
        try check(
            """
            local one, ten = codec:cost(), codec:cost { seconds = 10 }
            assert(ten.encode_operations > 9.9 * one.encode_operations and ten.encode_operations < 10.2 * one.encode_operations)
            assert(ten.decode_operations > 9 * one.decode_operations and one.decode_operations > one.encode_operations)
            local frames = codec:cost { frames = 215 }
            assert(frames.decode_operations == ten.decode_operations and frames.decode_bytes == 4 * 215 * 4 * codec.hop_length)
            assert(ten.encode_bytes > 4 * 441000)
            assert(not pcall(codec.cost, codec, { seconds = -1 }))
            """)
    }
}
