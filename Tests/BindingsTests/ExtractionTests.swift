import Foundation
import LuaHost
import LuaTestSupport
import Support
import TestSupport
import XCTest

/// `vq.extract` and the codec from Lua, with the tiny codec of the examples.
final class ExtractionTests: XCTestCase {
    /// `codec`, and a folder `data` of 12 clips of different lengths, three of which are bad.
    private static let setup = """
        codec = vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" }
        fs.mkdir(folder .. "/data")
        for i = 1, 12 do
          local rate = ({ 16000, 44100, 48000 })[i % 3 + 1]
          local t = tensor.range(1, rate * (i % 5 + 1) // 2)
          local samples = (t * (0.01 * i)):sin() * 0.4
          if i % 2 == 0 then samples = tensor.stack { samples, samples * 0.5 } end
          audio.save(("%s/data/%02d.%s"):format(folder, i, i % 4 == 0 and "flac" or "wav"), samples, rate)
        end
        fs.write(folder .. "/data/03.wav", "no sound")
        fs.write(folder .. "/data/07.wav", "")
        audio.save(folder .. "/data/11.wav", tensor.zeros(44100), 44100)
        function extract(options)
          local opts = { input = folder .. "/data", codec = codec, overwrite = true }
          for k, v in pairs(options or {}) do opts[k] = v end
          return vq.extract(opts)
        end
        function codes()
          local all = {}
          for _, path in ipairs(fs.list(folder .. "/data", { extension = ".npy" })) do all[#all + 1] = fs.basename(path) .. ":" .. table.concat(tensor.load_npy(path):reshape(-1):totable(), " ") end
          return table.concat(all, "\\n")
        end
        """

    private func check(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testCodesAndReportDependOnNothingButTheClips() throws {
        try check(
            """
            local first, listed
            for _, threads in ipairs { 1, 2, 3, 8 } do
              tensor.set_threads(threads)
              for _, size in ipairs { 1, 2, 64 } do
                local report = extract { batch_size = size, num_workers = threads }
                assert(report.extracted == 9 and report.present == 0 and #report.skipped == 3, report.extracted)
                local names = {}
                for i, input in ipairs(report.skipped) do names[i] = fs.basename(input.path) end
                for _, note in ipairs(report.notes) do names[#names + 1] = fs.basename(note.path) .. note.text end
                listed = listed or table.concat(names, " ")
                assert(listed:find("03.wav 07.wav 11.wav", 1, true), listed)
                assert(table.concat(names, " ") == listed)
                first = first or codes()
                assert(codes() == first, "codes differ with " .. threads .. " threads, batches of " .. size)
              end
            end
            local report = extract { overwrite = false }
            assert(report.present == 9 and report.extracted == 0 and report.audio_seconds == 0)
            -- One by one, and as a list: the same codes.
            local samples = audio.load(folder .. "/data/05.wav", { sample_rate = codec.sample_rate })
            local list = codec:encode { samples, samples:narrow(1, 1, 9000), samples }
            assert(list[1]:equal(tensor.load_npy(folder .. "/data/05.npy")) and list[3]:equal(list[1]) and list[2]:equal(codec:encode(samples:narrow(1, 1, 9000))))
            """)
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
        try check(
            """
            local codes = tensor.randint(0, codec.codebook_size, { codec.num_codebooks, 70 }, { dtype = "int32", generator = tensor.generator(5) })
            local samples = codec:decode(codes)
            local count, notes = codec:decode_to(folder .. "/out.wav", codes, { subtype = "float" })
            assert(count == #samples and count == 70 * codec.hop_length * 4 and #notes == 0)
            local written, info = audio.load(folder .. "/out.wav")
            assert(written:equal(samples) and info.sample_rate == codec.sample_rate)
            for _, wrong in ipairs { codes + 5000, codes:transpose(1, 2), codes:narrow(2, 1, 0):contiguous() } do
              assert(not pcall(codec.decode_to, codec, folder .. "/wrong.wav", wrong))
            end
            assert(not fs.exists(folder .. "/wrong.wav"))
            """)
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
