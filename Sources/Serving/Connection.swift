import Glibc
import Support

/// One client's connection, as the server's loop sees it. Only touched while the server's lock is held.
final class Connection {
    enum Phase {
        /// Reading the line and the headers, or waiting for them.
        case head
        case body(RequestHead, BodyReader)
        /// The request is complete: in the queue, or somebody works on it.
        case waiting
        /// The answer has begun; it may still grow.
        case answering
        /// Everything is sent: what still comes is thrown away, so that the client can read the answer before the end.
        case draining(left: Int)
    }

    let number: Int, descriptor: Int32
    var phase = Phase.head
    /// When it is given up; nil while somebody works on its request, who has limits of his own.
    var deadline: ContinuousClock.Instant?
    /// Read and not understood yet.
    var input: [UInt8] = []
    /// To be sent, from `sent` on.
    private var output: [UInt8] = [], sent = 0
    var answerIsComplete = false, keepsAlive = true

    init(_ number: Int, _ descriptor: Int32, deadline: ContinuousClock.Instant) {
        (self.number, self.descriptor, self.deadline) = (number, descriptor, deadline)
    }

    var pending: Int { output.count - sent }

    func queue(_ bytes: some Collection<UInt8>) {
        if sent > 1 << 16, sent * 2 > output.count {
            output.removeFirst(sent)
            sent = 0
        }
        output.append(contentsOf: bytes)
    }

    /// Sends what the client takes. - Returns: how many bytes; nil when the client is gone.
    func send() -> Int? {
        var total = 0
        while pending > 0 {
            let count = output.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, min(pending, 1 << 18), Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN || errno == EWOULDBLOCK ? total : nil
            }
            sent += count
            total += count
        }
        output.removeAll(keepingCapacity: output.capacity <= 1 << 16)
        sent = 0
        return total
    }

    /// The next bytes, at most 64 KiB; nil at the end, empty when there are none yet.
    func receive() -> [UInt8]? {
        var count = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, initialized in
            repeat { count = recv(descriptor, buffer.baseAddress!, buffer.count, 0) } while count < 0 && errno == EINTR
            initialized = max(count, 0)
        }
        if count < 0 { return errno == EAGAIN || errno == EWOULDBLOCK ? [] : nil }
        return count == 0 ? nil : bytes
    }

    /// The client has ended its side: POLLRDHUP, which the Glibc module leaves out.
    static let closed: Int16 = 0x2000

    /// Which events matter now.
    var events: Int16 {
        var events: Int16 = pending > 0 ? Int16(POLLOUT) : 0
        switch phase {
        case .head, .body: events |= Int16(POLLIN)
        case .draining: events |= pending > 0 ? 0 : Int16(POLLIN)
        case .waiting, .answering: events |= Self.closed
        }
        return events
    }
}
