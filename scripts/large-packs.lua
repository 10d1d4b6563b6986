--- Start-up and memory of training on large packs: seconds cold (no index yet) and warm, and what is held.
-- opah run scripts/large-packs.lua --clips 10000,100000,1000000 --output large-packs.json
-- Packs are made up: clips of 10 s (215 frames, 8 codebooks), a sentence of 12 words each, 10 MB to a shard, with packs.json.
local opah = require "opah"
local recipe = require "opah.recipe"
local config, data, fs, json, machine, text = opah.config, opah.data, opah.fs, opah.json, opah.machine, opah.text

local tiny = fs.join(opah.home, "examples/checkpoints/tiny")
local frames, books, speaker_clips = 215, 8, 2500

local function varint(number)
  local bytes = {}
  while number >= 128 do
    bytes[#bytes + 1] = string.char(number % 128 + 128)
    number = number // 128
  end
  bytes[#bytes + 1] = string.char(number)
  return table.concat(bytes)
end

-- A field of protocol buffers with a length of its own.
local function field(number, content) return string.char(number * 8 + 2) .. varint(#content) .. content end

-- Codebooks of random codes; a clip takes 8 of them, no two clips the same.
local function codebooks(count)
  local made = {}
  math.randomseed(1)
  for i = 1, count do
    local codes = {}
    for t = 1, frames do codes[t] = varint(math.random(0, 1023)) end
    made[i] = field(3, field(1, table.concat(codes)))
  end
  return made
end

local words = { "harbour", "quiet", "morning", "letters", "window", "river", "seldom", "orchard", "copper", "distant", "winter", "candle" }

local function sentence(pool, i)
  local said, parts = {}, {}
  for w = 1, 12 do said[w] = words[(i * 7 + w * (i % 11 + 1)) % #words + 1] end
  parts[1] = field(1, ("Number %d: %s."):format(i, table.concat(said, " ")))
  local number = i
  for book = 1, books do
    parts[book + 1] = pool[number % #pool + 1]
    number = number // #pool + book * 31
  end
  return table.concat(parts)
end

local function make(folder, count)
  fs.mkdir(folder)
  local pool, shards, clips = codebooks(256), {}, {}
  for first = 0, count - 1, speaker_clips do
    local speaker = ("speaker-%04d"):format(#shards)
    local parts = { field(1, "folder"), field(2, speaker) }
    for i = first, math.min(first + speaker_clips, count) - 1 do
      parts[#parts + 1] = field(4, sentence(pool, i))
      clips[#clips + 1] = ("data/%s/%07d.npy"):format(speaker, i)
    end
    local group, name = table.concat(parts), ("%08d.protos"):format(#shards)
    local path = fs.join(folder, name)
    local file <close> = assert(io.open(path, "wb"))
    file:write(string.pack("<I4", #group), group)
    file:close()
    shards[#shards + 1] = { name = name, bytes = #group + 4, digest = fs.digest(path) }
  end
  fs.write(fs.join(folder, "packs.json"), json.encode { complete = true, shards = shards, clips = clips })
end

-- In a process of its own: opens the packs as training does, and draws 100 rows.
local function measure(folder)
  local tokenizer = text.tokenizer(tiny)
  machine.reset_peak()
  local before, began = machine.memory().resident, machine.now()
  local rows = data.dataset { protos = folder, tokenizer = tokenizer, max_length = 4096, val_fraction = 0.0001, seed = 1, num_codebooks = books }
  local seconds, opened, peak = machine.now() - began, machine.memory().resident, machine.memory().peak
  began = machine.now()
  for _ = 1, 100 do rows:batch(1) end
  return {
    clips = rows.clips + rows.held_out, seconds = seconds, resident = opened - before, peak = peak - before,
    row = (machine.now() - began) / 100, resident_after_rows = machine.memory().resident - before,
  }
end

return recipe {
  flags = {
    { "clips", "string", "10000,100000,1000000", "how many, several behind commas" },
    { "folder", "path", nil, "where packs are made, and kept for the next time; a temporary folder unless given" },
    { "output", "path", nil, "write the figures as JSON to this file" },
    { "child", "path", nil, "measure these packs in this process", hidden = true },
  },
  run = function(args)
    if args.child then
      print(json.encode(measure(args.child)))
      return 0
    end
    local folder = args.folder or fs.tempdir()
    local remover <close> = setmetatable({}, { __close = function() if not args.folder then fs.remove(folder, { recursive = true }) end end })
    local figures = {}
    local function child(packs, what)
      local done = machine.run { machine.program, "run", arg[0], "--child", packs }
      if done.exit_code ~= 0 then error(fs.error("data", what .. ": " .. done.errors), 0) end
      local found = json.decode(done.output)
      found.what, figures[#figures + 1] = what, found
      print(("%9d  %-5s %9.2f s  %7.1f MB  %7.1f MB  %7.1f MB  %6.1f ms"):format(found.clips, what, found.seconds, found.resident / 1e6,
        found.peak / 1e6, found.resident_after_rows / 1e6, found.row * 1e3))
    end
    print("    clips  start   until rows     held      peak   after 100 rows   a row")
    for number in args.clips:gmatch("[^,%s]+") do
      local count = math.tointeger(tonumber(number)) or 0
      if count < 256 then config.usage_error("--clips: numbers from 256, not " .. number) end
      local packs = fs.join(folder, "packs-" .. count)
      if not fs.exists(fs.join(packs, "packs.json")) then make(packs, count) end
      for _, name in ipairs { ".packs.index", ".packs.lengths" } do
        if fs.exists(fs.join(packs, name)) then fs.remove(fs.join(packs, name)) end
      end
      child(packs, "cold")
      child(packs, "warm")
      local index = fs.stat(fs.join(packs, ".packs.index"))
      local lengths = fs.stat(fs.join(packs, ".packs.lengths"))
      figures[#figures].bytes_a_clip = ((index and index.size or 0) + (lengths and lengths.size or 0)) / count
      print(("           index and lengths: %.1f bytes a clip"):format(figures[#figures].bytes_a_clip))
    end
    if args.output then fs.write(args.output, json.encode({ figures = figures }, { indent = 2 }) .. "\n") end
    return 0
  end,
}
