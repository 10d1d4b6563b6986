--- Turn every clip into codes: one .npy of int32 [codebooks, frames] beside each recording.
-- opah run extract-vq data --num-workers 1 --batch-size 16 --config-name firefly_gan_vq --checkpoint-path F
local recipe, planning, vq = require "opah.recipe", require "opah.planning", require "opah.vq"
local fs, stage_over, tensor = require "opah.fs", require "opah.stage", require "opah.tensor"
local part_lock, recordings, sharding = require "opah.part_lock", require "opah.recordings", require "opah.sharding"
local duration = require "opah.progress".duration
local caching = require "opah.token_cache.clips"

return recipe {
  positionals = { { "folder", "folder", "clips, one folder per speaker" } },
  flags = {
    { "num-workers", "integer", 1, "accepted as the original's: every thread works on clips anyway (OPAH_THREADS says how many)", from = 0 },
    { "config-name", "string", "firefly_gan_vq", "the codec's configuration: a stock name, a Lua table file or a YAML file" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4/firefly-gan-vq-fsq-8x1024-21hz-generator.pth", "the codec's weights" },
    { "batch-size", "integer", 64, "how many clips may be in memory at a time, at most one per thread; the codes are the same", from = 1 },
    { "filelist", "path", nil, "take the clips from a list of path|speaker|language|text instead" },
    sharding.flag,
    { "overwrite", "boolean", false, "extract again what has codes already" },
    { "cache", "path", nil, "a folder of codes by content, shared between projects: sound that it knows is not encoded again, and new codes go "
      .. "into it [OPAH_CACHE, else none]" },
    { "cache-limit", "string", nil, "how large that folder may be, as in 10GB: the codes used longest ago are removed" },
  },
  plan = function(args)
    local codec = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    local sound = planning.sound(args.folder, { filelist = args.filelist })
    local cache = caching.open(args, codec)
    local clips, seconds, cached = 0, 0, 0
    for _, clip in ipairs(sound.clips) do
      if args.overwrite or not clip.clip.codes then
        if not args.overwrite and cache and cache:has(fs.digest(clip.clip.audio)) then
          cached = cached + 1
        else
          clips, seconds = clips + 1, seconds + clip.info.duration
        end
      end
    end
    table.insert(sound.lines, ("%d to extract, %s"):format(clips, duration(seconds)))
    if cache then table.insert(sound.lines, ("%d from the cache"):format(cached)) end
    -- The weights as read and as the kernels want them, and one clip per thread; about 0.8 of the rate of matrix products.
    local weights = fs.stat(args.checkpoint_path).size
    local at_once = math.min(tensor.threads(), args.batch_size)
    return {
      seconds = 0.2 + codec:cost { seconds = seconds }.encode_operations / planning.rates().matrix_rate / 0.8,
      memory = planning.program + 1.3 * weights + at_once * codec:cost { seconds = sound.longest }.encode_bytes,
      disk = (clips + cached) * 4096 + seconds * codec.frame_rate * codec.num_codebooks * 4, folder = args.folder or ".", lines = sound.lines,
      memory_advice = "lower --batch-size, or cut the longest recordings first: opah run slice-audio",
    }
  end,
  run = function(args)
    local shard = sharding.of(args.shard)
    local codec = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    -- A list may lead to any folder, and has no lock.
    local _ <close> = not args.filelist
      and part_lock.beside(args.folder, "extracting codes", shard, ".extract-vq.run.lock") or nil
    local stage <close> = stage_over("extract-vq", 0)
    local report = caching.extract(args, codec, function()
      return vq.extract {
        input = not args.filelist and args.folder or nil, filelist = args.filelist, codec = codec,
        batch_size = args.batch_size, num_workers = args.num_workers, overwrite = args.overwrite, shard = args.shard,
        on_progress = function(done, total, seconds) stage.bar:at(done, total, { audio_seconds = seconds }) end,
      }
    end)
    stage.done = report.extracted + report.present + (report.cached or 0)
    stage:add_skipped(report.skipped)
    stage:add_notes(report.notes)
    if stage.done == 0 and #stage.skipped == 0 then
      local _, nothing
      if args.filelist then nothing = recordings.missing(args.filelist)
      elseif args.shard then _, nothing = sharding.scan(args.folder, {}, args.shard)
      else _, nothing = recordings.scan(args.folder) end
      stage:add_skipped(nothing)
    end
    require "opah.progress".result {
      extracted = report.extracted, present = report.present, cached = report.cached, audio_seconds = report.audio_seconds,
    }
    local cached = report.cached and (", %d from the cache"):format(report.cached) or ""
    local detail = ("%d of them new%s, %s of audio"):format(report.extracted, cached, duration(report.audio_seconds))
    return stage:finish("clips have codes", report.remade and detail .. ", " .. report.remade or detail)
  end,
}
