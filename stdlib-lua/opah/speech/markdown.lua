--- What is spoken of a Markdown text: headings, paragraphs, items of lists and quotes as plain text. Code, pictures, comments and
-- tables' rules are not spoken.
local trim = require "opah.trim"
local markdown = {}

--- Text without its marks.
local function plain(line)
  line = line:gsub("<!%-%-.-%-%->", "")
    :gsub("!%[[^%]]*%]%([^%)]*%)", "")                -- pictures
    :gsub("%[([^%]]*)%]%([^%)]*%)", "%1")             -- links
    :gsub("%[([^%]]*)%]%[[^%]]*%]", "%1")
    :gsub("<(https?://[^>]*)>", "%1")
    :gsub("<ruby>(.-)<rt>(.-)</rt></ruby>", "｜%1《%2》")
    :gsub("</?%a[^>]*>", "")
    :gsub("`([^`]*)`", "%1")
    :gsub("%*%*(.-)%*%*", "%1"):gsub("__(.-)__", "%1")
    :gsub("%*(%S[^%*]*)%*", "%1"):gsub("%f[%w_]_(%S[^_]*)_%f[^%w_]", "%1")
    :gsub("~~(.-)~~", "%1")
    :gsub("\\(%p)", "%1")
  return trim(line)
end

--- Blocks `{ text, kind = "heading" | "paragraph" | "item" }` of the lines of a text, and how many blocks of code were left out.
function markdown.blocks(content)
  local blocks, current, fence, code, number = {}, nil, nil, 0, 0
  local function finish()
    if current and current.text:find("%S") then blocks[#blocks + 1] = current end
    current = nil
  end
  local header = content:match("^%-%-%-\r?\n.-\n%-%-%-[ \t]*\r?\n()")
  for line in (content:sub(header or 1) .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local mark = line:match("^%s*(```+)") or line:match("^%s*(~~~+)")
    if fence then
      if mark and mark:sub(1, 1) == fence then fence = nil end
    elseif mark then
      finish()
      fence, code = mark:sub(1, 1), code + 1
    elseif line:find("^%s*$") then
      finish()
    elseif line:find("^#+%s") then
      finish()
      blocks[#blocks + 1] = { text = plain(line:gsub("^#+%s+", ""):gsub("%s+#+%s*$", "")), kind = "heading" }
    elseif line:find("^%s*[=%-][=%-]+%s*$") and current and current.kind == "paragraph" then
      current.kind = "heading"                        -- underlined
      finish()
    elseif line:find("^%s*[%-%*_][%s%-%*_]*$") and #line:gsub("%s", "") >= 3 then
      finish()                                        -- a rule
    elseif line:find("^%s*|?[%s:|%-]+$") then
      finish()                                        -- the rule of a table
    else
      local item = line:match("^%s*[%-%*%+]%s+(.*)") or line:match("^%s*%d+[%.%)]%s+(.*)")
      if item or line:find("^%s*|") then
        finish()
        current = { text = plain(item or line:gsub("^%s*|%s*", ""):gsub("%s*|%s*$", ""):gsub("%s*|%s*", ", ")), kind = "item" }
      else
        local text = plain((line:gsub("^%s*>%s?", "")))
        if current then current.text = current.text .. " " .. text else current = { text = text, kind = "paragraph" } end
      end
    end
  end
  finish()
  return blocks, code
end

return markdown
