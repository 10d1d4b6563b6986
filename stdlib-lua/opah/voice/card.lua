--- The card of a voice, in Markdown with the header that model hubs read: everything in it is from voice.json, and what nobody
--- has stated stands there as not stated.
local json = require "opah.json"
local folder = require "opah.voice.folder"

local card = {}

--- Text of a person or a stranger as Markdown that is only text.
local function plain(value)
  return (tostring(value):gsub("[%c]+", " "):gsub("[\\`*_{}%[%]<>#|~]", "\\%0"))
end

--- A quoted block.
local function quoted(value)
  local lines = {}
  for line in (value .. "\n"):gmatch("(.-)\r?\n") do lines[#lines + 1] = "> " .. plain(line) end
  return table.concat(lines, "\n")
end

--- The header's lines on the licence: hubs know identifiers in small letters (cc-by-4.0), and take words of one's own as the name
--- of another licence. Without a licence it is unknown.
local function license(said)
  if not said then return 'license: "unknown"' end
  -- JSON's strings are YAML's.
  if said:find("^[%w.-]+$") then return "license: " .. json.encode(said:lower()) end
  return 'license: "other"\nlicense_name: ' .. json.encode((said:gsub("%s+", " ")))
end

--- The text of the card of a checked manifest.
function card.text(manifest)
  local out = {}
  local function add(line, ...) out[#out + 1] = select("#", ...) > 0 and line:format(...) or line end
  local said = manifest.statements or {}
  add "---"
  add(license(said.licence))
  if manifest.languages and #manifest.languages > 0 then add("language: %s", json.encode(manifest.languages)) end
  add "pipeline_tag: text-to-speech"
  add 'tags: ["text-to-speech", "fish-speech", "lora", "opah"]'
  if manifest.base.name then add("base_model_name: %s", json.encode(manifest.base.name)) end
  add "---"
  add ""
  add("# %s", plain(manifest.name))
  add ""
  add("A voice for fish-speech models: %d adapter%s and %d reference clip%s, used live on the base model.",
    #manifest.adapters, #manifest.adapters == 1 and "" or "s", #manifest.references, #manifest.references == 1 and "" or "s")
  add ""
  add("    opah run generate --voice %s.voice --checkpoint-path BASE --text TEXT", (manifest.name:gsub("%s", "\\ ")))
  add ""
  add "## Rights"
  add ""
  for _, name in ipairs(folder.statements) do
    add("**%s**", name:sub(1, 1):upper() .. name:sub(2))
    add ""
    add(said[name] and quoted(said[name]) or ("> Not stated. (`voice pack --%s`)"):format(name))
    add ""
  end
  add "## What it is made of"
  add ""
  add "| what | value |"
  add "| --- | --- |"
  local function row(what, value) if value ~= nil and value ~= "" then add("| %s | %s |", what, plain(value)) end end
  row("speaker", manifest.speaker)
  row("role in training", manifest.role)
  row("languages", manifest.languages and table.concat(manifest.languages, ", "))
  row("base model", manifest.base.name)
  row("base digest", manifest.base.digest)
  row("codec digest", manifest.codec and manifest.codec.digest)
  row("codec", manifest.codec and manifest.codec.file)
  for i, adapter in ipairs(manifest.adapters) do
    row("adapter " .. i, ("%s, scale %g%s%s"):format(adapter.file, adapter.scale,
      adapter.rank and (", rank %s, alpha %s"):format(adapter.rank, adapter.alpha) or "", adapter.step and ", step " .. adapter.step or ""))
  end
  for i, reference in ipairs(manifest.references) do row("reference " .. i, reference.text) end
  for _, setting in ipairs(folder.generation) do row(setting.name, manifest.generation and manifest.generation[setting.name]) end
  local names = {}
  for name in pairs(manifest.made_from or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = manifest.made_from[name]
    if type(value) ~= "table" then row(name:gsub("_", " "), value) end
  end
  add ""
  return table.concat(out, "\n")
end

return card
