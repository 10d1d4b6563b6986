import Glibc
import Support

/// Where a server listens: an IPv4 or IPv6 address of this machine, by number.
public struct ListenAddress: Sendable {
    public let host: String
    public let isLoopback: Bool
    private let isVersion6: Bool

    public init(_ host: String) throws {
        let name = host == "localhost" ? "127.0.0.1" : host
        var v4 = in_addr(), v6 = in6_addr()
        self.host = name
        if inet_pton(AF_INET, name, &v4) == 1 {
            (isVersion6, isLoopback) = (false, UInt32(bigEndian: v4.s_addr) >> 24 == 127)
        } else if inet_pton(AF_INET6, name, &v6) == 1 {
            (isVersion6, isLoopback) = (true, name == "::1")
        } else {
            throw OpahError(.argument, "\(host) is no address to listen on", hint: "127.0.0.1 for this machine alone, 0.0.0.0 for all of its networks, ::1, ::, or one address of it")
        }
    }

    /// A listening socket, and the port it has (`port` 0 takes a free one).
    func listen(port: Int) throws -> (descriptor: Int32, port: Int) {
        func failed(_ what: String) -> OpahError {
            let code = errno, place = "\(isVersion6 ? "[\(host)]" : host):\(port)"
            let hint = code == EADDRINUSE ? "another program listens there: choose another port" : code == EACCES ? "ports below 1024 belong to the system: choose another port" : nil
            return OpahError(.file, "\(place): cannot \(what): \(String(cString: strerror(code)))", hint: hint)
        }
        guard (0...65535).contains(port) else { throw OpahError(.argument, "a port is from 0 to 65535, not \(port)") }
        let descriptor = socket(isVersion6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw failed("open a socket") }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var storage = sockaddr_storage(), size = socklen_t(0)
        withUnsafeMutableBytes(of: &storage) { raw in
            if isVersion6 {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = UInt16(port).bigEndian
                inet_pton(AF_INET6, host, &address.sin6_addr)
                raw.storeBytes(of: address, as: sockaddr_in6.self)
                size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            } else {
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = UInt16(port).bigEndian
                inet_pton(AF_INET, host, &address.sin_addr)
                raw.storeBytes(of: address, as: sockaddr_in.self)
                size = socklen_t(MemoryLayout<sockaddr_in>.size)
            }
        }
        let bound = withUnsafePointer(to: &storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) } }
        guard bound == 0, Glibc.listen(descriptor, 128) == 0 else {
            let error = failed("listen")
            close(descriptor)
            throw error
        }
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) } }
        // Both kinds of address have the port in their second two bytes.
        let found = withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
        return (descriptor, Int(found))
    }
}
