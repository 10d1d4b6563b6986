--- What is spoken of a Markdown text: headings, paragraphs, items of lists and quotes as plain text. Code, pictures, comments and
-- tables' rules are not spoken.
local trim = require "opah.trim"
local markdown = {}

-- Without comments, which may hold anything.
local function uncommented(line)
  local parts, at = {}, 1
  while true do
    local first, inside = line:find("<!--", at, true)
    local last = inside and select(2, line:find("-->", inside + 1, true))
    if not last then break end
    parts[#parts + 1], at = line:sub(at, first - 1), last + 1
  end
  return table.concat(parts) .. line:sub(at)
end

--- Text without its marks. A mark that is never closed costs no more than one that is: what stands between two marks does not
--- hold another one's beginning.
local function plain(line)
  line = uncommented(line)
    :gsub("!%[[^%[%]]*%]%([^%[%)]*%)", "")               -- pictures
    :gsub("%[([^%[%]]*)%]%([^%[%)]*%)", "%1")            -- links
    :gsub("%[([^%[%]]*)%]%[[^%[%]]*%]", "%1")
    :gsub("<(https?://[^<>]*)>", "%1")
    :gsub("<ruby>([^<>]*)<rt>([^<>]*)</rt></ruby>", "｜%1《%2》")
    :gsub("</?%a[^<>]*>", "")
    :gsub("`([^`]*)`", "%1")
    :gsub("%*%*(.-)%*%*", "%1"):gsub("__(.-)__", "%1")
    :gsub("%*(%S[^%*]*)%*", "%1"):gsub("%f[%w_]_(%S[^_]*)_%f[^%w_]", "%1")
    :gsub("~~(.-)~~", "%1")
    :gsub("\\(%p)", "%1")
  return trim(line)
end

-- Without the signs that may close a heading.
local function unclosed(line)
  line = trim(line)
  local signs = #line:reverse():match("^#*")
  local before = line:sub(1, #line - signs)
  return signs > 0 and before:find("%s$") and before or line
end

-- A table's row: what its cells say, commas between.
local function cells(row)
  local list = {}
  for cell in (row .. "|"):gmatch("([^|]*)|") do list[#list + 1] = trim(cell) end
  if list[1] == "" then table.remove(list, 1) end
  if list[#list] == "" then list[#list] = nil end
  return table.concat(list, ", ")
end

--- Blocks `{ text, kind = "heading" | "paragraph" | "item" }` of the lines of a text, and how many blocks of code were left out.
function markdown.blocks(content)
  local blocks, current, fence, code = {}, nil, nil, 0
  local function finish()
    if current then
      local text = table.concat(current, " ")
      if text:find("%S") then blocks[#blocks + 1] = { text = text, kind = current.kind } end
    end
    current = nil
  end
  local header = content:match("^%-%-%-\r?\n.-\n%-%-%-[ \t]*\r?\n()")
  for line in (content:sub(header or 1) .. "\n"):gmatch("(.-)\r?\n") do
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
      blocks[#blocks + 1] = { text = plain(unclosed((line:gsub("^#+%s+", "")))), kind = "heading" }
    elseif line:find("^%s*[=%-][=%-]+%s*$") and current and current.kind == "paragraph" then
      current.kind = "heading"                        -- underlined
      finish()
    elseif line:find("^%s*[%-%*_][%s%-%*_]*$") and #line:gsub("%s", "") >= 3 then
      finish()                                        -- a rule
    elseif not line:find("[^%s:|%-]") then
      finish()                                        -- the rule of a table
    else
      local item = line:match("^%s*[%-%*%+]%s+(.*)") or line:match("^%s*%d+[%.%)]%s+(.*)")
      if item or line:find("^%s*|") then
        finish()
        current = { plain(item or cells(line)), kind = "item" }
      else
        local text = plain((line:gsub("^%s*>%s?", "")))
        if current then current[#current + 1] = text else current = { text, kind = "paragraph" } end
      end
    end
  end
  finish()
  return blocks, code
end

return markdown
