--- One page with a picture and a player for every clip, to look through a dataset in a browser.
-- opah run examples/spectrogram-gallery.lua --input data
-- needs: a folder of recordings; without --input, the example voices
-- expect: out/spectrogram-gallery/gallery.html, one self-contained file
local opah = require "opah"
local audio, fs = opah.audio, opah.fs
local embedded, recordings, stage_over = require "opah.embedded", require "opah.recordings", require "opah.stage"

return opah.recipe {
  flags = {
    { "input", "folder", embedded.speech, "the recordings" },
    { "output", "output", "out/spectrogram-gallery", "the folder for gallery.html" },
    { "limit", "integer", 50, "at most this many clips, so that the page stays small", from = 1 },
  },
  run = function(args)
    local clips, skipped = recordings.scan(args.input)
    local page = { title = "Spectrograms of " .. fs.basename(args.input) }
    local stage <close> = stage_over("gallery", math.min(#clips, args.limit))
    stage:add_skipped(skipped)
    for i = 1, math.min(#clips, args.limit) do
      local clip = clips[i]
      stage:try(clip.audio, function()
        local samples, info = audio.load(clip.audio)
        local label = clip.labels[".lab"] and (opah.text.read_label(clip.labels[".lab"])) or "no label"
        table.move({
          { heading = fs.relative(clip.audio, args.input) },
          -- Drawn here, so that a clip too short for it is left out alone.
          { spectrogram = opah.plot.spectrogram(samples, info.sample_rate), label = label },
          { audio = samples, sample_rate = info.sample_rate, label = ("%.2f s"):format(#samples / info.sample_rate) },
        }, 1, 3, #page + 1, page)
      end)
    end
    fs.mkdir(args.output)
    local path = fs.join(args.output, "gallery.html")
    opah.report.html(path, page)
    print(("%d clips -> %s"):format(stage.done, path))
    if #clips > args.limit then opah.progress.log(("note: %d clips more are not on it (--limit)"):format(#clips - args.limit)) end
    return stage:finish("clips drawn")
  end,
}
