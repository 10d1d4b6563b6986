--- What a server did, in the text form that Prometheus reads.
local machine, tensor = require "opah.machine", require "opah.tensor"

local metrics = {}

--- The route of /metrics, for `{ listener, speaker, began }`.
function metrics.route(server)
  return function(context)
    local lines = {}
    local function put(name, kind, help, values)
      lines[#lines + 1] = ("# HELP opah_%s %s\n# TYPE opah_%s %s"):format(name, help, name, kind)
      if type(values) ~= "table" then values = { [""] = values } end
      local labels = {}
      for label in pairs(values) do labels[#labels + 1] = label end
      table.sort(labels)
      for _, label in ipairs(labels) do lines[#lines + 1] = ("opah_%s%s %s"):format(name, label, values[label]) end
    end
    local stats, speaker, by_status = server.listener:stats(), server.speaker, {}
    for status, count in pairs(stats.statuses) do by_status[('{status="%s"}'):format(status)] = count end
    put("requests_total", "counter", "Complete requests.", stats.requests)
    put("responses_total", "counter", "Answers by status.", by_status)
    put("connections_total", "counter", "Connections that were accepted.", stats.connections)
    put("connections_open", "gauge", "Connections that are open.", stats.open)
    put("clients_gone_total", "counter", "Clients that went away before their answer was whole.", stats.gone)
    put("received_bytes_total", "counter", "Bytes of requests.", stats.bytes_received)
    put("sent_bytes_total", "counter", "Bytes of answers.", stats.bytes_sent)
    put("texts_active", "gauge", "Texts that are being spoken, with best_of each sample.", speaker.active)
    put("texts_waiting", "gauge", "Texts that wait for a place.", #speaker.waiting)
    put("texts_spoken_total", "counter", "Texts that were spoken to their end.", speaker.spoken)
    put("frames_total", "counter", "Frames of speech that were made.", speaker.frames)
    put("voices_loaded", "gauge", "Voices in memory.", #speaker.order)
    put("codecs_loaded", "gauge", "Codecs in memory: the server's and those of loaded voices.", speaker:codec_count())
    put("tensor_bytes", "gauge", "Bytes of live tensors.", tensor.memory().live)
    put("uptime_seconds", "gauge", "Seconds since the start.", ("%.1f"):format(machine.now() - server.began))
    context:bytes(200, "text/plain; version=0.0.4", table.concat(lines, "\n") .. "\n")
  end
end

return metrics
