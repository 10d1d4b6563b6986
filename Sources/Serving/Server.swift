import Foundation
import Glibc
import Support

/// An HTTP/1.1 server with one thread of its own for all connections. It accepts, reads, bounds and queues requests,
/// and sends what answers them, while whoever takes the requests (`next`) is busy with something else.
///
/// Nothing of a request is believed: every size and every wait has a limit (`ServerSettings`), and what breaks one is
/// answered here, with a status, and ends its connection. A client that goes away takes its request along: it leaves
/// the queue, and who works on it is told (`Exchange.isGone`).
public final class Server: @unchecked Sendable {   // all state is touched under `lock`
    public let settings: ServerSettings
    public let host: String, port: Int
    let lock = NSCondition()
    let listener: Int32
    let wake: (read: Int32, write: Int32)
    var connections: [Int: Connection] = [:]
    var queue: [Exchange] = []
    /// What exchanges that nobody holds any more leave to the loop: connections to end, bytes of bodies. Under a lock
    /// of its own, since the last reference to one may go while `lock` is held.
    var forsaken: (connections: [Int], bytes: Int) = ([], 0)
    let forsakenLock = NSLock()
    var numbers = 0, bodyBytes = 0
    var phase = Phase.running
    var acceptAgain = ContinuousClock.now
    var statistics = Statistics()
    var refused: [Refused] = []

    enum Phase { case running, closing, closed }

    /// What happened since the start.
    public struct Statistics: Sendable {
        public var connections = 0, requests = 0, gone = 0, bytesReceived = 0, bytesSent = 0
        /// Answers by their status.
        public var statuses: [Int: Int] = [:]
        /// Now open, and waiting to be taken.
        public var open = 0, queued = 0
    }

    /// A request that the server answered by itself.
    public struct Refused: Sendable { public let status: Int, reason: String }

    public init(_ address: ListenAddress, port: Int, _ settings: ServerSettings = ServerSettings()) throws {
        guard address.isLoopback || settings.access.token != nil else {
            throw OpahError(
                .argument, "\(address.host) can be reached by others: a token is needed",
                hint: "set a token, or listen on 127.0.0.1")
        }
        try settings.check()
        self.settings = settings
        (listener, self.port) = try address.listen(port: port)
        host = address.host
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            Glibc.close(listener)
            throw OpahError.system("pipe", errno: errno, doing: "open")
        }
        wake = (ends[0], ends[1])
        for end in ends { Self.makeNonBlocking(end) }
        let thread = Thread { [self] in run() }
        thread.stackSize = 1 << 20
        thread.name = "http"
        thread.start()
    }

    // MARK: for those who answer

    /// The next request; nil when none came in time, or when the server is closed.
    public func next(timeout: Double) throws -> Exchange? {
        let end = Date(timeIntervalSinceNow: timeout)
        lock.lock()
        defer { lock.unlock() }
        while true {
            if !queue.isEmpty { return queue.removeFirst() }
            try Interrupt.check()
            let now = Date()
            guard now < end, phase == .running || !connections.isEmpty else { return nil }
            _ = lock.wait(until: min(end, now.addingTimeInterval(0.1)))
        }
    }

    public var stats: Statistics {
        lock.withLock {
            var result = statistics
            (result.open, result.queued) = (connections.count, queue.count)
            return result
        }
    }

    /// What was refused since the last time; the first thousand.
    public func takeRefused() -> [Refused] {
        lock.withLock {
            defer { refused = [] }
            return refused
        }
    }

    /// No new connections and no new requests; what is being answered goes on.
    public func stopListening() {
        lock.withLock {
            guard phase == .running else { return }
            phase = .closing
        }
        wakeUp()
    }

    /// Whether every connection has ended.
    public var isIdle: Bool { lock.withLock { connections.isEmpty && queue.isEmpty } }

    /// Ends all connections and the thread.
    public func close() {
        lock.withLock { phase = .closed }
        wakeUp()
    }

    // MARK: for exchanges

    func isGone(_ number: Int) -> Bool { lock.withLock { connections[number] == nil } }

    func pending(_ number: Int) -> Int { lock.withLock { connections[number]?.pending ?? 0 } }

    /// Begins an answer. - Parameter length: of the body; nil where it comes in pieces.
    func begin(_ exchange: Exchange, status: Int, headers: [(String, String)], length: Int?, body: [UInt8] = []) -> Bool
    {
        lock.lock()
        defer { lock.unlock(); wakeUp() }
        count(status)
        guard let connection = connections[exchange.number], case .waiting = connection.phase else { return false }
        exchange.isChunked = length == nil && exchange.head.isVersion11
        connection.keepsAlive =
            connection.keepsAlive && exchange.head.keepsAlive && phase == .running
            && (length != nil || exchange.isChunked)
        connection.queue(
            head(
                status, headers, length: length, chunked: exchange.isChunked, keepsAlive: connection.keepsAlive,
                exchange.head))
        if exchange.head.method != "HEAD" { connection.queue(body) }
        connection.phase = .answering
        connection.answerIsComplete = length != nil
        connection.deadline = .now + .seconds(settings.writeTime)
        return true
    }

    /// Adds to an answer that comes in pieces. - Returns: false when the client is gone.
    func add(_ exchange: Exchange, _ bytes: [UInt8], isLast: Bool) -> Bool {
        lock.lock()
        defer { lock.unlock(); wakeUp() }
        guard let connection = connections[exchange.number], case .answering = connection.phase,
            !connection.answerIsComplete
        else { return false }
        guard connection.pending + bytes.count <= settings.maxPending else {
            drop(connection)
            return false
        }
        if connection.pending == 0 { connection.deadline = .now + .seconds(settings.writeTime) }
        if exchange.head.method != "HEAD" {
            if exchange.isChunked {
                if !bytes.isEmpty {
                    connection.queue(Array((String(bytes.count, radix: 16) + "\r\n").utf8))
                    connection.queue(bytes)
                    connection.queue([13, 10])
                }
                if isLast { connection.queue(Array("0\r\n\r\n".utf8)) }
            } else {
                connection.queue(bytes)
            }
        }
        connection.answerIsComplete = isLast
        return true
    }

    /// Ends the connection where it stands: the client sees that the answer is not whole.
    func abort(_ number: Int) {
        lock.withLock { if let connection = connections[number] { drop(connection) } }
        wakeUp()
    }

    /// Both ends of the pipe stay until nobody can wake the loop any more: a write into one without a reader is a
    /// SIGPIPE.
    deinit {
        Glibc.close(wake.read)
        Glibc.close(wake.write)
    }
}
