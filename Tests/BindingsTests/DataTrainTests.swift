import LuaHost
import LuaTestSupport
import Support
import TestSupport
import XCTest

/// `opah.data` and `opah.train` as recipes use them, on the tiny checkpoint and made-up codes.
final class DataTrainTests: XCTestCase {
    /// Packs in `folder/protos` of two speakers with eight clips each.
    private static let setup = """
        for _, speaker in ipairs { "Ann", "花子" } do
          fs.mkdir(folder .. "/data/" .. speaker)
          for i = 1, 8 do
            local stem = folder .. "/data/" .. speaker .. "/" .. i
            local codes = tensor.randint(0, 900, { 8, 10 + 5 * i }, { dtype = "int32", generator = tensor.generator(i + #speaker) })
            tensor.save_npy(stem .. ".npy", codes)
            fs.write(stem .. ".lab", "Sentence number " .. i .. ".")
            fs.write(stem .. ".wav", "")
          end
        end
        packed = data.pack { input = folder .. "/data", output = folder .. "/protos" }
        function dataset(options)
          local opts = { protos = folder .. "/protos", tokenizer = lm.load(tiny).tokenizer, max_length = 256, val_fraction = 0.2, seed = 1 }
          for k, v in pairs(options or {}) do opts[k] = v end
          return data.dataset(opts)
        end
        function adapted()
          local model = lm.load(tiny)
          lora.apply(model, lora.config { r = 4, lora_alpha = 8, lora_dropout = 0.1 }, { seed = 3 })
          return model
        end
        """

    private func check(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(code, after: Self.setup, file: file, line: line)
    }

    func testClipsAndPacks() throws {
        try check(
            """
            assert(packed.groups == 2 and packed.sentences == 16 and #packed.shards == 1 and #packed.skipped == 0)
            local clips, skipped = data.scan(folder .. "/data", { audio = true })
            assert(#clips == 16 and #skipped == 0)
            local clip = clips[1]
            assert(clip.speaker == "Ann" and clip.audio == clip.stem .. ".wav" and clip.codes == clip.stem .. ".npy" and clip.labels[".lab"] == clip.stem .. ".lab")
            assert(clip.text == nil)
            assert(#data.scan(folder .. "/data", { recursive = false }) == 0)

            fs.write(folder .. "/list.txt", clip.audio .. "|Ann|EN|Words, of | the list.\\nbroken\\n")
            local listed, left_out = data.filelist(folder .. "/list.txt")
            assert(#listed == 1 and listed[1].text == "Words, of | the list." and listed[1].codes == clip.codes)
            assert(#left_out == 1 and left_out[1].reason and left_out[1].remedy)

            local names, sentences = {}, 0
            for group in data.read(folder .. "/protos") do
              names[#names + 1] = group.source .. "/" .. group.name
              for i, sentence in ipairs(group.sentences) do
                sentences = sentences + 1
                assert(sentence.codes:dtype() == "int32" and sentence.codes:size(1) == 8)
                assert(sentence.texts[1]:find("Sentence number", 1, true))
              end
            end
            assert(table.concat(names, " ") == "folder/Ann folder/花子" and sentences == 16)
            fails("file", "nowhere", data.pack, { input = folder .. "/nowhere", output = folder .. "/x" })
            fails("argument", "shard_size", data.pack, { input = folder, output = folder .. "/x", shard_size = 0 })
            """)
    }

    func testRowsAndBatches() throws {
        try check(
            """
            local tokenizer = lm.load(tiny).tokenizer
            local codes = tensor.new({ { 1, 2, 3 }, { 4, 5, 6 } }, { dtype = "int32" })
            local tokens, labels = data.pack_sentences { sentences = { "Hi." }, codes = { codes }, tokenizer = tokenizer }
            assert(tokens:dtype() == "int64" and tokens:size(1) == 3 and labels:size(2) == tokens:size(2))
            local n = tokens:size(2)
            -- Codes are one more than in the file, at the end of the row; labels are one step ahead.
            assert(tokens[{ 2, n }] == 4 and tokens[{ 3, n - 2 }] == 5)
            assert(labels[{ 1, n }] == tokenizer:id("<|im_end|>") and labels[{ 2, n - 1 }] == 4 and labels[{ 2, 1 }] == -100)
            local short = tokens:narrow(2, 1, 4)
            local batch = data.collate({ { tokens = tokens, labels = labels }, { tokens = short, labels = short } }, { pad_id = 9 })
            assert(batch.inputs:size(3) == n and batch.inputs[{ 2, 1, n }] == 9 and batch.inputs[{ 2, 2, n }] == 0)
            assert(batch.labels[{ 2, 1, n }] == -100 and batch.tokens == n + 4 and batch.truncated == 0)
            assert(data.collate({ { tokens = tokens, labels = labels } }, { max_length = 5 }).truncated == n - 5)
            fails("shape", "wanted whole numbers", data.collate, { { tokens = tokens, labels = codes } })
            fails("data", "no rows", data.collate, {})

            local ds = dataset()
            assert(ds.clips + ds.held_out == 16 and ds.held_out > 0 and ds.num_codebooks == 8 and ds.max_length == 256 and #ds.skipped == 0)
            for _ = 1, 7 do ds:batch(2) end
            local state, cover = ds:state(), ds:coverage()
            assert(cover.clips == ds.clips and cover.most - cover.fewest <= 1)
            local expected = ds:batch(3)
            local other = dataset()
            other:set_state(state)
            local got = other:batch(3)
            assert(got.inputs:equal(expected.inputs) and got.labels:equal(expected.labels) and got.attention_masks:equal(expected.attention_masks))
            local held = 0
            for _, b in ipairs(ds:validation(2)) do held = held + b.inputs:size(1) end
            assert(held == ds.held_out)
            local reference = dataset { sampler = "reference" }
            fails("data", "other sampler", reference.set_state, reference, state)
            reference:set_state(reference:state())
            fails("argument", "at least one row", ds.batch, ds, 0)
            fails("config", "max_length", dataset, { max_length = 2 })
            fails("file", "nowhere", dataset, { protos = folder .. "/nowhere" })
            assert(dataset { protos = folder .. "/{protos,none}", use_speaker = true }.clips == ds.clips)
            """)
    }

    /// A loop in Lua over batch, loss, backward, clip and step does what train.fit does.
    func testALoopInLuaIsFit() throws {
        try check(
            """
            local steps = {}
            local summary = train.fit {
              model = adapted(), data = dataset(), project = "p", results = folder .. "/results", max_steps = 6, batch_size = 2, lr = 0.01, num_warmup_steps = 2,
              seed = 11, val_check_interval = 0, on_step = function(log) steps[#steps + 1] = log end, on_warning = function() end,
            }
            assert(summary.ending == "finished" and summary.exit_code == 0 and summary.step == 6 and #steps == 6)
            assert(fs.exists(summary.checkpoint) and fs.exists(summary.folder .. "/report.html"))
            local model, ds = adapted(), dataset()
            local params = model:parameters()
            local opt, factor = train.adamw(params, { lr = 0.01 }), train.constant_with_warmup(2)
            for step = 1, 6 do
              opt:zero_grad()
              opt.lr = 0.01 * factor(step - 1)
              assert(opt.lr == steps[step].lr)
              local loss, parts = model:loss(ds:batch(2), { seed = step })
              loss:backward()
              local norm = train.clip_grad_norm(params, 1)
              opt:step()
              -- Dropout draws other numbers here, on the adapter's inputs alone: until the adapter does something the loss is the same.
              if step <= 2 then assert(math.abs(parts.base + parts.semantic - steps[step].loss) < 1e-5) end
              assert(norm > 0)
            end
            local state = opt:state()
            assert(state["1"].step == 6)
            opt:set_state(state)
            opt:step()
            assert(opt:state()["1"].step == 7)
            local named = train.adamw({ a = params[1], b = params[2] })
            named:zero_grad()
            assert(params[1].grad == nil)
            fails("argument", "no tensor", train.adamw, { 1 })
            fails("argument", "two numbers", train.adamw, params, { betas = { 0.9 } })
            """)
    }

    func testEachSpeakerHasAHeldOutLoss() throws {
        try check(
            """
            local logs = {}
            local summary = train.fit {
              model = adapted(), data = dataset { val_fraction = 0.5 }, project = "p", results = folder .. "/results",
              max_steps = 1, batch_size = 2, val_check_interval = 1, on_warning = function() end,
              on_step = function(log) assert(log.speaker_loss == nil) end,
              on_validation = function(log) logs[#logs + 1] = log end,
            }
            assert(#logs == 2)
            for _, log in ipairs(logs) do
              for name, loss in pairs(log.speaker_loss) do
                assert((name == "Ann" or name == "花子") and math.abs(loss - log.loss) < 1)
              end
            end
            local page = fs.read(summary.folder .. "/report.html")
            assert(page:find("<h2>Held-out loss by speaker</h2>", 1, true))
            for name in pairs(logs[1].speaker_loss) do assert(page:find(name, 1, true), name) end
            """)
    }

    func testSchedules() throws {
        try check(
            """
            local constant, cosine = train.constant_with_warmup(10), train.cosine_with_warmup(0.1, 50, { final_lr_ratio = 0.1 })
            assert(constant(0) == 0 and constant(5) == 0.5 and constant(10) == 1 and constant(1000) == 1)
            assert(cosine(0) == 0 and cosine(5) == 1 and cosine(50) == 0.1)
            assert(train.constant_with_warmup(0.05, 200)(5) == 0.5)
            fails("config", "num_warmup_steps", train.constant_with_warmup, -1)
            fails("config", "num_training_steps", train.constant_with_warmup, 0.5)
            """)
    }

    func testFitResumesStopsAndRefuses() throws {
        try check(
            """
            local function fit(options)
              local opts = { model = adapted(), data = dataset(), project = "p", results = folder .. "/results", max_steps = 8, batch_size = 1, lr = 0.01,
                             val_check_interval = 4, every_n_train_steps = 3, on_warning = function() end, config = { a = { 1, 2 }, name = "花子" } }
              for k, v in pairs(options or {}) do opts[k] = v end
              return train.fit(opts)
            end
            local plan
            local planned = fit { dry_run = true, on_start = function(p) plan = p end }
            assert(planned.ending == "planned" and not fs.exists(folder .. "/results/p") and plan.max_steps == 8 and plan.first_step == 0 and #plan.lines >= 4)
            local told = plan.forecast
            assert(told.memory > 3.6e7 and told.memory < told.memory_budget and told.seconds > 0 and told.checkpoints == 3 and told.disk == 3 * told.checkpoint_bytes)
            fails("memory", "are allowed", fit, { memory_budget = "5MB" })
            assert(not fs.exists(folder .. "/results/p"))
            local cost = adapted():training_cost { rows = { 20, 30 }, frames = { 10, 30 } }
            assert(cost.operations > cost.floor_operations and cost.parts == 1 and cost.recomputed_layers == 0 and cost.seconds(1e11, 1e10) > cost.seconds(2e11, 1e10))
            fails("argument", "frames", function() adapted():training_cost { rows = { 20 }, frames = { 30 } } end)
            local stopped = fit { on_step = function(log) return log.step < 5 end }
            assert(stopped.ending == "stopped" and stopped.step == 5 and stopped.exit_code == 0)
            local saved = {}
            local rest = fit { on_checkpoint = function(path) saved[#saved + 1] = path end }
            assert(rest.ending == "finished" and rest.first_step == 5 and rest.step == 8 and #saved == 2 and saved[2] == rest.checkpoint)
            assert(rest.best.loss > 0 and rest.coverage.seen > 0)
            local whole = fit { project = "whole" }
            assert(fs.read(whole.checkpoint) == fs.read(rest.checkpoint), "resuming changed the result")
            assert(fit().ending == "already_finished")
            local config = dofile(folder .. "/results/p/config.lua")
            assert(config.a[2] == 2 and config.name == "花子")
            fails("config", "lr was 0.01 and is 0.02", fit, { lr = 0.02 })
            fails("argument", "cannot be the name", fit, { project = "../x" })
            fails("argument", "memory_budget", fit, { memory_budget = "4 parsecs" })
            fails("argument", "did you mean max_steps", fit, { max_stepz = 1 })
            fails("config", "limit_val_batches", fit, { limit_val_batches = 0 })
            fit { project = "own", memory_budget = "2GB", schedule = function(step) return step == 0 and 0 or 0.5 end,
                  on_step = function(log) assert(log.lr == (log.step == 1 and 0 or 0.005)) end }
            -- An error in a callback ends the run with that error.
            local ok, err = pcall(fit, { project = "bad", on_step = function() error("own words") end })
            assert(not ok and tostring(err):find("own words", 1, true))
            """)
    }
}
