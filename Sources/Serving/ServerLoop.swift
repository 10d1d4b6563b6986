import Foundation
import Glibc
import Support

/// The thread that serves all connections: it waits for what happens on any of them, and does that. Everything but the
/// waiting is done under the lock.
extension Server {

    func wakeUp() {
        var byte: UInt8 = 1
        _ = Glibc.write(wake.write, &byte, 1)
    }

    func run() {
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
            if isListening {
                polled.append(pollfd(fd: now >= acceptAgain ? listener : -1, events: Int16(POLLIN), revents: 0))
            }
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
            for connection in Array(connections.values) where connection.deadline.map({ later > $0 }) ?? false {
                expire(connection)
            }
            lock.unlock()
        }
        if isListening { Glibc.close(listener) }
    }

    /// An exchange that nobody holds any more, with its connection where that waits for an answer. Takes no lock of the
    /// loop's.
    func forsake(_ number: Int?, bytes: Int) {
        forsakenLock.withLock {
            if let number { forsaken.connections.append(number) }
            forsaken.bytes += bytes
        }
        wakeUp()
    }

    /// Under the lock.
    func takeForsaken() {
        let (numbers, bytes) = forsakenLock.withLock {
            defer { forsaken = ([], 0) }
            return forsaken
        }
        bodyBytes -= bytes
        for number in numbers {
            if let connection = connections[number] { drop(connection) }
        }
    }

    func acceptAll() {
        for _ in 0 ..< 64 {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Out of descriptors: those that are open must end first.
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
                    acceptAgain = .now + .milliseconds(200)
                }
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

    func work(_ connection: Connection, _ happened: Int16) {
        let hangup = Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL)
        switch connection.phase {
        case .waiting, .answering:
            if happened & (hangup | Connection.closed) != 0 { return drop(connection) }
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
            if connection.input.isEmpty, case .head = connection.phase {
                connection.deadline = .now + .seconds(settings.headTime)
            }
            connection.input += bytes
            read(connection)
        case .answering:
            if connection.pending > 0 { break }
            if connection.answerIsComplete { finish(connection) } else { connection.deadline = nil }
        case .draining(let left):
            guard connection.pending == 0, happened & Int16(POLLIN) != 0 else { return }
            guard let bytes = connection.receive(), bytes.count <= left else { return drop(connection) }
            connection.phase = .draining(left: left - bytes.count)
        case .waiting: break
        }
    }

    /// An answer is sent: the connection takes the next request, or ends.
    func finish(_ connection: Connection) {
        guard connection.keepsAlive, phase == .running else { return drain(connection) }
        connection.phase = .head
        connection.answerIsComplete = false
        connection.deadline = .now + .seconds(connection.input.isEmpty ? settings.idleTime : settings.headTime)
        if !connection.input.isEmpty { read(connection) }
    }

    // MARK: how connections end

    func refuse(_ connection: Connection, _ rejection: Rejection) {
        release(connection)
        count(rejection.status)
        if refused.count < 1000 { refused.append(Refused(status: rejection.status, reason: rejection.reason)) }
        connection.queue(Self.refusal(rejection))
        drain(connection)
    }

    func drain(_ connection: Connection) {
        connection.phase = .draining(left: 1 << 20)
        connection.input = []
        connection.deadline = .now + .seconds(2)
        guard let sent = connection.send() else { return drop(connection) }
        statistics.bytesSent += sent
        if connection.pending == 0 { shutdown(connection.descriptor, Int32(SHUT_WR)) }
    }

    func expire(_ connection: Connection) {
        switch connection.phase {
        case .head:
            if connection.input.isEmpty {
                drop(connection)
            } else {
                refuse(connection, Rejection(408, "the request's head did not come in time"))
            }
        case .body: refuse(connection, Rejection(408, "the request's body did not come in time"))
        case .waiting, .answering, .draining: drop(connection)
        }
    }

    func drop(_ connection: Connection) {
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

    func release(_ connection: Connection) {
        if case .body(_, let reader) = connection.phase { bodyBytes -= reader.bytes.count }
    }

    /// The bytes of a body are no longer kept.
    func released(_ count: Int) { lock.withLock { bodyBytes -= count } }

    func count(_ status: Int) { statistics.statuses[status, default: 0] += 1 }

    static func makeNonBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
}
