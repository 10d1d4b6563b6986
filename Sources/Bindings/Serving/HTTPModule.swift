import Foundation
import LuaHost
import Serving
import Support

extension LuaModule {
    /// `opah.http`
    public static let http = LuaModule(
        "opah.http", "A small HTTP/1.1 server for recipes, and the formats that its clients speak."
    ) { m in
        m.type(Server.luaClass)
        m.type(Exchange.luaClass)
        m.function(
            "listen",
            """
            (opts?: {address?: string = "127.0.0.1" "of this machine, by number", port?: integer = 8080 "0 takes a free one", \(ServerSettings.options), \
            graceful?: boolean = false "SIGTERM sets `server.ending` instead of stopping the program"}) -> Server
            """,
            """
            Listens for requests. Connections, sizes (bytes) and times (seconds) have limits, and what breaks one is answered by the server itself: 400, 401, 403, 408, 413, 414, 431, 501, 503. \
            Without a `token` it listens on this machine alone and answers to `localhost` only; with one, requests must carry `Authorization: Bearer TOKEN`, or the token as a password (`Basic`), which a browser asks for. Pages in browsers are refused unless their origin \
            is one of `origins`.
            """,
            example: """
                server = http.listen { port = 0 }
                server.port > 0, server:stats().open  --> true, 0
                server:close()
                """
        ) { call in
            let server = try Server(
                ListenAddress(call.option("address")), port: call.option("port"),
                ServerSettings.options.read(call.options))
            if try call.option("graceful") { Termination.watch() }
            return try call.push(server)
        }
        m.function(
            "file", "(folder: string, path: string) -> string?, string?",
            "The bytes of a file in `folder` or in a folder inside it, and its media type; nil for everything else: links, names with `..` or beginning with a dot, what is no file or above 64 MB. For static files.",
            example: """
                fs.mkdir("page")
                fs.write("page/index.html", "<h1>Voice</h1>")
                http.file("page", "index.html")  --> "<h1>Voice</h1>", "text/html; charset=utf-8"
                http.file("page", "../voice.json")  --> nil, nil
                """
        ) { call in
            let path = try call.string(2), bytes = try StaticFolder(call.string(1)).read(path)
            return try call.push(bytes.map { LuaBytes($0) }, bytes.map { _ in StaticFolder.mediaType(path) })
        }
        m.function(
            "multipart",
            "(body: string, content_type: string) -> {name: string, file_name?: string, type?: string, content: string}[]",
            "The parts of a multipart/form-data body, at most 64. What is no such body is an error of kind `format`.",
            example: #"""
                body = '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nHello.\r\n--x--\r\n'
                http.multipart(body, "multipart/form-data; boundary=x")[1].content  --> "Hello."
                """#
        ) { call in
            let parts = try Multipart(call.bytes(1), contentType: call.string(2)).parts
            return try call.push(
                List(
                    parts.map { part in
                        [
                            "name": part.name, "file_name": part.fileName, "type": part.type,
                            "content": LuaBytes(part.content)
                        ] as Fields
                    }))
        }
        m.function(
            "msgpack_decode", "(bytes: string) -> any",
            "The value of MessagePack bytes: strings and byte strings are Lua strings, nil entries are left out. Extension types, nesting beyond 32 and sizes beyond the bytes are errors of kind `format`.",
            example: #"http.msgpack_decode("\x82\xa4text\xa2Hi\xa9streaming\xc3")  --> {streaming = true, text = "Hi"}"#
        ) { call in
            try call.push(PackedValue(Packed(decoding: call.bytes(1))))
        }
        m.function(
            "msgpack_encode", "(value: any, opts?: {binary?: boolean = false}) -> string",
            "A value as MessagePack: nil, booleans, numbers, strings, lists and tables with names as keys. Strings that are not UTF-8, or all that are values with `binary`, become byte strings.",
            example: #"#http.msgpack_encode({ status = "ok" })  --> 11"#
        ) { call in
            try call.push(bytes: Packed(lua: call.value(1), binary: call.option("binary"), depth: 0).encoded)
        }
        m.function(
            "base64", "(bytes: string) -> string", "Base 64 of any bytes.",
            example: #"http.base64("Opah")  --> "T3BhaA==""#
        ) { call in
            try call.push(Data(call.bytes(1)).base64EncodedString())
        }
        m.function(
            "base64_decode", "(text: string) -> string?", "The bytes of base 64; nil when it is none.",
            example: #"http.base64_decode("T3BhaA=="), http.base64_decode("no!")  --> "Opah", nil"#
        ) { call in
            try call.push(Data(base64Encoded: call.string(1)).map { LuaBytes($0) })
        }
    }
}

extension Server: LuaObject {
    public static let luaClass = LuaClass(
        "Server", of: Server.self,
        "A server that listens. Its connections are served by a thread of its own; the requests wait for `next`."
    ) { c in
        let listening = "server = http.listen { port = 0 }"
        c.property(
            "port", "integer", "Where it listens.", example: listening + "\nserver.port > 0  --> true\nserver:close()"
        ) { server, call in try call.push(server.port) }
        c.property(
            "address", "string", "Where it listens.",
            example: listening + "\nserver.address  --> \"127.0.0.1\"\nserver:close()"
        ) { server, call in try call.push(server.host) }
        c.property(
            "ending", "boolean", "Whether SIGTERM came, to a server that is `graceful`.",
            example: listening + "\nserver.ending  --> false\nserver:close()"
        ) { _, call in try call.push(Termination.isAsked) }
        c.method(
            "next", "(timeout?: number = 1) -> Request?",
            "The next complete request; nil when none came within `timeout` seconds.",
            example: listening + "\nserver:next(0)  --> nil\nserver:close()"
        ) { server, call in
            let timeout = try call.number(1)
            return try call.push(server.next(timeout: timeout.isFinite ? min(max(timeout, 0), 86_400) : 86_400))
        }
        c.method(
            "stats", "() -> \(Server.Statistics.record)", "Counts since the start, and what is open and queued now.",
            example: listening + "\nserver:stats().requests  --> 0\nserver:close()"
        ) { server, call in
            try call.push(Server.Statistics.record.fields(of: server.stats))
        }
        c.method(
            "refused", "() -> {status: integer, reason: string}[]",
            "What the server refused by itself since the last time this was asked.",
            example: listening + "\nserver:refused()  --> {}\nserver:close()"
        ) { server, call in
            try call.push(List(server.takeRefused().map { ["status": $0.status, "reason": $0.reason] as Fields }))
        }
        c.method(
            "stop", "()", "Takes no new connections; what has begun may be answered. `idle` says when all is done.",
            example: listening + "\nserver:stop()\nserver:idle()  --> true\nserver:close()"
        ) { server, _ in
            server.stopListening()
            return .none
        }
        c.method(
            "idle", "() -> boolean", "Whether no connection is open and no request waits.",
            example: listening + "\nserver:idle()  --> true\nserver:close()"
        ) { server, call in try call.push(server.isIdle) }
        c.method(
            "close", "()", "Ends everything; also done at the end of its scope (`local server <close> = ...`).",
            example: "local server <close> = http.listen { port = 0 }\nserver:close()"
        ) { server, _ in
            server.close()
            Termination.unwatch()
            return .none
        }
        c.onClose {
            $0.close()
            Termination.unwatch()
        }
    }
}

extension Exchange: LuaObject {
    public static let luaClass = LuaClass(
        "Request", of: Exchange.self, "A request of a client, and the way to answer it."
    ) { c in
        /// Only a client makes a request, so the examples show what a route does with one.
        func shown(_ code: String) -> String { "function route(request) \(code) end" }
        c.property("method", "string", "GET, POST, ...", example: shown("return request.method")) { request, call in
            try call.push(request.head.method)
        }
        c.property(
            "path", "string", "Decoded, beginning with `/`; it never has `.` or `..` as a part.",
            example: shown("return request.path")
        ) { request, call in try call.push(request.head.path) }
        c.property(
            "query", "table<string, string>", "What follows `?`, the last of each name.",
            example: shown("return request.query.name")
        ) { request, call in
            try call.push(Dictionary(request.head.query.map { ($0.name, $0.value) }) { $1 })
        }
        c.property(
            "headers", "table<string, string>", "By names in lower case; of repeated ones the first.",
            example: shown("return request.headers[\"content-type\"]")
        ) { request, call in
            try call.push(Dictionary(request.head.headers.map { ($0.name, $0.value) }) { first, _ in first })
        }
        c.property("body", "string", "All of it; empty after the answer.", example: shown("return #request.body")) {
            request, call in try call.push(LuaBytes(request.body))
        }
        c.property(
            "gone", "boolean", "Whether the client went away: then nobody waits for the answer.",
            example: shown("return request.gone")
        ) { request, call in try call.push(request.isGone) }
        c.property("answered", "boolean", "Whether the answer has begun.", example: shown("return request.answered")) {
            request, call in try call.push(request.isAnswered)
        }
        c.property(
            "pending", "integer", "Bytes of the answer that the client has not taken yet.",
            example: shown("return request.pending")
        ) { request, call in try call.push(request.pending) }
        c.method(
            "respond", "(status: integer, headers?: table<string, string>, body?: string = \"\") -> boolean",
            "The whole answer; false when the client is gone.",
            example: shown("request:respond(200, { [\"Content-Type\"] = \"text/plain\" }, \"hello\")")
        ) { request, call in
            try call.push(request.respond(call.integer(1), call.headers(2), call.bytes(3)))
        }
        c.method(
            "start", "(status: integer, headers?: table<string, string>) -> boolean",
            "Begins an answer whose body comes with `write`, and ends with `finish`.",
            example: shown("request:start(200); request:write(\"a\"); request:finish()")
        ) { request, call in
            try call.push(request.start(call.integer(1), call.headers(2)))
        }
        c.method(
            "write", "(bytes: string) -> boolean", "The next piece of the body; false when the client is gone.",
            example: shown("request:start(200); request:write(\"a\"); request:finish()")
        ) { request, call in try call.push(request.write(call.bytes(1))) }
        c.method(
            "finish", "() -> boolean", "The answer is whole; false when the client is gone.",
            example: shown("request:start(200); request:write(\"a\"); request:finish()")
        ) { request, call in try call.push(request.finish()) }
        c.method(
            "abort", "()",
            "Ends the connection in the middle of the answer, so that the client sees that it is not whole.",
            example: shown("request:abort()")
        ) { request, _ in
            request.abort()
            return .none
        }
    }
}

extension Call {
    /// The headers of an answer, in the order of their names.
    fileprivate func headers(_ argument: Int) throws -> [(String, String)] {
        try (get(argument, as: [String: String]?.self) ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
