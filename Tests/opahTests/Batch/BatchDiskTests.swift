import Foundation
import TestSupport
import XCTest

/// Recipes that fill disks: their own folder, their temporary folder, the working folder, any other.
final class BatchDiskTests: XCTestCase {
    private func run(
        _ recipes: [String: String], _ more: [String], folder: TestFolder
    ) throws -> [String: [String: Any]] {
        for (name, text) in recipes { try text.write(toFile: folder(name + ".lua"), atomically: true, encoding: .utf8) }
        let result = try OpahProcess.run(
            ["batch", "--jobs", "3", "--timeout", "120", "--grace", "1"] + more
                + recipes.keys.sorted().map { $0 + ".lua" }, folder: folder.path)
        let whole =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: folder("out/batch/report.json")))) as? [String: Any]
        let list = try XCTUnwrap(whole?["recipes"] as? [[String: Any]], result.errors)
        return Dictionary(uniqueKeysWithValues: list.map { ($0["name"] as? String ?? "", $0) })
    }

    /// A file of a megabyte every few milliseconds, in a folder.
    private func files(in folder: String) -> String {
        """
        local fs = require "opah.fs"
        local folder = \(folder)
        fs.mkdir(folder)
        for i = 1, 1e6 do
          local file = io.open(folder .. "/" .. i, "w")
          if file then file:write(("x"):rep(1000000)) file:close() end
          os.execute "sleep 0.01"
        end
        """
    }

    func testWhereverARecipeWritesWithoutEndItIsStopped() throws {
        let folder = try TestFolder(), other = try TestFolder()
        let recipes = try run(
            [
                "working": files(in: "'junk'"), "temporary": files(in: "fs.tempdir()"),
                "other": files(in: "'\(other.path)/deep/below'"),
                // Files without a name take room too.
                "unnamed":
                    "local keep = {} while true do local file = assert(io.tmpfile()) file:write(('x'):rep(5000000)) file:flush() keep[#keep + 1] = file os.execute 'sleep 0.05' end",
                // What its processes write, though they do not stay.
                "shells":
                    "for i = 1, 1e6 do os.execute('mkdir -p \(other.path)/shells; head -c 1000000 /dev/zero > \(other.path)/shells/' .. i) end",
                "modest":
                    "for i = 1, 20 do local file = io.open('modest', 'w') file:write(('x'):rep(1000000)) file:close() os.execute 'sleep 0.05' end"
            ], ["--disk", "60MB"], folder: folder)
        XCTAssertEqual(
            recipes.mapValues { $0["state"] as? String ?? "" },
            [
                "working": "over disk", "temporary": "over disk", "other": "over disk", "unnamed": "over disk",
                "shells": "over disk", "modest": "done"
            ], "\(recipes.mapValues { $0["reason"] ?? "" })")
        let reason = recipes["other"]?["reason"] as? String ?? ""
        XCTAssertTrue(reason.contains("of it to its folder, while") && reason.contains("may write 60 MB"), reason)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out/batch/temporary/tmp")), "temporary files go")
    }

    /// More than may be written passes through, and little of it stays: nothing is wrong with that.
    func testWhatIsRemovedAgainDoesNotCount() throws {
        let folder = try TestFolder()
        let recipes = try run(
            [
                "scratch": """
                local name = os.getenv "OPAH_OUT" .. "/scratch"
                for i = 1, 40 do
                  local file = io.open(name, "w")
                  file:write(("x"):rep(20000000))
                  file:close()
                  os.remove(name)
                end
                """
            ], ["--disk", "700MB"], folder: folder)
        XCTAssertEqual(recipes["scratch"]?["state"] as? String, "done", "\(recipes["scratch"] ?? [:])")
    }

    /// More must stay free than there is: whoever writes is stopped, and whoever does not is left alone.
    func testWhoWritesIsStoppedBeforeTheDiskIsFull() throws {
        let folder = try TestFolder()
        let recipes = try run(
            ["hog": files(in: "'junk'"), "quiet": "os.execute 'sleep 3' print 'quiet'"], ["--keep-free", "100000TB"],
            folder: folder)
        XCTAssertEqual(recipes.mapValues { $0["state"] as? String ?? "" }, ["hog": "over disk", "quiet": "done"])
        let reason = recipes["hog"]?["reason"] as? String ?? ""
        XCTAssertTrue(reason.contains("must stay free; it was writing most"), reason)
        let wrong = try OpahProcess.run(["batch", "quiet.lua", "--keep-free", "much"], folder: folder.path)
        XCTAssertEqual(wrong.code, 2, wrong.errors)
    }
}
