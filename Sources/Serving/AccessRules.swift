import Foundation

/// Who may ask: whoever has the token, and no page of a browser that nobody invited.
public struct AccessRules: Sendable {
    /// What requests must carry as `Authorization: Bearer TOKEN`, or as a password (Basic); nil where everyone on this
    /// machine may ask.
    public var token: String?
    /// Origins whose pages may ask from a browser (`https://example.org`); `*` for all of them.
    public var origins: [String] = []

    public init() {}

    /// What speaks against a request.
    package func objection(to head: RequestHead) -> Rejection? {
        if let origin = head["origin"], !allows(origin: origin, host: head["host"] ?? "") {
            return Rejection(
                403, "pages of \(origin.prefix(80)) may not ask here: allow them with the server's option for CORS")
        }
        guard let token else {
            // A name that leads to this machine by its owner's will alone (DNS rebinding) is not one of these.
            return Self.isLocal(host: head["host"] ?? "localhost")
                ? nil
                : Rejection(
                    403,
                    "without a token, the server answers to localhost only, not to \((head["host"] ?? "").prefix(80))")
        }
        guard let given = Self.token(in: head["authorization"] ?? ""), Self.isEqual(given, token) else {
            return Rejection(401, "a token is needed: Authorization: Bearer TOKEN")
        }
        return nil
    }

    /// The token of `Bearer TOKEN`, or the password of `Basic` (RFC 7617), which is how a browser sends one that shows
    /// a page.
    private static func token(in authorization: String) -> String? {
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2 else { return nil }
        switch words[0].lowercased() {
        case "bearer": return String(words[1])
        case "basic":
            guard let pair = Data(base64Encoded: String(words[1])), let colon = pair.firstIndex(of: UInt8(ascii: ":"))
            else { return nil }
            return String(decoding: pair[(colon + 1)...], as: UTF8.self)
        default: return nil
        }
    }

    /// The origin that an answer may name to a browser.
    func allowedOrigin(_ head: RequestHead) -> String? {
        guard let origin = head["origin"], origins.contains("*") || origins.contains(origin) else { return nil }
        return origin
    }

    private func allows(origin: String, host: String) -> Bool {
        origins.contains("*") || origins.contains(origin) || origin == "http://" + host || origin == "https://" + host
    }

    static func isLocal(host: String) -> Bool {
        var name = Substring(host.lowercased())
        if name.hasPrefix("[") { return name.hasPrefix("[::1]") }
        if let colon = name.lastIndex(of: ":") { name = name[..<colon] }
        if name == "localhost" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Takes as long for a token that is nearly right as for one that is all wrong.
    private static func isEqual(_ a: String, _ b: String) -> Bool {
        let a = Array(a.utf8), b = Array(b.utf8)
        var difference = a.count ^ b.count
        for i in b.indices { difference |= Int(b[i] ^ (i < a.count ? a[i] : 0)) }
        return difference == 0
    }
}
