import Foundation
import TestSupport
import XCTest

/// `opah run download` against a hub on this machine.
final class DownloadTests: XCTestCase {
    private var folder = "", hub: TinyHub!
    private let weights = Data((0 ..< 300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) })

    override func setUpWithError() throws {
        guard FileManager.default.fileExists(atPath: "/usr/bin/curl") else { throw XCTSkip("curl is not installed") }
        folder = NSTemporaryDirectory() + "download-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        hub = try TinyHub(
            files: [
                "config.json": Data("{}".utf8), "model.pth": weights, "sub/音声.txt": Data("hello".utf8),
                ".gitattributes": Data("x".utf8)
            ],
            digests: ["model.pth": TinyHub.digest("sha256sum", weights)])
    }

    override func tearDown() {
        hub?.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func download(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> OpahProcess.Result
    {
        var all = [
            "HF_ENDPOINT": "http://127.0.0.1:\(hub.port)/", "HF_HOME": folder + "/home", "HF_TOKEN": "",
            "http_proxy": ""
        ]
        all.merge(environment) { $1 }
        return try OpahProcess.run(
            ["run", "download", "owner/model", "--local-dir", "ck"] + arguments, folder: folder, environment: all)
    }

    private func content(_ path: String) -> Data? { FileManager.default.contents(atPath: folder + "/ck/" + path) }

    func testWholeRepositoryThenNothingToDo() throws {
        let first = try download()
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertEqual(first.output, "ck\n")
        for (name, data) in hub.files { XCTAssertEqual(content(name), data, name) }
        let asked = hub.seen.count
        let second = try download()
        XCTAssertEqual(second.code, 0, second.errors)
        XCTAssertFalse(
            hub.seen.dropFirst(asked).contains { $0.contains("resolve") }, "files that are right are not fetched again")
        XCTAssertTrue(second.errors.contains("0 files fetched (0 B), 4 were there; revision c0ffee"), second.errors)
    }

    func testChangedFileIsFetchedAgain() throws {
        _ = try download()
        var damaged = weights
        damaged[1000] ^= 1
        try damaged.write(to: URL(fileURLWithPath: folder + "/ck/model.pth"))
        XCTAssertEqual(try download().code, 0)
        XCTAssertEqual(content("model.pth"), weights)
    }

    func testChoosesFiles() throws {
        XCTAssertEqual(try download(["config.json"]).code, 0)
        XCTAssertNotNil(content("config.json"))
        XCTAssertNil(content("model.pth"))
        XCTAssertEqual(try download(["--include", "*.pth", "--include", "sub/*", "--exclude", "*.txt"]).code, 0)
        XCTAssertEqual(content("model.pth"), weights)
        XCTAssertNil(content("sub/音声.txt"))
        let missing = try download(["modle.pth"])
        XCTAssertEqual(missing.code, 1)
        XCTAssertTrue(missing.errors.contains("owner/model has no file modle.pth"), missing.errors)
    }

    func testGoesOnAfterABreak() throws {
        hub.bytesPerAnswer = 100_000
        let broken = try download(["model.pth"])
        XCTAssertEqual(broken.code, 1, broken.errors)
        XCTAssertNil(content("model.pth"), "no half file has a final name")
        hub.bytesPerAnswer = nil
        let asked = hub.seen.count
        XCTAssertEqual(try download(["model.pth"]).code, 0)
        XCTAssertEqual(content("model.pth"), weights)
        XCTAssertEqual(hub.seen.dropFirst(asked).count { $0.contains("resolve") }, 1)
    }

    func testPageInsteadOfTheFile() throws {
        hub.replacement = Data("<html>sign in</html>".utf8)
        let result = try download(["model.pth"])
        XCTAssertEqual(result.code, 1)
        XCTAssertTrue(
            result.errors.contains(
                "model.pth arrived with 20 bytes and is not the file that the hub names (300000 bytes)"), result.errors)
        XCTAssertNil(content("model.pth"))
    }

    func testGate() throws {
        hub.token = "s3cret"
        let refused = try download()
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("HTTP 401") && refused.errors.contains("HF_TOKEN"), refused.errors)
        XCTAssertEqual(try download(environment: ["HF_TOKEN": "s3cret"]).code, 0)
        try FileManager.default.createDirectory(atPath: folder + "/home", withIntermediateDirectories: true)
        try "s3cret\n".write(toFile: folder + "/home/token", atomically: true, encoding: .utf8)
        XCTAssertEqual(try download(["--force-download"]).code, 0)
    }

    func testNoNetwork() throws {
        let before = try download(environment: ["HF_ENDPOINT": "http://127.0.0.1:1"])
        XCTAssertEqual(before.code, 1)
        XCTAssertTrue(
            before.errors.contains("cannot be reached") && before.errors.contains("HF_ENDPOINT"), before.errors)
        XCTAssertEqual(try download().code, 0)
        let after = try download(environment: ["HF_ENDPOINT": "http://127.0.0.1:1"])
        XCTAssertEqual(after.code, 0, "what is complete needs no network: " + after.errors)
        XCTAssertTrue(after.errors.contains("going by the listing of an earlier run"), after.errors)
        XCTAssertEqual(try download(environment: ["HF_HUB_OFFLINE": "1"]).code, 0)
    }

    func testUnknownRepositoryAndNames() throws {
        let unknown = try OpahProcess.run(
            ["run", "download", "owner/other", "--local-dir", "ck"], folder: folder,
            environment: ["HF_ENDPOINT": "http://127.0.0.1:\(hub.port)", "http_proxy": ""])
        XCTAssertEqual(unknown.code, 1)
        XCTAssertTrue(unknown.errors.contains("there is nothing of that name"), unknown.errors)
        XCTAssertEqual(try OpahProcess.run(["run", "download", "../x", "--local-dir", "ck"], folder: folder).code, 2)
    }
}
