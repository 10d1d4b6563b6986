import Support

/// The line and the headers of answers.
extension Server {
    func head(
        _ status: Int, _ headers: [(String, String)], length: Int?, chunked: Bool, keepsAlive: Bool, _ head: RequestHead
    ) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(StatusText.of(status))\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let length, status != 204 { text += "Content-Length: \(length)\r\n" }
        if chunked { text += "Transfer-Encoding: chunked\r\n" }
        if let origin = settings.access.allowedOrigin(head) {
            text += "Access-Control-Allow-Origin: \(origin)\r\nVary: Origin\r\n"
        }
        text += "X-Content-Type-Options: nosniff\r\nConnection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(text.utf8)
    }

    static func refusal(_ rejection: Rejection) -> [UInt8] {
        let kind =
            rejection.status == 401
            ? "authentication_error" : rejection.status >= 500 ? "server_error" : "invalid_request_error"
        let error: ConfigMap = [
            "message": .string(rejection.reason), "type": .string(kind), "param": .null, "code": .null
        ]
        let body = JSON.encode(.map(["error": .map(error)]))
        var text =
            "HTTP/1.1 \(rejection.status) \(StatusText.of(rejection.status))\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        if rejection.status == 401 {
            text += "WWW-Authenticate: Bearer\r\nWWW-Authenticate: Basic realm=\"opah\", charset=\"UTF-8\"\r\n"
        }
        if rejection.status == 503 { text += "Retry-After: 1\r\n" }
        return Array((text + "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n" + body).utf8)
    }
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
