import Foundation
import Serving
import Support
import TestSupport
import XCTest

/// The server on real sockets, with clients that behave well and that do not.
final class ServerTests: XCTestCase {
    /// A server whose requests are answered with their path and the length of their body, but for paths that ask for
    /// more.
    private final class Echo: @unchecked Sendable {
        let server: Server
        private let done = DispatchSemaphore(value: 0)
        private let isEnding = NSLock()
        private var ending = false

        init(_ change: (inout ServerSettings) -> Void = { _ in }) throws {
            var settings = ServerSettings()
            change(&settings)
            server = try Server(ListenAddress("127.0.0.1"), port: 0, settings)
            Thread.detachNewThread { [self] in
                while !isEnding.withLock({ ending }) {
                    guard let exchange = try? server.next(timeout: 0.05) else { continue }
                    if exchange.head.path == "/chunks" {
                        _ = try? exchange.start(200, [])
                        for i in 0 ..< 5 { _ = try? exchange.write(Array("piece \(i);".utf8)) }
                        _ = try? exchange.finish()
                    } else if exchange.head.path == "/forever" {
                        _ = try? exchange.start(200, [])
                        while (try? exchange.write([UInt8](repeating: 65, count: 100_000))) == true {}
                    } else {
                        _ = try? exchange.respond(
                            200, [("Content-Type", "text/plain")],
                            Array("\(exchange.head.path) \(exchange.body.count)".utf8))
                    }
                }
                done.signal()
            }
        }

        func end() {
            isEnding.withLock { ending = true }
            done.wait()
            server.close()
        }
    }

    /// Sends bytes, and reads until the server ends the connection or `until` has come.
    private func talk(_ port: Int, _ bytes: [UInt8], until: String? = nil, seconds: Int = 5) -> String {
        let descriptor = connect(port)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        return read(descriptor, until: until, seconds: seconds)
    }

    private func read(_ descriptor: Int32, until: String?, seconds: Int = 5) -> String {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var text: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 65536)
        while text.count < 1 << 22 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count <= 0 { break }
            text += buffer[..<count]
            if let until, String(decoding: text, as: UTF8.self).contains(until) { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func connect(_ port: Int) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 {
            close(descriptor)
            return -1
        }
        return descriptor
    }

    private func request(_ text: String) -> [UInt8] { Array(text.replacingOccurrences(of: "\n", with: "\r\n").utf8) }

    private func answers(_ port: Int, file: StaticString = #filePath, line: UInt = #line) {
        let answer = talk(port, request("GET /still HTTP/1.1\nHost: localhost\nConnection: close\n\n"))
        XCTAssertTrue(answer.hasSuffix("/still 0"), answer, file: file, line: line)
    }

    func testAnswers() throws {
        let echo = try Echo()
        defer { echo.end() }
        let port = echo.server.port
        // Two requests behind one another on one connection, the second in chunks.
        let both = talk(
            port,
            request(
                "POST /a HTTP/1.1\nHost: localhost\nContent-Length: 3\n\nabcPOST /b HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\nConnection: close\n\n2\nab\n0\n\n"
            ))
        XCTAssertTrue(both.contains("/a 3") && both.hasSuffix("/b 2"), both)
        let chunks = talk(port, request("GET /chunks HTTP/1.1\nHost: localhost\nConnection: close\n\n"))
        XCTAssertTrue(
            chunks.contains("Transfer-Encoding: chunked") && chunks.hasSuffix("8\r\npiece 4;\r\n0\r\n\r\n"), chunks)
        XCTAssertTrue(
            talk(port, request("GET /chunks HTTP/1.0\n\n")).hasSuffix(
                "\r\n\r\npiece 0;piece 1;piece 2;piece 3;piece 4;"))
        let head = talk(port, request("HEAD /a HTTP/1.1\nHost: localhost\nConnection: close\n\n"))
        XCTAssertTrue(head.hasSuffix("\r\n\r\n") && head.contains("Content-Length: 4"), head)
        let expecting = talk(
            port,
            request(
                "POST /a HTTP/1.1\nHost: localhost\nExpect: 100-continue\nContent-Length: 1\nConnection: close\n\nx"))
        XCTAssertTrue(expecting.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), expecting)
    }

    func testLimits() throws {
        let echo = try Echo {
            $0.maxBody = 1000
            $0.headTime = 0.5
            $0.bodyTime = 0.5
            $0.writeTime = 0.5
            $0.maxPending = 1 << 20
        }
        defer { echo.end() }
        let port = echo.server.port
        XCTAssertTrue(
            talk(port, request("POST / HTTP/1.1\nHost: localhost\nContent-Length: 1001\n\n")).hasPrefix("HTTP/1.1 413"))
        // The answer can be read although more was sent than anyone took.
        XCTAssertTrue(
            talk(
                port,
                request(
                    "POST / HTTP/1.1\nHost: localhost\nContent-Length: 400000\n\n"
                        + String(repeating: "x", count: 400_000))
            ).hasPrefix("HTTP/1.1 413"))
        XCTAssertTrue(
            talk(port, request("GET / HTTP/1.1\nHost: localhost\nX: " + String(repeating: "a", count: 20_000)))
                .hasPrefix("HTTP/1.1 431"))
        XCTAssertTrue(talk(port, request("GET / HTTP/1.1\nHo")).hasPrefix("HTTP/1.1 408"))
        XCTAssertTrue(
            talk(port, request("POST / HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nab")).hasPrefix("HTTP/1.1 408"))
        XCTAssertEqual(talk(port, []), "", "a client that says nothing")
        // A client that reads nothing loses its connection, and whoever writes to it is told.
        let lazy = connect(port)
        _ = request("GET /forever HTTP/1.1\nHost: localhost\n\n").withUnsafeBytes {
            send(lazy, $0.baseAddress!, $0.count, 0)
        }
        answers(port)
        close(lazy)
        XCTAssertGreaterThan(echo.server.stats.gone, 0)
    }

    func testFullQueueAndConnections() throws {
        var settings = ServerSettings()
        (settings.maxQueue, settings.maxConnections) = (2, 4)
        let server = try Server(ListenAddress("127.0.0.1"), port: 0, settings)   // nobody takes its requests
        defer { server.close() }
        let get = request("GET / HTTP/1.1\nHost: localhost\n\n")
        var open: [Int32] = []
        for _ in 0 ..< 2 {
            open.append(connect(server.port))
            _ = get.withUnsafeBytes { send(open.last!, $0.baseAddress!, $0.count, 0) }
        }
        wait(for: "two requests queued") { server.stats.queued == 2 }
        let third = talk(server.port, get)
        XCTAssertTrue(third.hasPrefix("HTTP/1.1 503") && third.contains("Retry-After: 1"), third)
        wait(for: "the third to have ended") { server.stats.open == 2 }
        for _ in 0 ..< 2 { open.append(connect(server.port)) }
        wait(for: "four connections") { server.stats.open == 4 }
        XCTAssertTrue(talk(server.port, []).hasPrefix("HTTP/1.1 503"))
        // Clients that go away take their requests along.
        for descriptor in open { close(descriptor) }
        wait(for: "nothing to be left") { server.stats.queued == 0 && server.stats.open == 0 }
        XCTAssertNil(try server.next(timeout: 0))
    }

    func testClientThatGoesAway() throws {
        let server = try Server(ListenAddress("127.0.0.1"), port: 0)
        defer { server.close() }
        let descriptor = connect(server.port)
        _ = request("GET / HTTP/1.1\nHost: localhost\n\n").withUnsafeBytes {
            send(descriptor, $0.baseAddress!, $0.count, 0)
        }
        let exchange = try XCTUnwrap(try server.next(timeout: 5))
        XCTAssertFalse(exchange.isGone)
        close(descriptor)
        wait(for: "it to be noticed") { exchange.isGone }
        XCTAssertFalse(try exchange.respond(200, [], []))
        XCTAssertThrowsError(try exchange.respond(200, [], []), "there is one answer")
    }

    func testGracefulEnd() throws {
        let server = try Server(ListenAddress("127.0.0.1"), port: 0)
        defer { server.close() }
        let idle = connect(server.port), busy = connect(server.port)
        defer { close(idle); close(busy) }
        _ = request("GET / HTTP/1.1\nHost: localhost\n\n").withUnsafeBytes { send(busy, $0.baseAddress!, $0.count, 0) }
        let exchange = try XCTUnwrap(try server.next(timeout: 5))
        server.stopListening()
        wait(for: "the port to be closed") {
            let late = connect(server.port)
            if late >= 0 { close(late) }
            return late < 0
        }
        XCTAssertFalse(server.isIdle)
        XCTAssertTrue(try exchange.respond(200, [], Array("done".utf8)))
        XCTAssertTrue(read(busy, until: nil).hasSuffix("done"))
        wait(for: "it to be idle") { server.isIdle }
    }

    /// 10 000 requests that are broken in one way or another: it goes on answering, and keeps nothing of them.
    func testMutatedRequests() throws {
        let echo = try Echo {
            $0.maxBody = 4096
            $0.headTime = 0.1
            $0.bodyTime = 0.1
        }
        defer { echo.end() }
        var random = SeededRandom(15)
        let seeds = [
            "GET /v1/models HTTP/1.1\nHost: localhost\nConnection: close\n\n",
            "POST /v1/audio/speech HTTP/1.1\nHost: localhost\nContent-Length: 16\nConnection: close\n\n{\"input\": \"abc\"}",
            "POST /v1/tts HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\nConnection: close\n\n5\nhello\n0\n\n",
            "GET /../../etc/passwd HTTP/1.1\nHost: localhost\nConnection: close\n\n"
        ].map(request)
        let before = resident()
        let mutated: [[UInt8]] = (0 ..< 10_000).map { i in
            var bytes = seeds[i % seeds.count]
            for _ in 0 ... Int.random(in: 0 ..< 4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0 ..< bytes.count, using: &random)
                switch Int.random(in: 0 ..< 5, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0 ... 255, using: &random)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: bytes[at...].prefix(40), at: at)
                case 3: bytes.removeSubrange(at...)
                default: bytes.insert(contentsOf: [13, 10, 0, 37, 255].shuffled(using: &random), at: at)
                }
            }
            return bytes
        }
        nonisolated(unsafe) let test = self   // `talk` touches nothing of the test
        let port = echo.server.port, done = DispatchGroup()
        for worker in 0 ..< 64 {
            done.enter()
            Thread.detachNewThread {
                for i in stride(from: worker, to: mutated.count, by: 64) {
                    _ = test.talk(port, mutated[i], until: "\r\n\r\n", seconds: 2)
                }
                done.leave()
            }
        }
        done.wait()
        answers(echo.server.port)
        wait(for: "all connections to have ended") { echo.server.stats.open == 0 }
        XCTAssertGreaterThanOrEqual(echo.server.stats.connections, 10_000)
        XCTAssertLessThan(resident() - before, 64 << 20)
    }

    func testStaticFolder() throws {
        let folder = try TestFolder("static")
        try FileManager.default.createDirectory(atPath: folder("page/inner"), withIntermediateDirectories: true)
        try "outside".write(toFile: folder("secret.txt"), atomically: true, encoding: .utf8)
        for name in ["a.html", "inner/b.js", ".hidden"] {
            try "inside".write(toFile: folder("page/" + name), atomically: true, encoding: .utf8)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder("page/link.txt"), withDestinationPath: folder("secret.txt"))
        try FileManager.default.createSymbolicLink(atPath: folder("page/out"), withDestinationPath: folder.path)
        mkfifo(folder("page/pipe"), 0o600)
        let page = StaticFolder(folder("page"))
        XCTAssertEqual(page.read("a.html"), Array("inside".utf8))
        XCTAssertEqual(page.read("inner/b.js"), Array("inside".utf8))
        for path in [
            "", "/", "../secret.txt", "inner/../../secret.txt", "link.txt", "out/secret.txt", ".hidden", "inner",
            "pipe", "/etc/passwd", "a.html/", "inner//b.js", "..\\secret.txt"
        ] {
            XCTAssertNil(page.read(path), path)
        }
    }

    private func wait(for what: String, file: StaticString = #filePath, line: UInt = #line, _ condition: () -> Bool) {
        for _ in 0 ..< 500 {
            if condition() { return }
            usleep(10_000)
        }
        XCTFail("waited for \(what)", file: file, line: line)
    }

    private func resident() -> Int {
        let fields = ((try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? "").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
