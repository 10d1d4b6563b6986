import TestSupport
import XCTest

/// Training with products of bfloat16 factors, on trained weights and real clips: how far it is from float32.
final class PrecisionTests: XCTestCase {
    /// Packs of a hundred clips that the embedded voice has never heard, under each other's speaker's name, so that
    /// there is something to learn; and what both tests begin with.
    private static let begin = #"""
        local opah = require "opah"
        local data, fs, lm, lora, tensor, train = opah.data, opah.fs, opah.lm, opah.lora, opah.tensor, opah.train
        local vectors, voice, at, count = opah.home .. "/Tests/Vectors/transcripts/", require "opah.embedded".voice, 1, 0
        local codes = tensor.load_npy(vectors .. "codes.npy"):to("int32")
        for speaker, frames, text in fs.read(vectors .. "clips.tsv"):gmatch("(%w+)\t(%d+)\t([^\n]+)") do
          count = count + 1
          speaker = speaker == "rms" and "slt" or "rms"
          local stem = ("data/%s/%03d"):format(speaker, count)
          fs.mkdir("data/" .. speaker)
          tensor.save_npy(stem .. ".npy", codes:narrow(2, at, tonumber(frames)):contiguous())
          fs.write(stem .. ".lab", text)
          fs.write(stem .. ".wav", "RIFF")                 -- packs are of clips; nobody reads the sound here
          at = at + tonumber(frames)
        end
        data.pack { input = "data", output = "protos", text_extension = ".lab" }
        local function fresh(precision, kind)
          local model = lm.load(voice.model, { max_length = 256, precision = precision })
          lora.apply(model, lora.config { kind = kind or "lora", r = 8, lora_alpha = 16, lora_dropout = 0.1, targets = "all" }, { seed = 1 })
          return model
        end
        local function rows(model)
          return data.dataset { protos = "protos", tokenizer = model.tokenizer, max_length = 256, val_fraction = 0.2, seed = 1, use_speaker = 1,
            interactive_prob = 1, num_codebooks = model.config.num_codebooks }
        end
        local function held_out(model, set)
          return tensor.no_grad(function()
            local sum, batches = 0, set:validation(8)
            for _, batch in ipairs(batches) do sum = sum + model:loss(batch):item() end
            return sum / #batches
          end)
        end

        """#

    private func run(_ code: String) throws {
        let folder = try TestFolder("precision")
        let result = try OpahProcess.run(["-e", Self.begin + code], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors + result.output)
    }

    /// One step: the loss within 0.2 %, each tensor's gradient within 3 degrees or so of float32's, for each kind of
    /// adapter and for all weights.
    func testAStepsGradientsPointTheSameWay() throws {
        try run(
            #"""
            for _, kind in ipairs { "lora", "dora", "full" } do
              local losses, gradients = {}, {}
              for _, precision in ipairs { "32-true", "bf16-rounded" } do
                local model
                if kind == "full" then
                  model = lm.load(voice.model, { max_length = 256, precision = precision })
                  model:unfreeze()
                else
                  model = fresh(precision, kind)
                  tensor.manual_seed(3)
                  tensor.no_grad(function()
                    for name, p in pairs(model:named_parameters()) do
                      if name:find("lora_B") then p:copy_(tensor.randn(p:size(1), p:size(2), { generator = tensor.generator(#name) }) * 0.02) end
                    end
                  end)
                end
                assert(model.products == (precision == "32-true" and "float32" or "bfloat16"))
                local loss = model:loss(rows(model):batch(8))
                loss:backward()
                losses[precision], gradients[precision] = loss:item(), {}
                for name, p in pairs(model:named_parameters()) do
                  if p.grad then gradients[precision][name] = p.grad end
                end
              end
              local exact, half = losses["32-true"], losses["bf16-rounded"]
              assert(exact ~= half, "nothing was rounded")
              assert(math.abs(half / exact - 1) < 2e-3, kind .. ": losses " .. exact .. " " .. half)
              local tensors = 0
              for name, g in pairs(gradients["32-true"]) do
                local h = gradients["bf16-rounded"][name]
                local norms = math.sqrt((g * g):sum():item() * (h * h):sum():item())
                local cosine = norms > 0 and (g * h):sum():item() / norms or 1
                assert(cosine > 0.998, ("%s: %s has a cosine of %.5f"):format(kind, name, cosine))
                tensors = tensors + 1
              end
              assert(tensors > 20, tensors)
            end
            """#)
    }

    /// Thirty steps: the held-out loss falls alike.
    func testThirtyStepsEndAlike() throws {
        try run(
            #"""
            local ends, before = {}, nil
            for _, precision in ipairs { "32-true", "bf16-rounded" } do
              local model = fresh(precision)
              local set, params = rows(model), model:parameters()
              local optimizer = train.adamw(params, { lr = 1e-3 })
              before = held_out(model, set)
              for _ = 1, 30 do
                model:loss(set:batch(4)):backward()
                train.clip_grad_norm(params, 1)
                optimizer:step()
                optimizer:zero_grad()
              end
              ends[precision] = held_out(model, set)
            end
            local exact, half = ends["32-true"], ends["bf16-rounded"]
            assert(exact < before * 0.98, before .. " " .. exact)
            assert(math.abs(half - exact) < 0.05 * (before - exact), ("from %.4f to %.4f and %.4f"):format(before, exact, half))
            """#)
    }

    /// A run in one precision is not gone on with in another, unless both mean the same numbers.
    func testAnotherPrecisionIsAnotherRun() throws {
        try run(
            #"""
            local function fit(precision, steps)
              local model = fresh(precision)
              return train.fit { model = model, data = rows(model), project = "p", results = "results", max_steps = steps, batch_size = 1, val_check_interval = 0,
                every_n_train_steps = 1, progress = false }
            end
            for _, way in ipairs { { "32-true", "bf16-rounded", "products were in float32 and are in bfloat16" }, { "bf16-rounded", "32-true", "bf16-rounded goes on" } } do
              if fs.exists("results") then fs.remove("results", { recursive = true }) end
              fit(way[1], 1)
              local ok, problem = pcall(fit, way[2], 2)
              assert(not ok and tostring(problem):find(way[3], 1, true), tostring(problem))
              assert(fit(way[1], 2).step == 2)
            end
            """#)
    }
}
