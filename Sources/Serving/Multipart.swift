import Support

/// The parts of a `multipart/form-data` body (RFC 7578).
public struct Multipart: Sendable {
    public struct Part: Sendable {
        public let name: String, fileName: String?, type: String?
        public let content: ArraySlice<UInt8>
    }

    public static let maxParts = 64, maxHead = 4096
    public let parts: [Part]

    /// - Throws: `format` for what is no such body, or one with more or larger parts than are allowed.
    public init(_ body: [UInt8], contentType: String) throws {
        guard let boundary = Self.parameter("boundary", of: contentType), (1 ... 70).contains(boundary.utf8.count)
        else {
            throw OpahError(.format, "Content-Type names no boundary of the parts")
        }
        let delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter may stand at the very beginning.
        var at =
            body.starts(with: delimiter.dropFirst(2))
            ? delimiter.count - 2 : try Self.find(delimiter, in: body, from: 0) + delimiter.count
        var parts: [Part] = []
        while true {
            guard at + 2 <= body.count else { throw OpahError(.format, "the body ends before its last part does") }
            if body[at] == UInt8(ascii: "-"), body[at + 1] == UInt8(ascii: "-") { break }
            guard body[at] == 13, body[at + 1] == 10 else {
                throw OpahError(.format, "a boundary is followed by something else than a part")
            }
            guard parts.count < Self.maxParts else {
                throw OpahError(.format, "there are more than \(Self.maxParts) parts")
            }
            at += 2
            let end = try Self.find(delimiter, in: body, from: max(at - 2, 0)),
                blank = try Self.find([13, 10, 13, 10], in: body, from: max(at - 2, 0))
            guard blank <= end, blank - at <= Self.maxHead else {
                throw OpahError(.format, "a part has no head, or one above \(Self.maxHead) bytes")
            }
            let start = min(blank + 4, end)
            guard start <= end else { throw OpahError(.format, "a part has no end") }
            let head = String(decoding: body[min(at, blank) ..< blank], as: UTF8.self)
            var disposition = "", type: String?
            for line in head.split(separator: "\r\n") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                switch line[..<colon].lowercased() {
                case "content-disposition": disposition = String(value)
                case "content-type": type = String(value)
                default: break
                }
            }
            guard let name = Self.parameter("name", of: disposition) else {
                throw OpahError(.format, "a part has no name")
            }
            parts.append(
                Part(
                    name: name, fileName: Self.parameter("filename", of: disposition), type: type,
                    content: body[start ..< end]))
            at = end + delimiter.count
        }
        self.parts = parts
    }

    private static func find(_ wanted: [UInt8], in body: [UInt8], from start: Int) throws -> Int {
        var i = start
        while i + wanted.count <= body.count {
            if body[i] == wanted[0], body[i ..< (i + wanted.count)].elementsEqual(wanted) { return i }
            i += 1
        }
        throw OpahError(.format, "the body ends before its last part does")
    }

    /// `name="..."` or `name=...` of a header's value.
    private static func parameter(_ name: String, of value: String) -> String? {
        for field in value.split(separator: ";").dropFirst() {
            let sides = field.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, sides[0].filter({ $0 != " " && $0 != "\t" }).lowercased() == name else { continue }
            var text = sides[1][...]
            while text.last == " " { text.removeLast() }
            if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
            return String(text)
        }
        return nil
    }
}
