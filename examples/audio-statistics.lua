--- Length, loudness and peak of every clip in a folder, with what is wrong with any of them.
-- opah run examples/audio-statistics.lua --input data
-- needs: a folder of recordings; without --input, the example voices
-- expect: a table with a line for each clip, and the loudest and the quietest one
local opah = require "opah"
local audio, fs = opah.audio, opah.fs
local embedded, recordings, stage_over = require "opah.embedded", require "opah.recordings", require "opah.stage"

return opah.recipe {
  flags = {
    { "input", "folder", embedded.speech, "the recordings" },
    { "output", "output", "out/audio-statistics", "the folder for statistics.md" },
  },
  run = function(args)
    local clips, skipped = recordings.scan(args.input)
    local statistics = opah.tables { "clip", "seconds", "Hz", "LUFS", "peak dB", "faults" }
    local stage <close> = stage_over("statistics", #clips)
    stage:add_skipped(skipped)
    for _, clip in ipairs(clips) do
      stage:try(clip.audio, function()
        local samples, info = audio.load(clip.audio)
        local faults = {}
        for i, fault in ipairs(audio.check(samples, info.sample_rate)) do faults[i] = fault.code end
        local peak = 20 * math.log(samples:abs():max():item(), 10)
        statistics:add { fs.relative(clip.audio, args.input), #samples / info.sample_rate, info.sample_rate,
          audio.loudness(samples, info.sample_rate), peak, table.concat(faults, " ") }
      end)
    end

    statistics:sort("LUFS", true)
    local rows = statistics.rows
    local function name(row) return opah.progress.name(row[1], { output = true }) end
    if #rows > 0 then
      print(statistics:text())
      print(("loudest %s, quietest %s"):format(name(rows[1]), name(rows[#rows])))
    end
    fs.mkdir(args.output)
    fs.write(fs.join(args.output, "statistics.md"), statistics:markdown() .. "\n")
    return stage:finish("clips measured")
  end,
}
