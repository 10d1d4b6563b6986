import Support

/// What a server allows. Every limit is there so that no client can take memory, connections or time without end.
public struct ServerSettings: Sendable {
    /// Bytes of a request's line and headers.
    public var maxHead = 16_384
    /// Bytes of one request's body, and of all bodies that are held at a time.
    public var maxBody = 16 << 20, maxBodies = 64 << 20
    /// Open connections; one more is told 503.
    public var maxConnections = 256
    /// Complete requests that nobody has taken yet; one more is told 503.
    public var maxQueue = 64
    /// Bytes that wait for one client to read them; a slower one loses its connection.
    public var maxPending = 32 << 20
    /// Seconds for a request's head, for its body, between requests, and for a client that reads nothing.
    public var headTime = 10.0, bodyTime = 60.0, idleTime = 30.0, writeTime = 30.0
    public var access = AccessRules()

    public init() {}

    /// - Throws: `argument` for the first limit that is none.
    func check() throws {
        func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw OpahError(.argument, "\(name) is from \(range.lowerBound) to \(range.upperBound), not \(value)")
            }
        }
        try require("max_head", maxHead, 256 ... 1 << 20)
        try require("max_body", maxBody, 0 ... 1 << 32)
        try require("max_bodies", maxBodies, 0 ... 1 << 36)
        try require("max_connections", maxConnections, 1 ... 10_000)
        try require("max_queue", maxQueue, 1 ... 10_000)
        try require("max_pending", maxPending, 1 << 16 ... 1 << 36)
        for (name, value) in [
            ("head_time", headTime), ("body_time", bodyTime), ("idle_time", idleTime), ("write_time", writeTime)
        ] {
            guard value > 0, value <= 86_400 else {
                throw OpahError(.argument, "\(name) is above 0 and at most 86400 seconds, not \(value)")
            }
        }
        if let token = access.token, token.isEmpty || token.utf8.contains(where: { $0 <= 32 || $0 >= 127 }) {
            throw OpahError(.argument, "a token is of printable ASCII characters without blanks")
        }
    }
}

/// Why a request is answered by the server itself.
package struct Rejection: Error, Equatable {
    package let status: Int
    package let reason: String
    init(_ status: Int, _ reason: String) { (self.status, self.reason) = (status, reason) }
}
