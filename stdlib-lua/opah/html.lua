--- What pages are written with: text and addresses as HTML has them.
local progress = require "opah.progress"

local html = {}

local marks = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- A value as text of a page, also inside quotes: nothing in it is a mark, and what is no visible character is written
-- out, as on a terminal (`progress.name`); lines and tabs stay.
---
---     html.escape("a < b & \"c\"")  --> "a &lt; b &amp; &quot;c&quot;"
---@param value any
---@return string
function html.escape(value)
  return (tostring(value):gsub("\r\n", "\n"):gsub("[^\n\t]+", progress.name):gsub("[&<>\"]", marks))
end

--- A path as an address: bytes that mean something there are written as %XX.
---
---     html.address("step 1/5%.wav")  --> "step%201/5%25.wav"
---@param path string
---@return string
function html.address(path)
  return (path:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

return html
