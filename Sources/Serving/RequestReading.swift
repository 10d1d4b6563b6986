import Glibc
import Support

/// From a connection's bytes to a request in the queue, or to what speaks against it.
extension Server {
    /// What lies in the connection's input, as far as it goes.
    func read(_ connection: Connection) {
        do throws(Rejection) {
            if case .head = connection.phase {
                while connection.input.starts(with: [13, 10]) { connection.input.removeFirst(2) }   // RFC 9112, 2.2
                guard let end = Self.endOfHead(connection.input, limit: settings.maxHead) else {
                    if connection.input.count > settings.maxHead {
                        throw Rejection(431, "the request's headers have more than \(settings.maxHead) bytes")
                    }
                    return
                }
                guard end <= settings.maxHead else {
                    throw Rejection(431, "the request's headers have more than \(settings.maxHead) bytes")
                }
                let head = try RequestHead(connection.input[..<end])
                connection.input.removeFirst(end + 4)
                try admit(head, connection)
            }
            guard case .body(let head, var reader) = connection.phase else { return }
            connection.phase = .head   // the reader's bytes have one owner while they grow
            let before = reader.bytes.count, used = try reader.take(connection.input[...])
            connection.input.removeFirst(used)
            bodyBytes += reader.bytes.count - before
            connection.phase = .body(head, reader)
            guard bodyBytes <= settings.maxBodies else {
                throw Rejection(503, "the bodies of other requests fill the memory that is set aside for them")
            }
            guard reader.isComplete else { return }
            guard queue.count < settings.maxQueue else { throw Rejection(503, "\(queue.count) requests wait already") }
            statistics.requests += 1
            connection.phase = .waiting
            connection.deadline = nil
            queue.append(Exchange(self, connection.number, head, body: reader.bytes))
            lock.broadcast()
        } catch {
            refuse(connection, error)
        }
    }

    /// Checks who asks before any body is read.
    func admit(_ head: RequestHead, _ connection: Connection) throws(Rejection) {
        if head.method == "OPTIONS", head["access-control-request-method"] != nil,
            settings.access.allowedOrigin(head) != nil
        {
            connection.keepsAlive = false
            connection.queue(
                self.head(
                    204,
                    [
                        ("Access-Control-Allow-Methods", "GET, POST, DELETE"),
                        ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                        ("Access-Control-Max-Age", "600")
                    ],
                    length: 0, chunked: false, keepsAlive: false, head))
            count(204)
            return drain(connection)
        }
        if let objection = settings.access.objection(to: head) { throw objection }
        let reader = try BodyReader(head.body, limit: settings.maxBody)
        if let expected = head["expect"] {
            guard expected.lowercased() == "100-continue" else {
                throw Rejection(417, "Expect can only be 100-continue")
            }
            if !reader.isComplete { connection.queue(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        }
        connection.deadline = .now + .seconds(settings.bodyTime)
        connection.phase = .body(head, reader)
    }

    static func endOfHead(_ bytes: [UInt8], limit: Int) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for i in 0 ... min(bytes.count - 4, limit)
        where bytes[i] == 13 && bytes[i + 1] == 10 && bytes[i + 2] == 13 && bytes[i + 3] == 10 { return i }
        return nil
    }
}
