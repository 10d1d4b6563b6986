--- Whom a model speaks as. A role is only words in the prompt: any name is taken, and one that the model was not trained
-- with speaks with no voice in particular. So a name that nobody knows is told, with those that are known here.
local embedded, fs, json = require "opah.embedded", require "opah.fs", require "opah.json"
local progress = require "opah.progress"
local use = require "opah.voice.use"

local roles = {}

-- Names that a message has, and bytes that are read of a run's figures.
local most_names, most_bytes = 12, 1 << 20

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

--- Adds the speakers whose losses a run logged: those of the adapter at results/P/checkpoints/step_N.ckpt.
local function add_of_run(adapter, set)
  local path = fs.join(fs.dirname(fs.dirname(adapter)), "metrics.jsonl")
  local stat = fs.stat(path)
  if not stat or stat.kind ~= "file" then return end
  local file <close> = assert(io.open(path, "rb"))
  for line in (file:read(most_bytes) or ""):gmatch("([^\n]*)\n") do
    local ok, entry = pcall(json.decode, line)
    local losses = ok and type(entry) == "table" and entry.speaker_loss
    for name in pairs(type(losses) == "table" and losses or {}) do
      if type(name) == "string" then set[name] = true end
    end
  end
end

--- Names of roles that the model of `args` (options of `generate`) is known to have: those of the voice that comes with the
--- program, and of the run that an adapter came from. Empty where nothing says.
---
---     roles = require "opah.voice.roles"
---     roles.known { checkpoint_path = opah.embedded.voice.model }  --> {"rms", "slt"}
---@param args { checkpoint_path: string, lora_weight?: string }
---@return string[]
function roles.known(args)
  local set = {}
  if fs.resolve(args.checkpoint_path) == fs.resolve(embedded.voice.model) then
    for _, name in ipairs(embedded.voice.speakers) do set[name] = true end
  end
  if args.lora_weight then add_of_run(args.lora_weight, set) end
  return sorted(set)
end

local function few(list)
  local shown = {}
  for i = 1, math.min(#list, most_names) do shown[i] = progress.name(list[i]) end
  return table.concat(shown, ", ") .. (#list > most_names and (" and %d more"):format(#list - most_names) or "")
end

--- What is to be said about `args.speaker`, a role that no voice of that name stands for; nil when it is known.
---
---     roles = require "opah.voice.roles"
---     said = { checkpoint_path = opah.embedded.voice.model, speaker = "nobody" }
---     roles.note(said)  --> "--speaker nobody: ... the model is known to speak as rms, slt"
---@param args { checkpoint_path: string, lora_weight?: string, speaker: string }
---@return string?
function roles.note(args)
  local known, voices = roles.known(args), use.names()
  for _, name in ipairs(known) do if name == args.speaker then return nil end end
  local here = #voices > 0 and ("no voice has that name (there are %s)"):format(few(voices))
    or "no voice of that name is here"
  local model = #known > 0 and "the model is known to speak as " .. few(known)
    or "it means something only to a model that was trained with it (use_speaker)"
  return ("--speaker %s: %s, so it is a role in the prompt, and %s"):format(progress.name(args.speaker), here, model)
end

return roles
