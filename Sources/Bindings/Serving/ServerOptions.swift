import LuaHost
import Serving

extension ServerSettings {
    static let options = OptionTable(ServerSettings()) { o in
        o.option("token", \.access.token, "what requests must carry as `Authorization: Bearer TOKEN`")
        o.option("origins", \.access.origins, "of pages in browsers that may ask, as https://example.org; * for all")
        o.option("max_head", \.maxHead, "bytes of a request's line and headers")
        o.option("max_body", \.maxBody, "bytes of a request's body")
        o.option("max_bodies", \.maxBodies, "bytes of all bodies that are held at a time")
        o.option("max_connections", \.maxConnections, "open connections; one more is told 503")
        o.option("max_queue", \.maxQueue, "requests that wait to be taken; one more is told 503")
        o.option(
            "max_pending", \.maxPending,
            "bytes that wait for one client to read them; a slower one loses its connection")
        o.option("head_time", \.headTime, "seconds for a request's line and headers")
        o.option("body_time", \.bodyTime, "seconds for a request's body")
        o.option("idle_time", \.idleTime, "seconds between two requests of a connection")
        o.option("write_time", \.writeTime, "seconds that a client may read nothing")
    }
}

extension Server.Statistics {
    static let record = RecordType<Server.Statistics>("ServerStats") { r in
        r.field("connections", \.connections, "that were accepted")
        r.field("requests", \.requests, "that came whole")
        r.field("gone", \.gone, "clients that went away before their answer was whole")
        r.field("bytes_received", \.bytesReceived, "of requests")
        r.field("bytes_sent", \.bytesSent, "of answers")
        r.field("open", \.open, "connections now")
        r.field("queued", \.queued, "requests that wait to be taken now")
        r.field("statuses", "table<string, integer>", "answers by status") { stats in
            Fields(stats.statuses.sorted { $0.key < $1.key }.map { (String($0.key), $0.value) })
        }
    }
}
