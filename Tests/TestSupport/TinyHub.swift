import Foundation
import XCTest

/// A model hub on this machine, as far as the download recipe needs one: the listing, files by byte ranges, faults on
/// demand.
public final class TinyHub: @unchecked Sendable {
    /// By path in the repository `owner/model` at the commit `c0ffee`.
    public let files: [String: Data]
    /// SHA-256 of the files that count as large, in hex.
    public let digests: [String: String]
    /// What the next requests meet; read and set between runs only.
    public var token: String?
    public var bytesPerAnswer: Int?
    public var replacement: Data?
    /// What a hostile hub answers to a path; nil for the usual answer.
    public var hostile: ((String) -> Answer?)?
    public struct Answer {
        public var status = "200 OK", headers = "", body = Data()
        /// Seconds before anything is said.
        public var silence = 0.0
        /// Whether bytes follow the body without end.
        public var goesOn = false
        /// What Content-Length says; nothing when nil.
        public var length: Int?

        public init(
            status: String = "200 OK", headers: String = "", body: Data = Data(), silence: Double = 0,
            goesOn: Bool = false,
            length: Int? = nil
        ) {
            (self.status, self.headers, self.body) = (status, headers, body)
            (self.silence, self.goesOn, self.length) = (silence, goesOn, length)
        }
    }
    private(set) var requests: [String] = []
    private let lock = NSLock(), socket: Int32
    private var isStopped = false   // under `lock`
    public let port: UInt16

    public init(files: [String: Data], digests: [String: String]) throws {
        (self.files, self.digests) = (files, digests)
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = socket
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw XCTSkip("no socket on the loopback interface") }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while !lock.withLock({ isStopped }) {
                let client = accept(descriptor, nil, nil)
                if client < 0 { break }
                answer(client)
                close(client)
            }
            // Here and not in `stop`: its number may be another hub's a moment later.
            close(descriptor)
        }
    }

    public func stop() {
        lock.withLock { isStopped = true }
        shutdown(socket, Int32(SHUT_RDWR))
    }

    public var seen: [String] { lock.withLock { requests } }

    private func answer(_ client: Int32) {
        var head = Data(), buffer = [UInt8](repeating: 0, count: 4096)
        while head.range(of: Data("\r\n\r\n".utf8)) == nil {
            let count = read(client, &buffer, buffer.count)
            if count <= 0 { return }
            head.append(contentsOf: buffer[..<count])
        }
        let text = String(decoding: head, as: UTF8.self), path = String(text.split(separator: " ")[1])
        lock.withLock { requests.append(path) }
        let range = text.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("range: bytes=") }
            .flatMap { Int($0.dropFirst("range: bytes=".count).prefix { $0.isNumber }) }
        if let answer = hostile?(path) { return send(client, answer) }
        if let token, !text.contains("Authorization: Bearer \(token)") {
            return send(client, "401 Unauthorized", Data())
        }
        if path.hasPrefix("/api/models/owner/model/revision/main") {
            return send(client, "200 OK", Data(#"{"sha":"c0ffee"}"#.utf8))
        }
        if path.hasPrefix("/api/models/owner/model/tree/c0ffee") {
            return send(client, "200 OK", listing(secondPage: path.contains("cursor")))
        }
        let prefix = "/owner/model/resolve/c0ffee/"
        guard path.hasPrefix(prefix),
            let file = files[String(path.dropFirst(prefix.count)).removingPercentEncoding ?? ""]
        else {
            return send(client, "404 Not Found", Data())
        }
        if let replacement { return send(client, "200 OK", replacement) }
        let rest = file.dropFirst(range ?? 0)
        send(
            client, range == nil ? "200 OK" : "206 Partial Content", Data(rest), keeping: bytesPerAnswer,
            range.map { "Content-Range: bytes \($0)-\(file.count - 1)/\(file.count)\r\n" } ?? "")
    }

    /// Two pages, linked as the hub links them.
    private func listing(secondPage: Bool) -> Data {
        let names = files.keys.sorted(), half = names.count / 2
        let entries = (secondPage ? names[half...] : names[..<half]).map { name in
            let lfs = digests[name].map { #","lfs":{"oid":"\#($0)","size":\#(files[name]!.count)}"# } ?? ""
            return
                #"{"type":"file","path":"\#(name)","size":\#(files[name]!.count),"oid":"\#(gitDigest(files[name]!))"\#(lfs)}"#
        }
        return Data("[\(entries.joined(separator: ","))]".utf8)
    }

    private func send(_ client: Int32, _ status: String, _ body: Data, keeping: Int? = nil, _ headers: String = "") {
        let next =
            body.first == UInt8(ascii: "[") && !(seen.last ?? "").contains("cursor")
            ? "Link: <http://127.0.0.1:\(port)/api/models/owner/model/tree/c0ffee?recursive=true&cursor=2>; rel=\"next\"\r\n"
            : ""
        let head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(headers)\(next)\r\n"
        // With `keeping`, the line breaks before the end, as networks do.
        let bytes = [UInt8](Data(head.utf8) + body.prefix(keeping ?? body.count))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(client, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            done += count
        }
    }

    private func send(_ client: Int32, _ answer: Answer) {
        usleep(UInt32(answer.silence * 1_000_000))
        let length = answer.length.map { "Content-Length: \($0)\r\n" } ?? ""
        let bytes = [UInt8](
            Data("HTTP/1.1 \(answer.status)\r\nConnection: close\r\n\(length)\(answer.headers)\r\n".utf8) + answer.body)
        guard
            bytes.withUnsafeBytes({ Glibc.send(client, $0.baseAddress!, bytes.count, Int32(MSG_NOSIGNAL)) })
                == bytes.count, answer.goesOn
        else { return }
        let blanks = [UInt8](repeating: 32, count: 1 << 16)
        for _ in 0 ..< 4096 {   // 256 MB, far more than may be taken
            guard blanks.withUnsafeBytes({ Glibc.send(client, $0.baseAddress!, blanks.count, Int32(MSG_NOSIGNAL)) }) > 0
            else { return }
        }
    }

    /// What the shell's tool says, so that the test does not share the recipe's code.
    private func gitDigest(_ data: Data) -> String {
        TinyHub.digest("sha1sum", Data("blob \(data.count)\0".utf8) + data)
    }

    public static func digest(_ tool: String, _ data: Data) -> String {
        let process = Process(), input = NSTemporaryDirectory() + UUID().uuidString, pipe = Pipe()
        _ = FileManager.default.createFile(atPath: input, contents: data)
        defer { try? FileManager.default.removeItem(atPath: input) }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/" + tool)
        process.arguments = [input]
        process.standardOutput = pipe
        try? process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return String(text.prefix { $0.isHexDigit })
    }
}
