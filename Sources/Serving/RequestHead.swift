/// The line and the headers of a request (RFC 9112), read strictly: what could be read in two ways is refused, so that
/// nobody in front of the server understands a request differently.
public struct RequestHead: Sendable {
    public let method: String
    /// Percent-decoded, begins with `/`; it has no segment `.` or `..`, no NUL and no backslash.
    public let path: String
    public let query: [(name: String, value: String)]
    /// Names in lower case, in the order they came.
    public let headers: [(name: String, value: String)]
    package let isVersion11: Bool
    package let body: Framing

    /// How long the body is.
    package enum Framing: Equatable { case none, length(Int), chunked }

    static let maxTarget = 8192, maxHeaders = 100

    /// The value of a header; nil when it is not there.
    public subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    package var keepsAlive: Bool {
        let words = (self["connection"] ?? "").lowercased().split { $0 == "," || $0 == " " }
        return isVersion11 ? !words.contains("close") : words.contains("keep-alive")
    }

    /// Reads the bytes before the empty line.
    package init(_ bytes: ArraySlice<UInt8>) throws(Rejection) {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex, i = start
        while i < bytes.endIndex {
            if bytes[i] == UInt8(ascii: "\r"), i + 1 < bytes.endIndex, bytes[i + 1] == UInt8(ascii: "\n") {
                lines.append(bytes[start ..< i])
                i += 2
                start = i
            } else if bytes[i] == UInt8(ascii: "\r") || bytes[i] == UInt8(ascii: "\n") || bytes[i] == 0 {
                throw Rejection(400, "a line of the request does not end with CR LF")
            } else {
                i += 1
            }
        }
        lines.append(bytes[start...])

        let words = lines[0].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].count <= 20, words[0].allSatisfy(Self.isTokenByte) else {
            throw Rejection(400, "the request line is not METHOD TARGET VERSION")
        }
        guard words[2].starts(with: "HTTP/".utf8) else {
            throw Rejection(400, "the request line does not end with a version of HTTP")
        }
        guard words[2].elementsEqual("HTTP/1.1".utf8) || words[2].elementsEqual("HTTP/1.0".utf8) else {
            throw Rejection(505, "HTTP/1.1 and HTTP/1.0 are spoken here")
        }
        method = String(decoding: words[0], as: UTF8.self)
        isVersion11 = words[2].last == UInt8(ascii: "1")
        guard words[1].count <= Self.maxTarget else {
            throw Rejection(414, "the target has more than \(Self.maxTarget) bytes")
        }
        (path, query) = try Self.target(words[1])

        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard headers.count < Self.maxHeaders else {
                throw Rejection(431, "there are more than \(Self.maxHeaders) headers")
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(Self.isTokenByte)
            else { throw Rejection(400, "a header is not NAME: VALUE") }
            var value = line[(colon + 1)...]
            while let first = value.first, first == 32 || first == 9 { value.removeFirst() }
            while let last = value.last, last == 32 || last == 9 { value.removeLast() }
            guard value.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else {
                throw Rejection(400, "a header has a control character")
            }
            headers.append(
                (String(decoding: line[..<colon], as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)))
        }
        self.headers = headers
        body = try Self.framing(headers)
        let hosts = headers.filter { $0.name == "host" }.count
        guard hosts == 1 || (hosts == 0 && !isVersion11) else {
            throw Rejection(400, "there must be one Host header, not \(hosts)")
        }
    }

    private static func framing(_ headers: [(name: String, value: String)]) throws(Rejection) -> Framing {
        let lengths = headers.filter { $0.name == "content-length" },
            codings = headers.filter { $0.name == "transfer-encoding" }
        guard lengths.count + codings.count <= 1 else {
            throw Rejection(400, "the length of the body is said more than once")
        }
        if let coding = codings.first {
            guard coding.value.lowercased() == "chunked" else {
                throw Rejection(501, "the only transfer coding here is chunked")
            }
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        guard !length.value.isEmpty, length.value.utf8.allSatisfy({ (48 ... 57).contains($0) }) else {
            throw Rejection(400, "Content-Length is no number")
        }
        guard let count = Int(length.value) else { throw Rejection(413, "the body is too large") }
        return count == 0 ? .none : .length(count)
    }

    private static func target(
        _ target: ArraySlice<UInt8>
    ) throws(Rejection) -> (String, [(name: String, value: String)]) {
        let malformed = Rejection(400, "the target is not a path")
        // The absolute form, as proxies are sent it, means the same as its path.
        var target = target
        if target.starts(with: "http://".utf8) {
            target = target.dropFirst(7)
            target = target.firstIndex(of: UInt8(ascii: "/")).map { target[$0...] } ?? ArraySlice("/".utf8)
        }
        if target.elementsEqual("*".utf8) { target = ArraySlice("/*".utf8) }
        guard target.first == UInt8(ascii: "/"), target.allSatisfy({ $0 > 32 && $0 != 127 }),
            !target.contains(UInt8(ascii: "#"))
        else { throw malformed }
        let parts = target.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = decoded(parts[0]), !path.utf8.contains(0), !path.contains("\\") else { throw malformed }
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
            throw Rejection(400, "the path has a segment . or ..")
        }
        var query: [(name: String, value: String)] = []
        if parts.count > 1 {
            for pair in parts[1].split(separator: UInt8(ascii: "&")) {
                let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = decoded(sides[0], plus: true),
                    let value = sides.count > 1 ? decoded(sides[1], plus: true) : ""
                else {
                    throw Rejection(400, "the query is not percent-encoded UTF-8")
                }
                query.append((name, value))
            }
        }
        return (path, query)
    }

    /// Percent-encoded UTF-8 as text; nil when it is none. `plus` stands for a blank in queries.
    static func decoded(_ bytes: ArraySlice<UInt8>, plus: Bool = false) -> String? {
        var result: [UInt8] = [], i = bytes.startIndex
        while i < bytes.endIndex {
            if bytes[i] == UInt8(ascii: "%") {
                guard i + 2 < bytes.endIndex, let high = hexDigit(bytes[i + 1]), let low = hexDigit(bytes[i + 2]) else {
                    return nil
                }
                result.append(UInt8(high << 4 | low))
                i += 3
            } else {
                result.append(plus && bytes[i] == UInt8(ascii: "+") ? 32 : bytes[i])
                i += 1
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    static func hexDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case 48 ... 57: Int(byte) - 48
        case 65 ... 70: Int(byte) - 55
        case 97 ... 102: Int(byte) - 87
        default: nil
        }
    }

    /// The characters of a method and of a header's name (RFC 9110, token).
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48 ... 57, 65 ... 90, 97 ... 122: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
