import Serving
import Support
import XCTest

/// What is read of requests: strictly, within limits, and to the same result however the bytes are cut.
final class RequestTests: XCTestCase {
    private func head(_ text: String) throws -> RequestHead { try RequestHead(ArraySlice(Array(text.utf8))) }

    private func status(_ text: String) -> Int? {
        do { _ = try head(text) } catch { return (error as? Rejection)?.status }
        return nil
    }

    func testHead() throws {
        let head = try head(
            "POST /v1/a%20b?x=1&y=%C3%A9+z HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nX-Odd:  a b ")
        XCTAssertEqual(head.method, "POST")
        XCTAssertEqual(head.path, "/v1/a b")
        XCTAssertEqual(head.query.map(\.value), ["1", "é z"])
        XCTAssertEqual(head["x-odd"], "a b")
        XCTAssertEqual(head.body, .length(5))
        XCTAssertTrue(head.keepsAlive)
        XCTAssertFalse(try self.head("GET / HTTP/1.0").keepsAlive)
    }

    func testRefusedHeads() {
        let host = "\r\nHost: a"
        for (text, expected) in [
            ("GET  / HTTP/1.1" + host, 400), ("GET /", 400), ("G(T / HTTP/1.1" + host, 400),
            ("GET / HTTP/2.0" + host, 505), ("GET / FTP/1.1" + host, 400),
            ("GET /../etc/passwd HTTP/1.1" + host, 400), ("GET /a/%2e%2e/b HTTP/1.1" + host, 400),
            ("GET /%2e HTTP/1.1" + host, 400),
            ("GET /a%00b HTTP/1.1" + host, 400), ("GET /a%5c..%5cb HTTP/1.1" + host, 400),
            ("GET /%zz HTTP/1.1" + host, 400), ("GET /%ff HTTP/1.1" + host, 400),
            ("GET / HTTP/1.1", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400), ("GET / HTTP/1.1\nHost: a", 400),
            ("GET / HTTP/1.1\r\nHost : a", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded: b", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999", 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked", 501),
            ("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1" + host, 414),
            ("GET / HTTP/1.1" + host + String(repeating: "\r\na: b", count: 120), 431)
        ] { XCTAssertEqual(status(text), expected, String(text.prefix(80))) }
    }

    func testBodiesDoNotDependOnHowTheyAreCut() throws {
        let chunked = Array("4;name=x\r\nWiki\r\n6\r\npedia \r\n0\r\nTrailer: 1\r\n\r\nGET".utf8)
        for size in [1, 2, 3, 7, chunked.count] {
            var reader = try BodyReader(.chunked, limit: 100), used = 0
            for start in stride(from: 0, to: chunked.count, by: size) where !reader.isComplete {
                used += try reader.take(chunked[start ..< min(start + size, chunked.count)])
            }
            XCTAssertTrue(reader.isComplete)
            XCTAssertEqual(String(decoding: reader.bytes, as: UTF8.self), "Wikipedia ")
            XCTAssertEqual(used, chunked.count - 3, "what follows is the next request's")
        }
    }

    func testRefusedBodies() throws {
        func refused(_ text: String) -> Int? {
            do {
                var reader = try BodyReader(.chunked, limit: 16)
                _ = try reader.take(ArraySlice(Array(text.utf8)))
            } catch { return (error as? Rejection)?.status }
            return nil
        }
        XCTAssertEqual(refused("x\r\n"), 400)
        XCTAssertEqual(refused("\r\n"), 400)
        XCTAssertEqual(refused("11\r\n"), 413)
        XCTAssertEqual(refused("fffffffffff\r\n"), 413)
        XCTAssertEqual(refused("2\r\nabc\r\n"), 400)
        XCTAssertEqual(refused("2\nab"), 400)
        XCTAssertEqual(
            refused("0\r\n" + String(repeating: "a: " + String(repeating: "b", count: 200) + "\r\n", count: 40)), 431)
        XCTAssertEqual(refused(String(repeating: "1", count: 300)), 400)
        XCTAssertThrowsError(try BodyReader(.length(17), limit: 16)) { XCTAssertEqual(($0 as? Rejection)?.status, 413) }
    }

    func testAccess() throws {
        var rules = AccessRules()
        func objection(_ headers: String) throws -> Int? {
            rules.objection(to: try head("GET / HTTP/1.1\r\n" + headers))?.status
        }
        XCTAssertNil(try objection("Host: localhost:8080"))
        XCTAssertNil(try objection("Host: [::1]:8080"))
        XCTAssertNil(try objection("Host: 127.0.0.1\r\nOrigin: http://127.0.0.1"))
        XCTAssertEqual(try objection("Host: evil.example"), 403, "a name that was bent to this machine")
        XCTAssertEqual(try objection("Host: 127.0.0.1.evil.example"), 403)
        XCTAssertEqual(try objection("Host: localhost\r\nOrigin: https://evil.example"), 403)
        rules.origins = ["https://good.example"]
        XCTAssertNil(try objection("Host: localhost\r\nOrigin: https://good.example"))
        rules.token = "secret"
        XCTAssertEqual(try objection("Host: a.example"), 401)
        XCTAssertEqual(try objection("Host: a.example\r\nAuthorization: Bearer secre"), 401)
        XCTAssertEqual(try objection("Host: a.example\r\nAuthorization: Bearer secret2"), 401)
        XCTAssertNil(try objection("Host: a.example\r\nAuthorization: bearer secret"))
        // A browser that shows a page asks for a name and a password: user:secret, :secret, user:secre, no colon, no
        // base 64.
        XCTAssertNil(try objection("Host: a.example\r\nAuthorization: Basic dXNlcjpzZWNyZXQ="))
        XCTAssertNil(try objection("Host: a.example\r\nAuthorization: basic OnNlY3JldA=="))
        for wrong in ["dXNlcjpzZWNyZQ==", "c2VjcmV0", "!", ""] {
            XCTAssertEqual(try objection("Host: a.example\r\nAuthorization: Basic \(wrong)"), 401, wrong)
        }
        XCTAssertEqual(
            try objection("Host: a.example\r\nOrigin: https://evil.example\r\nAuthorization: Basic dXNlcjpzZWNyZXQ="),
            403)
        XCTAssertThrowsError(try Server(ListenAddress("0.0.0.0"), port: 0), "others can reach it: a token is needed")
        XCTAssertThrowsError(try ListenAddress("example.org"))
    }
}

/// The formats of bodies.
final class BodyFormatTests: XCTestCase {
    func testMessagePackGoesRound() throws {
        let integers = [
            0, 1, 127, 128, 255, 256, 65535, 65536, 4_294_967_295, 4_294_967_296, .max, -1, -32, -33, -128, -129,
            -32768, -32769, -2_147_483_648, -2_147_483_649, .min
        ]
        var values: [Packed] =
            [.null, .bool(true), .bool(false), .double(0.7), .map([("a", .int(1)), ("b", .list([]))])]
            + integers.map { .int($0) }
        for count in [0, 31, 32, 255, 256, 70_000] {
            values += [
                .string([UInt8](repeating: 65, count: count)), .binary([UInt8](repeating: 200, count: count)),
                .list([Packed](repeating: .int(7), count: count))
            ]
        }
        for value in values { XCTAssertEqual(try Packed(decoding: value.encoded), value) }
        // As ormsgpack 1.13 writes {"text": "Hi", "streaming": False, "top_p": 0.7, "audio": b"\x00\xff", "n": -200,
        // "m": 70000}.
        let recorded: [UInt8] = [
            0x86, 0xa4, 0x74, 0x65, 0x78, 0x74, 0xa2, 0x48, 0x69, 0xa9, 0x73, 0x74, 0x72, 0x65, 0x61, 0x6d, 0x69, 0x6e,
            0x67, 0xc2, 0xa5, 0x74, 0x6f, 0x70,
            0x5f, 0x70, 0xcb, 0x3f, 0xe6, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xa5, 0x61, 0x75, 0x64, 0x69, 0x6f, 0xc4,
            0x02, 0x00, 0xff, 0xa1, 0x6e, 0xd1,
            0xff, 0x38, 0xa1, 0x6d, 0xce, 0x00, 0x01, 0x11, 0x70
        ]
        XCTAssertEqual(
            try Packed(decoding: recorded),
            .map([
                ("text", .string(Array("Hi".utf8))), ("streaming", .bool(false)), ("top_p", .double(0.7)),
                ("audio", .binary([0, 255])), ("n", .int(-200)), ("m", .int(70000))
            ]))
    }

    func testHostileMessagePack() {
        for bytes: [UInt8] in [
            [], [0xc1], [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0x7f, 0xff, 0xff, 0xff, 0],
            [0xc6, 0xff, 0xff, 0xff, 0xff, 1], [0xdb, 0, 0, 0, 9, 65],
            [0x81, 0x01, 0x01], [0x01, 0x02], [0xd4, 1, 1], [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [UInt8](repeating: 0x91, count: 100_000)
        ] {
            XCTAssertThrowsError(try Packed(decoding: bytes), "\(bytes.prefix(8))") {
                XCTAssertEqual(($0 as? OpahError)?.kind, .format)
            }
        }
    }

    func testMultipart() throws {
        let body =
            "before\r\n--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nHi\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
            + "Content-Type: audio/wav\r\n\r\n\r\n--b--\r\n"
        let parts = try Multipart(Array(body.utf8), contentType: "multipart/form-data; boundary=\"b\"").parts
        XCTAssertEqual(parts.map(\.name), ["text", "file"])
        XCTAssertEqual(String(decoding: parts[0].content, as: UTF8.self), "Hi\r\n")
        XCTAssertEqual(parts[1].fileName, "a.wav")
        XCTAssertTrue(parts[1].content.isEmpty)
        for broken in [
            "", "--b", "--b\r\n", "--b\r\n\r\n--b--", "--b\r\nname=x\r\n\r\nHi", "--bX\r\n",
            String(repeating: "--b\r\nContent-Disposition: x; name=a\r\n\r\n\r\n", count: 70)
        ] {
            XCTAssertThrowsError(
                try Multipart(Array(broken.utf8), contentType: "multipart/form-data; boundary=b"), broken
            ) {
                XCTAssertEqual(($0 as? OpahError)?.kind, .format)
            }
        }
    }
}
