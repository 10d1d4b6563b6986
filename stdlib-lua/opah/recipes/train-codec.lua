--- Train a codec on recordings, from nothing or from a codec's weights. Run again, it goes on where it stopped.
-- opah run train-codec data --config-name my-codec.lua --output results/my-codec
-- opah run train-codec data --checkpoint-path firefly.pth --encoder-steps 0 --vocoder-steps 0 --joint-steps 2000
-- opah run train-codec data --checkpoint-path firefly.pth --encoder-steps 0 --keep-codes --adversarial-steps 1000
local config, data, fs, progress, report = require "opah.config", require "opah.data", require "opah.fs", require "opah.progress", require "opah.report"
local json, tensor, vq = require "opah.json", require "opah.tensor", require "opah.vq"
local crops, firefly, phases, runs = require "opah.codec.crops", require "opah.codec.firefly", require "opah.codec.phases", require "opah.codec.run"
local stage_over, whole_steps = require "opah.stage", require "opah.steps"
local own_files, recipe = require "opah.own_files", require "opah.recipe"

return recipe {
  positionals = { { "folder", "folder", "recordings; labels are not needed" } },
  flags = {
    { "config-name", "string", "firefly_gan_vq", "the codec's configuration: a stock name, a Lua table file or a YAML file" },
    { "checkpoint-path", "file", nil, "weights to begin with; without them, fresh ones" },
    { "output", "path", "results/codec", "the folder for codec.pth, its state and its report" },
    { "encoder-steps", "integer", 1000, "steps in which codes learn to give back spectrograms", from = 0 },
    { "vocoder-steps", "integer", 3000, "steps in which the vocoder learns to speak codes", from = 0 },
    { "joint-steps", "integer", 3000, "steps in which everything learns on", from = 0 },
    { "adversarial-steps", "integer", 0, "steps with discriminators, which make sound crisp; each takes several times as long", from = 0 },
    { "keep-codes", "boolean", false, "train only what makes sound of codes: packs and language models that go with the codec stay right" },
    { "batch-size", "integer", 8, "pieces per step", from = 1 },
    { "seconds", "number", 2, "length of a piece, in seconds", above = 0, to = 3600 },
    { "lr", "number", 5e-4, "learning rate", above = 0, to = 10 },
    { "judges-lr", "number", 2e-4, "learning rate of the discriminators", above = 0, to = 10 },
    { "judges-width", "integer", 32, "channels of the discriminators' first layers; 32 in the paper", from = 1 },
    { "held-out", "integer", 8, "how many clips are kept for measuring", from = 0 },
    { "every", "integer", 200, "steps between two measurements, each of which saves the state", from = 1 },
    { "stop-after", "integer", nil, "end before the last step, as if interrupted there", from = 1 },
    { "seed", "integer", 1, "of weights, pieces and roundings" },
  },
  run = function(args)
    local given = args.checkpoint_path
    if args.keep_codes and (args.encoder_steps > 0 or not given) then
      config.usage_error("--keep-codes leaves codes as they are: it goes with --encoder-steps 0 and --checkpoint-path")
    end

    -- Every n-th clip is held out, so that all speakers are among them.
    local clips, skipped, notes = data.scan(args.folder, { audio = true })
    if #clips < 2 then config.usage_error(args.folder .. " holds fewer than two recordings") end
    local held, learned, apart = {}, {}, math.max(2, #clips // math.max(args.held_out, 1))
    for i, clip in ipairs(clips) do
      local list = i % apart == 0 and #held < args.held_out and held or learned
      list[#list + 1] = clip.audio
    end

    -- A codec that no run left here is somebody's, perhaps the one to begin with.
    local function lies_here(name) return fs.exists(fs.join(args.output, name)) end
    if lies_here("codec.pth") and not lies_here("state.ckpt") and not lies_here("metrics.jsonl") then
      config.usage_error(args.output .. " holds a codec that no training left there: choose another --output")
    end
    own_files.page(fs.join(args.output, "report.html"))

    local native = given and vq.load { config = args.config_name, checkpoint = given } or vq.new { config = args.config_name, seed = args.seed }
    local hop = native.hop_length
    local samples = math.max(1, math.floor(args.seconds * native.sample_rate / (hop * 16) + 0.5)) * hop * 16
    local function source_of(paths)
      return crops.new(paths, { sample_rate = native.sample_rate, samples = samples, seed = args.seed, notes = notes })
    end
    local source, measured = source_of(learned), source_of(held)
    local function begin(total, done)
      local stage = stage_over("train-codec", total, done)
      for _, list in ipairs { skipped, source.skipped, measured.skipped } do stage:add_skipped(list) end
      stage.notes = notes              -- reading adds to them
      return stage
    end
    if #source.clips == 0 then
      local _ <close> = begin(0)            -- lists why each was left out
      error(fs.error("data", args.folder .. ": no recording to learn from", "recordings of at least a second that can be read are needed"), 0)
    end

    fs.mkdir(args.output)
    local _ <close> = fs.lock(args.output, "training a codec")
    local learner = phases.learner(firefly.from(native), {
      seed = args.seed, discriminators = args.adversarial_steps > 0 and { width = args.judges_width, seed = args.seed } or nil,
      keep_codes = args.keep_codes,
    })
    local steps = {}
    for _, phase in ipairs(phases.order) do steps[phase] = args[phase .. "_steps"] end
    local run = runs.open(learner, {
      folder = args.output, steps = steps, batch = args.batch_size, lr = args.lr, judges_lr = args.judges_lr,
      identity = json.encode { config = native.config, steps = steps, batch = args.batch_size, samples = samples, lr = args.lr, seed = args.seed,
        judges = { args.judges_lr, args.judges_width, phases.weights }, keep_codes = args.keep_codes or nil, clips = #learned, from = given or "nothing" },
    })
    if run.step == 0 and not given then learner:fit_to(source:batch(args.batch_size, 0)) end

    progress.log(("%d clips, %s of sound; %d more are held out"):format(#source.clips, progress.duration(source.seconds), #measured.clips))

    -- The distance of log-mel spectrograms of held-out sound, through codes and back.
    local fixed = #measured.clips > 0 and measured:batch(math.min(8, #measured.clips), 0) or nil
    local function measure()
      if not fixed then return nil end
      return tensor.no_grad(function()
        local codec = learner.codec
        local made = codec:decode((codec:quantize(codec:encode(codec:mel(fixed)))))
        local length = math.min(made:size(2), fixed:size(2))
        return (codec:mel(made:narrow(2, 1, length)) - codec:mel(fixed:narrow(2, 1, length))):abs():mean():item(), made
      end)
    end

    local curves = { loss = {}, held_out = {} }
    local function draw(row)
      local list, value = row.held_out_mel and curves.held_out or curves.loss, row.held_out_mel or row.loss
      if type(value) == "number" then list[#list + 1] = { row.step, value } end
    end
    for _, row in ipairs(run:noted()) do draw(row) end
    local function write_report(made)
      local blocks = { { heading = "Distance of log-mel spectrograms" }, { curves = { held_out = curves.held_out }, x = "step" },
        { heading = "Loss" }, { curves = { loss = curves.loss }, x = "step" } }
      for i = 1, fixed and math.min(4, fixed:size(1)) or 0 do
        blocks[#blocks + 1] = { heading = ("Held-out clip %d: recorded, and through the codec"):format(i) }
        blocks[#blocks + 1] = { audio = fixed[i], sample_rate = native.sample_rate, label = "recorded" }
        blocks[#blocks + 1] = { audio = made[i], sample_rate = native.sample_rate, label = "through the codec" }
      end
      report.html(fs.join(args.output, "report.html"), { title = "A codec after " .. run.step .. " steps", table.unpack(blocks) })
    end

    local function save()
      run:save()
      fs.write(fs.join(args.output, "codec.json"), json.encode(native.config, { indent = 2 }) .. "\n")
      local distance, made = measure()
      local last = curves.held_out[#curves.held_out]
      if distance and not (last and last[1] == run.step) then
        local row = { step = run.step, held_out_mel = distance }
        run:note(row)
        draw(row)
        progress.log(("step %d: distance of held-out spectrograms %.3f"):format(run.step, distance))
      end
      write_report(made)
    end

    local stage <close> = begin(run.total, run.step)
    local function take()
      if not run:current() or run.step >= (args.stop_after or math.huge) then return end
      local phase = run:current().phase
      local shown = run:take(source:batch(args.batch_size, run.step + 1))
      shown.step, shown.phase = run.step, phase
      return shown
    end
    whole_steps.run(take, function(shown)
      stage.done = run.step
      run:note(shown)
      draw(shown)
      stage.bar:step(1, { phase = shown.phase, loss = shown.loss, mel = shown.mel })
      if run.step % args.every == 0 then save() end
    end, function() run:save() end)
    save()
    return stage:finish("steps", "the codec is " .. fs.join(args.output, "codec.pth"))
  end,
}
