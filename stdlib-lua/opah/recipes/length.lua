--- Say how much speech a folder holds: hours, mean, shortest, longest, sample rates.
-- opah run length data --long-threshold 30 --short-threshold 1
local audio, recipe, recordings = require "opah.audio", require "opah.recipe", require "opah.recordings"
local progress, stage_over = require "opah.progress", require "opah.stage"

return recipe {
  positionals = { { "input_dir", "folder", "clips" } },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "visualize", "boolean", false, "draw a histogram of the lengths" },
    { "accurate", "boolean", false, "decode every clip instead of checking its header" },
    { "long-threshold", "number", nil, "list clips longer than this, in seconds", short = "l", from = 0 },
    { "short-threshold", "number", nil, "list clips shorter than this, in seconds", short = "s", from = 0 },
    { "num-workers", "integer", 10, "accepted for compatibility", short = "w" },
  },
  run = function(args)
    local clips, skipped, notes = recordings.scan(args.input_dir, { recursive = args.recursive })
    local stage <close> = stage_over("length", #clips)
    stage:add_skipped(skipped)
    stage:add_notes(notes)
    local lengths, rates, long, short = {}, {}, {}, {}
    for _, clip in ipairs(clips) do
      stage:try(clip.audio, function()
        local seconds, rate, info
        if args.accurate then
          local samples
          samples, info = audio.load(clip.audio)
          seconds, rate = #samples / info.sample_rate, info.sample_rate
        else
          info = audio.info(clip.audio)
          seconds, rate = info.duration, info.sample_rate
        end
        for _, text in ipairs(info.notes) do stage:note(clip.audio, text) end
        lengths[#lengths + 1] = seconds
        rates[rate] = (rates[rate] or 0) + 1
        if args.long_threshold and seconds > args.long_threshold then long[#long + 1] = { clip.audio, seconds } end
        if args.short_threshold and seconds < args.short_threshold then short[#short + 1] = { clip.audio, seconds } end
      end)
    end
    stage.bar:done()

    if #lengths > 0 then
      local total, longest, shortest = 0, -math.huge, math.huge
      for _, seconds in ipairs(lengths) do
        total, longest, shortest = total + seconds, math.max(longest, seconds), math.min(shortest, seconds)
      end
      print(("total %.2f h in %d clips; mean %.2f s, longest %.2f s, shortest %.2f s")
        :format(total / 3600, #lengths, total / #lengths, longest, shortest))
      progress.result {
        hours = total / 3600, clips = #lengths, mean = total / #lengths, longest = longest, shortest = shortest, long = #long,
        short = #short,
      }
      for rate, count in pairs(rates) do print(("%d Hz: %d clips"):format(rate, count)) end
      local function name(path) return progress.name(path, { output = true }) end
      for _, item in ipairs(long) do print(("long: %s (%.2f s)"):format(name(item[1]), item[2])) end
      for _, item in ipairs(short) do print(("short: %s (%.2f s)"):format(name(item[1]), item[2])) end
      if args.visualize then
        local bins, width = {}, math.max(1, math.ceil(longest / 20))
        for _, seconds in ipairs(lengths) do
          local bin = math.floor(seconds / width)
          bins[bin] = (bins[bin] or 0) + 1
        end
        for bin = 0, math.floor(longest / width) do
          local count = bins[bin] or 0
          local stars = ("#"):rep(math.ceil(40 * count / #lengths))
          print(("%4d-%-4d s %s %d"):format(bin * width, (bin + 1) * width, stars, count))
        end
      end
    end
    return stage:finish("clips measured")
  end,
}
