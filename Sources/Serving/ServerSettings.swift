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
}

/// Why a request is answered by the server itself.
package struct Rejection: Error, Equatable {
    package let status: Int
    package let reason: String
    init(_ status: Int, _ reason: String) { (self.status, self.reason) = (status, reason) }
}

/// The words of a status.
enum StatusText {
    static func of(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: status < 400 ? "OK" : "Error"
        }
    }
}
