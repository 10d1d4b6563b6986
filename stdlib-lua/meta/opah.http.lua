---@meta opah.http
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---A small HTTP/1.1 server for recipes, and the formats that its clients speak.
---@class opah.http
local http = {}

---Listens for requests. Connections, sizes (bytes) and times (seconds) have limits, and what breaks one is answered by the server itself: 400, 401, 403, 408, 413, 414, 431, 501, 503. Without a `token` it listens on this machine alone and answers to `localhost` only; with one, requests must carry `Authorization: Bearer TOKEN`, or the token as a password (`Basic`), which a browser asks for. Pages in browsers are refused unless their origin is one of `origins`.
---
---```lua
---server = http.listen { port = 0 }
---server.port > 0, server:stats().open  --> true, 0
---server:close()
---```
---
---- `address`: of this machine, by number
---- `port`: 0 takes a free one
---- `token`: what requests must carry as `Authorization: Bearer TOKEN`
---- `origins`: of pages in browsers that may ask, as https://example.org; * for all
---- `max_head`: bytes of a request's line and headers
---- `max_body`: bytes of a request's body
---- `max_bodies`: bytes of all bodies that are held at a time
---- `max_connections`: open connections; one more is told 503
---- `max_queue`: requests that wait to be taken; one more is told 503
---- `max_pending`: bytes that wait for one client to read them; a slower one loses its connection
---- `head_time`: seconds for a request's line and headers
---- `body_time`: seconds for a request's body
---- `idle_time`: seconds between two requests of a connection
---- `write_time`: seconds that a client may read nothing
---- `graceful`: SIGTERM sets `server.ending` instead of stopping the program
---@param opts? {address?: string, port?: integer, token?: string, origins?: string[], max_head?: integer, max_body?: integer, max_bodies?: integer, max_connections?: integer, max_queue?: integer, max_pending?: integer, head_time?: number, body_time?: number, idle_time?: number, write_time?: number, graceful?: boolean} defaults: address = "127.0.0.1", port = 8080, origins = {}, max_head = 16384, max_body = 16777216, max_bodies = 67108864, max_connections = 256, max_queue = 64, max_pending = 33554432, head_time = 10.0, body_time = 60.0, idle_time = 30.0, write_time = 30.0, graceful = false
---@return Server
function http.listen(opts) end

---The bytes of a file in `folder` or in a folder inside it, and its media type; nil for everything else: links, names with `..` or beginning with a dot, what is no file or above 64 MB. For static files.
---
---```lua
---fs.mkdir("page")
---fs.write("page/index.html", "<h1>Voice</h1>")
---http.file("page", "index.html")  --> "<h1>Voice</h1>", "text/html; charset=utf-8"
---http.file("page", "../voice.json")  --> nil, nil
---```
---@param folder string
---@param path string
---@return string?
---@return string?
function http.file(folder, path) end

---The parts of a multipart/form-data body, at most 64. What is no such body is an error of kind `format`.
---
---```lua
---body = '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nHello.\r\n--x--\r\n'
---http.multipart(body, "multipart/form-data; boundary=x")[1].content  --> "Hello."
---```
---@param body string
---@param content_type string
---@return {name: string, file_name?: string, type?: string, content: string}[]
function http.multipart(body, content_type) end

---The value of MessagePack bytes: strings and byte strings are Lua strings, nil entries are left out. Extension types, nesting beyond 32 and sizes beyond the bytes are errors of kind `format`.
---
---```lua
---http.msgpack_decode("\x82\xa4text\xa2Hi\xa9streaming\xc3")  --> {streaming = true, text = "Hi"}
---```
---@param bytes string
---@return any
function http.msgpack_decode(bytes) end

---A value as MessagePack: nil, booleans, numbers, strings, lists and tables with names as keys. Strings that are not UTF-8, or all that are values with `binary`, become byte strings.
---
---```lua
---#http.msgpack_encode({ status = "ok" })  --> 11
---```
---@param value? any
---@param opts? {binary?: boolean} defaults: binary = false
---@return string
function http.msgpack_encode(value, opts) end

---Base 64 of any bytes.
---
---```lua
---http.base64("Opah")  --> "T3BhaA=="
---```
---@param bytes string
---@return string
function http.base64(bytes) end

---The bytes of base 64; nil when it is none.
---
---```lua
---http.base64_decode("T3BhaA=="), http.base64_decode("no!")  --> "Opah", nil
---```
---@param text string
---@return string?
function http.base64_decode(text) end

---A server that listens. Its connections are served by a thread of its own; the requests wait for `next`.
---@class Server
---@field port integer Where it listens. `server.port > 0  --> true`
---@field address string Where it listens. `server.address  --> "127.0.0.1"`
---@field ending boolean Whether SIGTERM came, to a server that is `graceful`. `server.ending  --> false`
local Server = {}

---The next complete request; nil when none came within `timeout` seconds.
---
---```lua
---server = http.listen { port = 0 }
---server:next(0)  --> nil
---server:close()
---```
---@param timeout? number default 1
---@return Request?
function Server:next(timeout) end

---Counts since the start, and what is open and queued now.
---
---```lua
---server = http.listen { port = 0 }
---server:stats().requests  --> 0
---server:close()
---```
---@return ServerStats
function Server:stats() end

---What the server refused by itself since the last time this was asked.
---
---```lua
---server = http.listen { port = 0 }
---server:refused()  --> {}
---server:close()
---```
---@return {status: integer, reason: string}[]
function Server:refused() end

---Takes no new connections; what has begun may be answered. `idle` says when all is done.
---
---```lua
---server = http.listen { port = 0 }
---server:stop()
---server:idle()  --> true
---server:close()
---```
function Server:stop() end

---Whether no connection is open and no request waits.
---
---```lua
---server = http.listen { port = 0 }
---server:idle()  --> true
---server:close()
---```
---@return boolean
function Server:idle() end

---Ends everything; also done at the end of its scope (`local server <close> = ...`).
---
---```lua
---local server <close> = http.listen { port = 0 }
---server:close()
---```
function Server:close() end

---A request of a client, and the way to answer it.
---@class Request
---@field method string GET, POST, ...
---@field path string Decoded, beginning with `/`; it never has `.` or `..` as a part.
---@field query table<string, string> What follows `?`, the last of each name.
---@field headers table<string, string> By names in lower case; of repeated ones the first.
---@field body string All of it; empty after the answer.
---@field gone boolean Whether the client went away: then nobody waits for the answer.
---@field answered boolean Whether the answer has begun.
---@field pending integer Bytes of the answer that the client has not taken yet.
local Request = {}

---The whole answer; false when the client is gone.
---
---```lua
---function route(request) request:respond(200, { ["Content-Type"] = "text/plain" }, "hello") end
---```
---@param status integer
---@param headers? table<string, string>
---@param body? string default ""
---@return boolean
function Request:respond(status, headers, body) end

---Begins an answer whose body comes with `write`, and ends with `finish`.
---
---```lua
---function route(request) request:start(200); request:write("a"); request:finish() end
---```
---@param status integer
---@param headers? table<string, string>
---@return boolean
function Request:start(status, headers) end

---The next piece of the body; false when the client is gone.
---
---```lua
---function route(request) request:start(200); request:write("a"); request:finish() end
---```
---@param bytes string
---@return boolean
function Request:write(bytes) end

---The answer is whole; false when the client is gone.
---
---```lua
---function route(request) request:start(200); request:write("a"); request:finish() end
---```
---@return boolean
function Request:finish() end

---Ends the connection in the middle of the answer, so that the client sees that it is not whole.
---
---```lua
---function route(request) request:abort() end
---```
function Request:abort() end

return http
