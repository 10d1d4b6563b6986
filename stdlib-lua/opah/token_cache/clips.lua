--- Extraction of a folder's or a filelist's codes with a token cache: before it, codes that the cache has are put
--- beside the clips that lack them, with the record that extraction itself would write; after it, the cache gets what
--- it had not.
local data, dist, fs, progress = require "opah.data", require "opah.dist", require "opah.fs", require "opah.progress"
local part_lock, sharding, token_cache = require "opah.part_lock", require "opah.sharding", require "opah.token_cache"
local twins = require "opah.token_cache.twins"

local clips = {}

local stage = require "opah.token_cache.limit".stage

local function target(clip) return clip.codes or clip.stem .. ".npy" end

--- The clips that this process extracts, as vq.extract chooses them.
local function own(args)
  if not args.filelist then return (sharding.scan(args.folder, {}, args.shard)) end
  local shard, kept, seen = dist.shard(args.shard), {}, {}   -- a list may name a clip twice
  for _, clip in ipairs(data.filelist(args.filelist)) do
    if clip.audio and not seen[clip.stem] and shard:owns(clip.stem) then kept[#kept + 1] = clip end
    seen[clip.stem] = true
  end
  return kept
end

--- The lock that vq.extract takes as well; false where it cannot be had. Then nothing is taken out of the cache, and
--- vq.extract says who is at work, or whether it matters that the folder cannot be written to.
local function lock(args)
  if args.filelist then return nil end
  local name = part_lock.name("." .. stage .. ".lock", dist.shard(args.shard))
  local ok, found = pcall(fs.lock, args.folder, "taking codes from the cache", { name = name })
  return ok and found
end

--- Gives the cache what lies beside clips and is this codec's, as extraction wrote down; not what a hand changed since.
local function keep(cache, codec, list)
  local digest, origins = codec:codes_digest(), {}
  for _, clip in ipairs(list) do
    local path = target(clip)
    local folder, name = fs.dirname(path), fs.basename(path)
    origins[folder] = origins[folder] or fs.origins(folder)
    local origin = origins[folder][name]
    local sound, codes = origin and origin.from.sound, origin and origin.to[name]
    local is_ours = sound and codes and origin.stage == stage and not origin.is_open and origin.settings.codec == digest
    if is_ours and token_cache.is_digest(sound.digest) and not cache:has(sound.digest, codes) then
      local ok, found = pcall(fs.digest, path)
      if ok and found == codes then cache:keep(sound.digest, path, codes) end
    end
  end
end

--- Puts codes of the cache beside clips. Returns the clips that it has none for, each `{ clip, sound }` with the digest
--- of its sound, and a report: how many it had (`taken`), and why codes were made again (`remade`).
local function put(cache, codec, list)
  local made <close> = fs.made(stage, { codec = codec:codes_digest() }, { format = token_cache.format, grouped = true })
  local bar <close> = progress.bar(#list, "cache")
  local before, missing = cache.taken, {}
  for _, clip in ipairs(list) do
    local path, lacking = target(clip), nil
    local ok, problem = pcall(function()
      -- Only where there are codes does it take the record to know that they are wanted.
      local sound = not clip.codes and fs.digest(clip.audio)
      lacking = sound and not cache:has(sound) and sound
      if lacking then return end
      made:make(path, { sound = clip.audio }, function()
        sound = fs.digest(clip.audio)
        lacking = not cache:take(sound, path) and sound
        if lacking then error("the cache has none") end   -- and what is known of the clip stays as it was
      end, { owner = clip.audio })
    end)
    -- Any other problem is the clip's own, and extraction comes upon it as well.
    local ends_all = not ok and type(problem) == "userdata" and (problem.fatal or problem.kind == "interrupted")
    if ends_all then error(problem, 0) end
    if lacking then missing[#missing + 1] = { clip = clip, sound = lacking } end
    bar:step()
  end
  -- Of what could not be given its name, extraction says more when it tries the same.
  local failed = made:bring_out()
  for _, item in ipairs(failed) do if item.problem.fatal then error(item.problem, 0) end end
  return missing, { taken = cache.taken - before - #failed, remade = made.remade }
end

--- Adds figures and notes of one report to those of another.
local function count(all, more)
  for _, name in ipairs { "taken", "extracted", "audio_seconds" } do
    all[name] = (all[name] or 0) + (more[name] or 0)
  end
  table.move(more.notes or {}, 1, #(more.notes or {}), #all.notes + 1, all.notes)
  if more.remade then all.remade = all.remade and all.remade .. "; " .. more.remade or more.remade end
end

--- Puts codes of the cache beside clips, and counts in `found` what it did; `found.missing` are those it had none for.
local function take(cache, codec, args, list, found)
  local held <close> = lock(args)
  if held == false then return end
  local missing, counts = put(cache, codec, list)
  for i, item in ipairs(missing) do found.missing[i] = item.clip end
  count(found, counts)
  local firsts, others = twins.among(missing)
  if #others == 0 then return end
  count(found, twins.extract(firsts, codec, args.batch_size))
  keep(cache, codec, firsts)
  count(found, (select(2, put(cache, codec, others))))
end

--- The cache that the options `cache` and `cache_limit` mean; nil without one.
function clips.open(args, codec)
  local folder = token_cache.folder(args.cache)
  if not folder then
    if args.cache_limit then
      local message = "--cache-limit says how large a cache may be, and there is none"
      error(fs.error("usage", message, "name one with --cache, or in OPAH_CACHE"), 0)
    end
    return nil
  end
  if not args.filelist and fs.overlap(args.folder, folder) then
    local message = "the clips in %s and the cache %s overlap: one is, or lies in, the other"
    message = message:format(args.folder, folder)
    error(fs.error("usage", message, "choose a folder of its own for --cache (or OPAH_CACHE)"), 0)
  end
  return token_cache.open(folder, codec, { limit = args.cache_limit })
end

--- Extraction of this process's clips with the cache: vq.extract's report, and what was done before it.
local function with(cache, args, codec, extract)
  fs.mkdir(cache.folder)
  local list, found = own(args), { missing = {}, notes = {}, taken = 0, extracted = 0 }
  local ok, report = pcall(function()
    -- Who asks for extracting again wants no codes of before.
    if not args.overwrite then take(cache, codec, args, list, found) end
    return extract()
  end)
  if not ok then
    -- What was done until then is done. Codes that were there before may be of another format still.
    pcall(keep, cache, codec, found.missing)
    error(report, 0)
  end
  keep(cache, codec, list)
  cache:close()
  count(found, { notes = cache.notes })
  found.missing = nil
  return report, found
end

--- Extracts with the recipe's options `args` by `extract`, which gives vq.extract's report. The report that is returned
--- has `cached` besides, how many clips got their codes from the cache; without a cache it has not.
function clips.extract(args, codec, extract)
  local cache <close> = clips.open(args, codec)
  local report, found
  if cache then report, found = with(cache, args, codec, extract) else report = extract() end
  -- The report is that of all processes that share the clips; one of them may be on a machine without the cache.
  for _, part in ipairs(args.shard and { found } or dist.gather(found or false)) do
    if part then
      -- What was there when extraction proper began counted as present.
      report.present = report.present - part.taken - part.extracted
      report.cached = (report.cached or 0) + part.taken
      count(report, part)
    end
  end
  return report
end

return clips
