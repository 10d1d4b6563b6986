import Support

/// A request that is complete, and the way to answer it: at once, or piece by piece.
public final class Exchange: @unchecked Sendable {   // used by one thread at a time, but for what the server locks
    public let head: RequestHead
    public private(set) var body: [UInt8]
    let number: Int
    private let server: Server
    var isChunked = false
    private var state = State.new { didSet { if state == .ended { releaseBody() } } }

    private enum State { case new, streaming, ended }

    init(_ server: Server, _ number: Int, _ head: RequestHead, body: [UInt8]) {
        (self.server, self.number, self.head, self.body) = (server, number, head, body)
    }

    deinit {
        // Who lets go of the last reference may hold the server's lock.
        server.forsake(state == .ended ? nil : number, bytes: body.count)
    }

    /// The body is not needed any more; its bytes no longer count.
    public func releaseBody() {
        guard !body.isEmpty else { return }
        server.released(body.count)
        body = []
    }

    /// Whether the client has gone away: then nobody waits for an answer.
    public var isGone: Bool { server.isGone(number) }
    /// Bytes of the answer that the client has not taken yet.
    public var pending: Int { server.pending(number) }
    public var isAnswered: Bool { state != .new }

    /// The whole answer. - Returns: false when the client is gone.
    @discardableResult
    public func respond(_ status: Int, _ headers: [(String, String)], _ body: [UInt8]) throws -> Bool {
        try check(.new, status, headers)
        state = .ended
        return server.begin(self, status: status, headers: headers, length: body.count, body: body)
    }

    /// Begins an answer whose body comes piece by piece.
    @discardableResult
    public func start(_ status: Int, _ headers: [(String, String)]) throws -> Bool {
        try check(.new, status, headers)
        state = .streaming
        return server.begin(self, status: status, headers: headers, length: nil)
    }

    /// The next piece. - Returns: false when the client is gone.
    @discardableResult
    public func write(_ bytes: [UInt8]) throws -> Bool {
        guard state == .streaming else { throw OpahError(.argument, "the answer has not begun, or has ended") }
        return bytes.isEmpty ? !isGone : server.add(self, bytes, isLast: false)
    }

    /// The answer is whole.
    @discardableResult
    public func finish() throws -> Bool {
        guard state == .streaming else { throw OpahError(.argument, "the answer has not begun, or has ended") }
        state = .ended
        return server.add(self, [], isLast: true)
    }

    /// Ends the connection in the middle of the answer, so that the client sees that it is not whole.
    public func abort() {
        state = .ended
        server.abort(number)
    }

    private func check(_ wanted: State, _ status: Int, _ headers: [(String, String)]) throws {
        guard state == wanted else { throw OpahError(.argument, "this request has its answer already") }
        guard (200 ... 599).contains(status) else {
            throw OpahError(.argument, "a status is from 200 to 599, not \(status)")
        }
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(RequestHead.isTokenByte),
                value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 })
            else {
                throw OpahError(.argument, "a header '\(name)' that would break the answer")
            }
        }
    }
}
