--- Addresses of a hub: taken apart, escaped, and told from those that lie elsewhere.
local addresses = {}

local ports = { http = "80", https = "443" }

--- Scheme, host with its port, and path of an http address, the first two in one spelling; nil for anything else.
--- Names and passwords before the host, blanks and control characters are not taken.
---
---     addresses = require "opah.hub.addresses"
---     addresses.parts("https://HuggingFace.co:443/api?x=1")  --> "https", "huggingface.co:443", "/api?x=1"
---     addresses.parts("https://huggingface.co@evil.example")  --> nil
---@param address string
---@return string? scheme
---@return string? host
---@return string? path
function addresses.parts(address)
  if address:find("[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]") then return nil end
  local scheme, host, path = address:match("^(%a+)://([^/?#]+)(.*)$")
  scheme = scheme and scheme:lower()
  if not ports[scheme] or host:find("@", 1, true) then return nil end
  host = host:lower()
  if not host:find(":%d+$") then host = host .. ":" .. ports[scheme] end
  return scheme, host, path
end

--- Whether an address is at an endpoint: same scheme, host and port, and its path below the endpoint's own.
---
---     addresses = require "opah.hub.addresses"
---     addresses.is_below("https://hub.example/api/x", "https://hub.example")       --> true
---     addresses.is_below("https://hub.example.evil.org/api", "https://hub.example")  --> false
---@param address string
---@param endpoint string
---@return boolean
function addresses.is_below(address, endpoint)
  local scheme, host, path = addresses.parts(address)
  local wanted_scheme, wanted_host, wanted_path = addresses.parts(endpoint)
  if not scheme or scheme ~= wanted_scheme or host ~= wanted_host then return false end
  local plain = path:match("^[^?#]*"):gsub("%%2[eE]", ".")
  if ("/" .. plain .. "/"):find("/%.%.?/") then return false end
  return path:sub(1, #wanted_path + 1) == wanted_path .. "/"
end

--- A text as part of a path: everything but letters, digits, `._~-` and what `kept` names becomes %XX.
---
---     require "opah.hub.addresses".escaped("sub/a b.txt", "/")  --> "sub/a%20b.txt"
---@param text string
---@param kept? string
---@return string
function addresses.escaped(text, kept)
  return (text:gsub("[^%w._~-]", function(c)
    return not (kept and kept:find(c, 1, true)) and ("%%%02X"):format(c:byte()) or nil
  end))
end

return addresses
