import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// A hub that wants more than to be read: nothing outside the folder, no word as an option, no token elsewhere, no end
/// that does not come.
final class HostileHubTests: XCTestCase {
    private var folder: TestFolder!, hub: TinyHub!
    private let hello = Data("hello model\n".utf8)
    private var sha: String { TinyHub.digest("sha1sum", Data("blob 12\0".utf8) + hello) }

    override func setUpWithError() throws {
        guard FileManager.default.fileExists(atPath: "/usr/bin/curl") else { throw XCTSkip("curl is not installed") }
        folder = try TestFolder("hostile-hub")
        hub = try TinyHub(files: ["a": hello], digests: [:])
        try FileManager.default.createDirectory(atPath: folder("work/deep/ck"), withIntermediateDirectories: true)
    }

    override func tearDown() {
        hub?.stop()
        folder = nil
    }

    private func download(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> OpahProcess.Result
    {
        var all = [
            "HF_ENDPOINT": "http://127.0.0.1:\(hub.port)", "HF_HOME": folder("home"), "HF_TOKEN": "s3cret",
            "http_proxy": "", "HOME": folder("home"),
            "OPAH_HUB_TIMEOUT": "20"
        ]
        all.merge(environment) { $1 }
        return try OpahProcess.run(
            ["run", "download", "owner/model", "--local-dir", "ck"] + arguments, folder: folder("work/deep"),
            environment: all)
    }

    /// Every file below the test's folder but those in `ck`.
    private func outside() -> [String] {
        (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
            .filter {
                !$0.hasPrefix("work/deep/ck/")
                    && (try? FileManager.default.attributesOfItem(atPath: folder($0))[.type] as? FileAttributeType)
                        == .typeRegular
            }
    }

    /// Refused in plain words, and nothing written elsewhere.
    private func assertRefused(
        _ what: String, _ words: String = "no listing of a hub", environment: [String: String] = [:],
        file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let before = outside(), result = try download(environment: environment)
        XCTAssertEqual(result.code, 1, "\(what): \(result.errors)", file: file, line: line)
        XCTAssertTrue(result.errors.contains(words), "\(what): \(result.errors)", file: file, line: line)
        XCTAssertFalse(
            result.errors.contains("attempt to") || result.errors.contains("bad argument"), result.errors, file: file,
            line: line)
        XCTAssertEqual(outside(), before, what, file: file, line: line)
    }

    /// The listing as `entries`, JSON, with a `Link` header's content.
    private func list(_ entries: String, next: String? = nil) {
        hub.hostile = { path in
            guard path.contains("/tree/") else { return nil }
            return TinyHub.Answer(
                headers: next.map { "Link: <\($0)>; rel=\"next\"\r\n" } ?? "", body: Data(entries.utf8))
        }
    }

    private func entry(_ path: String, size: String = "12", more: String = "") -> String {
        #"{"type": "file", "path": \#(path), "size": \#(size), "oid": "\#(sha)"\#(more)}"#
    }

    func testNamesThatLeadElsewhere() throws {
        for name in [
            #""../x""#, #""/tmp/opah-evil""#, #""a/../../x""#, #""..""#, #""a/..""#, #""""#, #"".""#, #""a/.""#,
            #""a//b""#, #""a/""#, #""./../x""#, #""a\\..\\x""#,
            #""a\u0000b""#, #""a\nb""#, #""\u001b[2Jx""#, #""\u009b2Jx""#,
            #"".cache/huggingface/owner--model@main.json""#, #"".Cache/HuggingFace/x""#, "5", #"["a"]"#, "null",
            "\"" + String(repeating: "x", count: 300) + "\""
        ] {
            list("[\(entry(name))]")
            try assertRefused(name)
        }
        for pair in [[#""a""#, #""a""#], [#""a""#, #""a/b""#], [#""a/b/c""#, #""a/b""#]] {
            list("[\(pair.map { entry($0) }.joined(separator: ","))]")
            try assertRefused("\(pair)")
        }
    }

    func testDigestsSizesAndTypes() throws {
        let oid = { (text: String) in #"[{"type": "file", "path": "a", "size": 12, "oid": \#(text)}]"# }
        for digest in [
            #""/../../../../evil""#, #""x""#, #""""#, "5", "null", #"["a"]"#,
            "\"" + String(repeating: "g", count: 40) + "\"", "\"\(sha)0\""
        ] {
            list(oid(digest))
            try assertRefused(digest)
            list("[\(entry(#""a""#, more: #", "lfs": {"oid": \#(digest)}"#))]")
            try assertRefused("lfs \(digest)")
        }
        for size in [#""12; touch evil""#, "1.5", "-1", "1e30", "null", "[12]", "9000000000000000"] {
            list("[\(entry(#""a""#, size: size))]")
            try assertRefused("size \(size)")
        }
        for listing in [
            #"{"a": 1}"#, #"["x"]"#, "[null]", "[5]", "7", "\"x\"", "null", #"[{"path": "a"}]"#,
            "[\(entry(#""a""#, more: #", "lfs": "x""#))]", "<html>login</html>", "", "["
        ] {
            list(listing)
            try assertRefused(listing)
        }
        for commit in [
            "5", "null", #"["x"]"#, #""../../../evil""#, #""a b""#, #""x'; touch evil; '""#, #""[1-9]{a,b}""#, #""-o""#
        ] {
            hub.hostile = { $0.contains("/revision/") ? TinyHub.Answer(body: Data(#"{"sha": \#(commit)}"#.utf8)) : nil }
            try assertRefused(commit)
        }
    }

    /// A file that an earlier run fetched could tell curl, as its configuration, what to write where.
    func testNextPageIsNoOption() throws {
        try "url = \"http://127.0.0.1:\(hub.port)/x\"\noutput = \"../evil\"\n".write(
            toFile: folder("work/deep/ck/README.md"), atomically: true, encoding: .utf8)
        for next in [
            "-Kck/README.md", "-o../evil", "--output=../evil", "file:///etc/hostname", "/etc/hostname",
            "//127.0.0.1:\(hub.port)/x", "gopher://127.0.0.1:\(hub.port)/"
        ] {
            list("[]", next: next)
            try assertRefused(next, "is not at http://127.0.0.1")
        }
    }

    func testTokenGoesToTheHubAlone() throws {
        let other = try TinyHub(files: [:], digests: [:]), port = hub.port
        defer { other.stop() }
        for next in [
            "http://127.0.0.1:\(other.port)/api/models/owner/model/tree/c0ffee", "http://localhost:\(port)/x",
            "http://127.0.0.1:\(port)@127.0.0.1:\(other.port)/x",
            "https://127.0.0.1:\(port)/x", "http://127.0.0.1.evil.example:\(port)/",
            "http://127.0.0.1:\(port).evil.example/", "http://127.0.0.1:\(port)/api/../../x",
            "http://127.0.0.1:\(port)/%2e%2e/x"
        ] {
            list("[]", next: next)
            try assertRefused(next, "is not at http://127.0.0.1")
        }
        XCTAssertEqual(other.seen, [])
        try LuaFixture.check(
            """
            local addresses = require "opah.hub.addresses"
            for address, expected in pairs {
              ["https://huggingface.co/api?cursor=a%2Fb"] = true, ["https://HuggingFace.co:443/api"] = true, ["https://huggingface.co.evil.com/api"] = false,
              ["https://huggingface.co@evil.com/api"] = false, ["https://huggingface.co"] = false, ["http://huggingface.co/api"] = false, ["https://huggingface.co:444/api"] = false,
              ["https://huggingface.co/\\nx"] = false, ["https://huggingface.co/a b"] = false, ["-Khttps://huggingface.co/"] = false,
            } do assert(addresses.is_below(address, "https://huggingface.co") == expected, address) end
            assert(addresses.is_below("https://mirror.example/hf/api", "https://mirror.example/hf"))
            assert(not addresses.is_below("https://mirror.example/hf-evil/api", "https://mirror.example/hf"))
            """)
    }

    func testWhatHasNoEnd() throws {
        list("[\(entry(#""a""#))]")
        let listing = hub.hostile!
        hub.hostile = {
            $0.contains("/resolve/") ? TinyHub.Answer(body: Data("hello".utf8), goesOn: true) : listing($0)
        }
        try assertRefused("a file without end", "more arrives than the 12 bytes")
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder("work/deep/ck/.cache/huggingface/download")), [])

        hub.hostile = { $0.contains("/tree/") ? TinyHub.Answer(body: Data("[".utf8), goesOn: true) : nil }
        try assertRefused("a listing without end", "more than 8.39 MB")

        var page = 0
        let port = hub.port
        hub.hostile = { path in
            guard path.contains("/tree/") else { return nil }
            page += 1
            return TinyHub.Answer(
                headers: "Link: <http://127.0.0.1:\(port)/api/models/owner/model/tree/x?\(page)>; rel=\"next\"\r\n",
                body: Data("[]".utf8))
        }
        // The hub may still be sending what has no end.
        try assertRefused("pages without end", "goes on after 100 pages", environment: ["OPAH_HUB_TIMEOUT": "20"])

        hub.hostile = {
            $0.contains("/tree/")
                ? TinyHub.Answer(
                    status: "302 Found", headers: "Location: /api/models/owner/model/tree/c0ffee\r\n", length: 0) : nil
        }
        try assertRefused("redirects without end", "not followed", environment: ["OPAH_HUB_TIMEOUT": "20"])
    }

    func testSilence() throws {
        for part in ["/revision/", "/tree/"] {
            hub.hostile = { $0.contains(part) ? TinyHub.Answer(silence: 4) : nil }
            let began = Date()
            try assertRefused(part, "does not answer in time (1 s)", environment: ["OPAH_HUB_TIMEOUT": "1"])
            XCTAssertLessThan(Date().timeIntervalSince(began), 30)
        }
    }

    /// What an earlier run kept is in a folder that may have come from somewhere.
    func testKeptListingIsAStrangersToo() throws {
        XCTAssertEqual(try download().code, 0)
        let kept = folder("work/deep/ck/.cache/huggingface/owner--model@main.json")
        for listing in [
            #"{"commit": "c0ffee", "files": [{"path": "../../evil", "size": 12, "sha1": "\#(sha)"}]}"#,
            #"{"commit": "-o", "files": []}"#, #"{"commit": "c0ffee", "files": 5}"#,
            #"{"commit": "c0ffee", "files": [{"path": "a", "size": 12, "sha1": "../../../../evil"}]}"#, "[]", "<html>",
            "5"
        ] {
            try listing.write(toFile: kept, atomically: true, encoding: .utf8)
            try assertRefused(listing, environment: ["HF_HUB_OFFLINE": "1"])
        }
    }

    func testLinksOutOfTheFolder() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder("other"), withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder("work/deep/ck/sub"), withDestinationPath: folder("other"))
        list("[\(entry(#""sub/a""#))]")
        try assertRefused("a folder that is a link", "a link leads out of the folder")

        try? files.removeItem(atPath: folder("work/deep/ck/.cache"))
        try files.createSymbolicLink(atPath: folder("work/deep/ck/.cache"), withDestinationPath: folder("other"))
        list("[\(entry(#""a""#))]")
        try assertRefused("the folder of unfinished files", "a link leads out of the folder")
        try files.removeItem(atPath: folder("work/deep/ck/.cache"))

        // An unfinished file that is a link to one that is not there yet, and that curl would make.
        let parts = folder("work/deep/ck/.cache/huggingface/download")
        try files.createDirectory(atPath: parts, withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: parts + "/a.\(sha).incomplete", withDestinationPath: folder("other/evil"))
        XCTAssertEqual(try download().code, 0)
        XCTAssertEqual(files.contents(atPath: folder("work/deep/ck/a")), hello)
        XCTAssertFalse(files.fileExists(atPath: folder("other/evil")))

        // A pipe, which would wait for a reader.
        try files.removeItem(atPath: folder("work/deep/ck/a"))
        XCTAssertEqual(mkfifo(parts + "/a.\(sha).incomplete", 0o644), 0)
        XCTAssertEqual(try download().code, 0)
        XCTAssertEqual(files.contents(atPath: folder("work/deep/ck/a")), hello)
    }

    func testCurlsOwnSettingsAndTheDisk() throws {
        try FileManager.default.createDirectory(atPath: folder("home"), withIntermediateDirectories: true)
        try "output = \"../evil\"\nuser-agent = evil\n".write(
            toFile: folder("home/.curlrc"), atomically: true, encoding: .utf8)
        let full = try download(environment: ["OPAH_DISK_LIMIT": "11"])
        XCTAssertEqual(full.code, 1)
        XCTAssertTrue(full.errors.contains("12 B are to come"), full.errors)
        XCTAssertFalse(hub.seen.contains { $0.contains("/resolve/") })
        XCTAssertEqual(try download().code, 0)
        XCTAssertEqual(outside(), ["home/.curlrc"])
        for (variable, value) in [
            ("HF_TOKEN", "a\noutput = evil"), ("HF_ENDPOINT", "-o evil"), ("HF_ENDPOINT", "https://u:p@127.0.0.1"),
            ("OPAH_HUB_TIMEOUT", "0")
        ] {
            XCTAssertEqual(try download(environment: [variable: value]).code, 2, variable)
        }
    }
}
