import Foundation
import Glibc
import Support

/// An HTTP/1.1 server with one thread of its own for all connections. It accepts, reads, bounds and queues requests, and sends
/// what answers them, while whoever takes the requests (`next`) is busy with something else.
///
/// Nothing of a request is believed: every size and every wait has a limit (`ServerSettings`), and what breaks one is answered
/// here, with a status, and ends its connection. A client that goes away takes its request along: it leaves the queue, and
/// who works on it is told (`Exchange.isGone`).
public final class Server: @unchecked Sendable {          // all state is touched under `lock`
    public let settings: ServerSettings
    public let host: String, port: Int
    private let lock = NSCondition()
    private let listener: Int32
    private let wake: (read: Int32, write: Int32)
    private var connections: [Int: Connection] = [:]
    private var queue: [Exchange] = []
    /// What exchanges that nobody holds any more leave to the loop: connections to end, bytes of bodies. Under a lock of its
    /// own, since the last reference to one may go while `lock` is held.
    private var forsaken: (connections: [Int], bytes: Int) = ([], 0)
    private let forsakenLock = NSLock()
    private var numbers = 0, bodyBytes = 0
    private var phase = Phase.running
    private var acceptAgain = ContinuousClock.now
    private var statistics = Statistics()
    private var refused: [Refused] = []

    private enum Phase { case running, closing, closed }

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
            throw OpahError(.argument, "\(address.host) can be reached by others: a token is needed", hint: "set a token, or listen on 127.0.0.1")
        }
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

    /// What was refused since the last time; the newest thousand.
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
    func begin(_ exchange: Exchange, status: Int, headers: [(String, String)], length: Int?, body: [UInt8] = []) -> Bool {
        lock.lock()
        defer { lock.unlock(); wakeUp() }
        count(status)
        guard let connection = connections[exchange.number], case .waiting = connection.phase else { return false }
        exchange.isChunked = length == nil && exchange.head.isVersion11
        connection.keepsAlive = connection.keepsAlive && exchange.head.keepsAlive && phase == .running && (length != nil || exchange.isChunked)
        connection.queue(head(status, headers, length: length, chunked: exchange.isChunked, keepsAlive: connection.keepsAlive, exchange.head))
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
        guard let connection = connections[exchange.number], case .answering = connection.phase, !connection.answerIsComplete else { return false }
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

    // MARK: the loop

    private func wakeUp() {
        var byte: UInt8 = 1
        _ = Glibc.write(wake.write, &byte, 1)
    }

    private func run() {
        var isListening = true
        while true {
            lock.lock()
            takeForsaken()
            let now = ContinuousClock.now
            if phase == .closed {
                for connection in connections.values { Glibc.close(connection.descriptor) }
                connections = [:]
                queue = []
                lock.broadcast()
                lock.unlock()
                break
            }
            if phase == .closing {
                if isListening { Glibc.close(listener) }
                isListening = false
                for connection in connections.values {
                    if case .head = connection.phase, connection.input.isEmpty { drop(connection) }
                }
            }
            var order = connections.values.map(\.number)
            order.sort()
            var polled = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
            if isListening { polled.append(pollfd(fd: now >= acceptAgain ? listener : -1, events: Int16(POLLIN), revents: 0)) }
            let first = polled.count
            for number in order {
                let connection = connections[number]!
                polled.append(pollfd(fd: connection.descriptor, events: connection.events, revents: 0))
            }
            let isWaiting = !connections.isEmpty || now < acceptAgain
            lock.unlock()

            _ = poll(&polled, nfds_t(polled.count), isWaiting ? 100 : 1000)

            if polled[0].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 256)
                while Glibc.read(wake.read, &bytes, bytes.count) == bytes.count {}
            }
            lock.lock()
            if isListening, polled[1].revents != 0 { acceptAll() }
            for (i, number) in order.enumerated() {
                guard let connection = connections[number] else { continue }
                work(connection, polled[first + i].revents)
            }
            let later = ContinuousClock.now
            for connection in Array(connections.values) where later > connection.deadline { expire(connection) }
            lock.unlock()
        }
        if isListening { Glibc.close(listener) }
    }

    /// Both ends of the pipe stay until nobody can wake the loop any more: a write into one without a reader is a SIGPIPE.
    deinit {
        Glibc.close(wake.read)
        Glibc.close(wake.write)
    }

    /// An exchange that nobody holds any more, with its connection where that waits for an answer. Takes no lock of the loop's.
    func forsake(_ number: Int?, bytes: Int) {
        forsakenLock.withLock {
            if let number { forsaken.connections.append(number) }
            forsaken.bytes += bytes
        }
        wakeUp()
    }

    /// Under the lock.
    private func takeForsaken() {
        let (numbers, bytes) = forsakenLock.withLock {
            defer { forsaken = ([], 0) }
            return forsaken
        }
        bodyBytes -= bytes
        for number in numbers {
            if let connection = connections[number] { drop(connection) }
        }
    }

    private func acceptAll() {
        for _ in 0..<64 {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Out of descriptors: those that are open must end first.
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS { acceptAgain = .now + .milliseconds(200) }
                return
            }
            Self.makeNonBlocking(descriptor)
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            numbers += 1
            statistics.connections += 1
            let connection = Connection(numbers, descriptor, deadline: .now + .seconds(settings.headTime))
            let isFull = connections.count >= settings.maxConnections
            connections[numbers] = connection
            if isFull { refuse(connection, Rejection(503, "too many connections are open")) }
        }
    }

    private func work(_ connection: Connection, _ happened: Int16) {
        let hangup = Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL), closed: Int16 = 0x2000
        switch connection.phase {
        case .waiting, .answering:
            if happened & (hangup | closed) != 0 { return drop(connection) }
        case .head, .body, .draining:
            if happened & hangup != 0, happened & Int16(POLLIN) == 0 { return drop(connection) }
        }
        if connection.pending > 0 {
            guard let sent = connection.send() else { return drop(connection) }
            statistics.bytesSent += sent
            if sent > 0 { connection.deadline = .now + .seconds(settings.writeTime) }
        }
        switch connection.phase {
        case .head, .body:
            guard happened & Int16(POLLIN) != 0 else { return }
            guard let bytes = connection.receive() else { return drop(connection) }
            statistics.bytesReceived += bytes.count
            if connection.input.isEmpty, case .head = connection.phase { connection.deadline = .now + .seconds(settings.headTime) }
            connection.input += bytes
            read(connection)
        case .answering:
            if connection.pending > 0 { break }
            if connection.answerIsComplete { finish(connection) } else { connection.deadline = .now + .seconds(86_400) }
        case .draining(let left):
            guard connection.pending == 0, happened & Int16(POLLIN) != 0 else { return }
            guard let bytes = connection.receive(), bytes.count <= left else { return drop(connection) }
            connection.phase = .draining(left: left - bytes.count)
        case .waiting: break
        }
    }

    /// An answer is sent: the connection takes the next request, or ends.
    private func finish(_ connection: Connection) {
        guard connection.keepsAlive, phase == .running else { return drain(connection) }
        connection.phase = .head
        connection.answerIsComplete = false
        connection.deadline = .now + .seconds(connection.input.isEmpty ? settings.idleTime : settings.headTime)
        if !connection.input.isEmpty { read(connection) }
    }

    /// What lies in the connection's input, as far as it goes.
    private func read(_ connection: Connection) {
        do throws(Rejection) {
            if case .head = connection.phase {
                while connection.input.starts(with: [13, 10]) { connection.input.removeFirst(2) }   // RFC 9112, 2.2
                guard let end = Self.endOfHead(connection.input, limit: settings.maxHead) else {
                    if connection.input.count > settings.maxHead { throw Rejection(431, "the request's headers have more than \(settings.maxHead) bytes") }
                    return
                }
                guard end <= settings.maxHead else { throw Rejection(431, "the request's headers have more than \(settings.maxHead) bytes") }
                let head = try RequestHead(connection.input[..<end])
                connection.input.removeFirst(end + 4)
                try admit(head, connection)
            }
            guard case .body(let head, var reader) = connection.phase else { return }
            connection.phase = .head      // the reader's bytes have one owner while they grow
            let before = reader.bytes.count, used = try reader.take(connection.input[...])
            connection.input.removeFirst(used)
            bodyBytes += reader.bytes.count - before
            connection.phase = .body(head, reader)
            guard bodyBytes <= settings.maxBodies else { throw Rejection(503, "the bodies of other requests fill the memory that is set aside for them") }
            guard reader.isComplete else { return }
            guard queue.count < settings.maxQueue else { throw Rejection(503, "\(queue.count) requests wait already") }
            statistics.requests += 1
            connection.phase = .waiting
            connection.deadline = .now + .seconds(86_400)     // whoever answers has a time limit of its own
            queue.append(Exchange(self, connection.number, head, body: reader.bytes))
            lock.broadcast()
        } catch {
            refuse(connection, error)
        }
    }

    /// Checks who asks before any body is read.
    private func admit(_ head: RequestHead, _ connection: Connection) throws(Rejection) {
        if head.method == "OPTIONS", head["access-control-request-method"] != nil, settings.access.allowedOrigin(head) != nil {
            connection.keepsAlive = false
            connection.queue(self.head(204, [("Access-Control-Allow-Methods", "GET, POST, DELETE"),
                                             ("Access-Control-Allow-Headers", "Authorization, Content-Type"), ("Access-Control-Max-Age", "600")],
                                       length: 0, chunked: false, keepsAlive: false, head))
            count(204)
            return drain(connection)
        }
        if let objection = settings.access.objection(to: head) { throw objection }
        let reader = try BodyReader(head.body, limit: settings.maxBody)
        if let expected = head["expect"] {
            guard expected.lowercased() == "100-continue" else { throw Rejection(417, "Expect can only be 100-continue") }
            if !reader.isComplete { connection.queue(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        }
        connection.deadline = .now + .seconds(settings.bodyTime)
        connection.phase = .body(head, reader)
    }

    private func refuse(_ connection: Connection, _ rejection: Rejection) {
        release(connection)
        count(rejection.status)
        if refused.count < 1000 { refused.append(Refused(status: rejection.status, reason: rejection.reason)) }
        connection.queue(Self.refusal(rejection))
        drain(connection)
    }

    private func drain(_ connection: Connection) {
        connection.phase = .draining(left: 1 << 20)
        connection.input = []
        connection.deadline = .now + .seconds(2)
        guard let sent = connection.send() else { return drop(connection) }
        statistics.bytesSent += sent
        if connection.pending == 0 { shutdown(connection.descriptor, Int32(SHUT_WR)) }
    }

    private func expire(_ connection: Connection) {
        switch connection.phase {
        case .head:
            if connection.input.isEmpty { drop(connection) } else { refuse(connection, Rejection(408, "the request's head did not come in time")) }
        case .body: refuse(connection, Rejection(408, "the request's body did not come in time"))
        case .waiting, .answering, .draining: drop(connection)
        }
    }

    private func drop(_ connection: Connection) {
        release(connection)
        switch connection.phase {
        case .waiting, .answering:
            statistics.gone += 1
            queue.removeAll { $0.number == connection.number }
        default: break
        }
        connections[connection.number] = nil
        Glibc.close(connection.descriptor)
        lock.broadcast()
    }

    private func release(_ connection: Connection) {
        if case .body(_, let reader) = connection.phase { bodyBytes -= reader.bytes.count }
    }

    /// The bytes of a body are no longer kept.
    func released(_ count: Int) { lock.withLock { bodyBytes -= count } }

    private func count(_ status: Int) { statistics.statuses[status, default: 0] += 1 }

    private func head(_ status: Int, _ headers: [(String, String)], length: Int?, chunked: Bool, keepsAlive: Bool, _ head: RequestHead) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(StatusText.of(status))\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let length, status != 204 { text += "Content-Length: \(length)\r\n" }
        if chunked { text += "Transfer-Encoding: chunked\r\n" }
        if let origin = settings.access.allowedOrigin(head) { text += "Access-Control-Allow-Origin: \(origin)\r\nVary: Origin\r\n" }
        text += "X-Content-Type-Options: nosniff\r\nConnection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(text.utf8)
    }

    private static func refusal(_ rejection: Rejection) -> [UInt8] {
        let kind = rejection.status == 401 ? "authentication_error" : rejection.status >= 500 ? "server_error" : "invalid_request_error"
        let error: ConfigMap = ["message": .string(rejection.reason), "type": .string(kind), "param": .null, "code": .null]
        let body = JSON.encode(.map(["error": .map(error)]))
        var text = "HTTP/1.1 \(rejection.status) \(StatusText.of(rejection.status))\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        if rejection.status == 401 { text += "WWW-Authenticate: Bearer\r\n" }
        if rejection.status == 503 { text += "Retry-After: 1\r\n" }
        return Array((text + "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n" + body).utf8)
    }

    private static func endOfHead(_ bytes: [UInt8], limit: Int) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for i in 0...min(bytes.count - 4, limit) where bytes[i] == 13 && bytes[i + 1] == 10 && bytes[i + 2] == 13 && bytes[i + 3] == 10 { return i }
        return nil
    }

    private static func makeNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
}
