import Glibc
import Support

/// Where a server listens: an IPv4 or IPv6 address of this machine, by number.
public struct ListenAddress: Sendable {
    public let host: String
    public let isLoopback: Bool

    public init(_ host: String) throws {
        let number = host == "localhost" ? "127.0.0.1" : host
        self.host = number
        isLoopback = try Self.resolved(number, port: 0) { address in
            guard address.pointee.ai_family == AF_INET else { return number == "::1" }
            return address.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt32(bigEndian: $0.pointee.sin_addr.s_addr) >> 24 == 127
            }
        }
    }

    /// The address as sockets take it.
    private static func resolved<R>(
        _ host: String, port: Int, _ body: (UnsafePointer<addrinfo>) throws -> R
    ) throws -> R {
        var hints = addrinfo(), found: UnsafeMutablePointer<addrinfo>?
        (hints.ai_flags, hints.ai_socktype) = (
            AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV, Int32(SOCK_STREAM.rawValue)
        )
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
            throw OpahError(
                .argument, "\(host) is no address to listen on",
                hint: "127.0.0.1 for this machine alone, 0.0.0.0 for all of its networks, ::1, ::, or one address of it"
            )
        }
        defer { freeaddrinfo(found) }
        return try body(found)
    }

    /// A listening socket, and the port it has (`port` 0 takes a free one).
    func listen(port: Int) throws -> (descriptor: Int32, port: Int) {
        func failed(_ what: String) -> OpahError {
            let code = errno, place = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
            let hint =
                code == EADDRINUSE
                ? "another program listens there: choose another port"
                : code == EACCES ? "ports below 1024 belong to the system: choose another port" : nil
            return OpahError(.file, "\(place): cannot \(what): \(String(cString: strerror(code)))", hint: hint)
        }
        guard (0 ... 65535).contains(port) else { throw OpahError(.argument, "a port is from 0 to 65535, not \(port)") }
        let descriptor = try Self.resolved(host, port: port) { address in
            let descriptor = socket(
                address.pointee.ai_family,
                address.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { throw failed("open a socket") }
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
                Glibc.listen(descriptor, 128) == 0
            else {
                let error = failed("listen")
                close(descriptor)
                throw error
            }
            return descriptor
        }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        // Both kinds of address have the port in their second two bytes.
        let found = withUnsafeBytes(of: &storage) {
            UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
        return (descriptor, Int(found))
    }
}
