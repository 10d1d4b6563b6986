import LuaTestSupport
import TestSupport
import XCTest

/// `lora.config`: names, tables and files.
final class AdapterSettingsTests: XCTestCase {
    private let tools = """
        function line(settings)
          local c = lora.config(settings)
          return ("%s %d %g %g %s"):format(c.kind, c.r, c.lora_alpha, c.lora_dropout, table.concat(c.targets, " "))
        end
        """

    func testNamesAndTables() throws {
        try LuaFixture.check(
            #"""
            assert(line "r_8_alpha_16" == "lora 8 16 0.01 all")
            assert(line "r_8_alpha_16_dora" == "dora 8 16 0 all")
            assert(line "r_8_alpha_16_fast_rslora" == "rslora 8 16 0.01 fast")
            assert(line "r_3_alpha_5_mlp_dora" == "dora 3 5 0 mlp")
            assert(line { kind = "rslora", r = 4 } == "rslora 4 16 0 all")
            assert(line { target_modules = { "attention", "embeddings", "output", "fast_mlp" } }
              == "lora 8 16 0 attention all_embeddings outputs fast_layers.*.feed_forward.*")
            fails("config", "the kinds are lora, rslora, dora", lora.config, { kind = "xyzzy" })
            fails("config", "q_proj", lora.config, { target_modules = { "q_proj" } })
            fails("config", "give one of them", lora.config, { target_modules = { "mlp" }, targets = "mlp" })
            fails("config", "no setting rank", lora.config, { rank = 8 })
            fails("config", "no configuration called", lora.config, "r_8_alpha_16_doraa")
            """#, after: tools)
    }

    /// Every stock file says what its name says.
    func testStockFiles() throws {
        try LuaFixture.check(
            #"""
            local checked = 0
            for _, path in ipairs(fs.glob(fs.dirname(tiny) .. "/../../stdlib-lua/opah/configs/lora/*.lua")) do
              local name = fs.basename(path):match("^(.*)%.lua$")
              local r, alpha, rest = name:match("^r_(%d+)_alpha_(%d+)(.*)$")
              local kind = rest:match("_(%a+)$")
              kind = (kind == "dora" or kind == "rslora") and kind or "lora"
              local target = rest:gsub("_" .. kind .. "$", ""):gsub("^_", "")
              assert(line(name) == ("%s %s %s %s %s"):format(kind, r, alpha, kind == "dora" and "0" or "0.01", target == "" and "all" or target), name)
              checked = checked + 1
            end
            assert(checked == 30, checked)
            """#, after: tools)
    }

    func testFiles() throws {
        try LuaFixture.check(
            #"""
            fs.write(folder .. "/main.yaml", "_target_: fish_speech.models.text2semantic.lora.LoraConfig\nr: 16\nlora_alpha: 32\n"
              .. "lora_dropout: 0.05\ntarget_modules: [attention, mlp]\n")
            assert(line(folder .. "/main.yaml") == "lora 16 32 0.05 attention mlp")
            fs.write(folder .. "/mine.lua", 'return { kind = "dora", r = 2, lora_alpha = 4, targets = "fast" }')
            assert(line(folder .. "/mine.lua") == "dora 2 4 0 fast")
            local model = lm.load(tiny)
            lora.apply(model, folder .. "/mine.lua")
            assert(model:named_parameters()["fast_output.lora_magnitude_vector"]:shape()[1] == model:named_parameters()["fast_output.lora_B"]:shape()[1])
            fs.write(folder .. "/bad.yaml", "r: [1]\n")
            fails("config", "bad.yaml", lora.config, folder .. "/bad.yaml")
            fs.write(folder .. "/list.yaml", "- 1\n")
            fails("config", "a table", lora.config, folder .. "/list.yaml")
            fs.write(folder .. "/runs.lua", 'os.execute("touch " .. "evil") return {}')
            assert(not pcall(lora.config, folder .. "/runs.lua"))
            fails("file", "nowhere.yaml", lora.config, folder .. "/nowhere.yaml")
            """#, after: tools)
    }

    /// DoRA in a loop in Lua, saved, loaded again and merged.
    func testTrainingAndMerging() throws {
        try LuaFixture.check(
            #"""
            local model = lm.load(tiny)
            lora.apply(model, { kind = "dora", r = 2, lora_alpha = 4 }, { seed = 1 })
            local ids = tensor.new({ { 5, 7, 9, 11 } }, { dtype = "int64" })
            local batch = { inputs = tensor.zeros(1, 1 + model.config.num_codebooks, 4, { dtype = "int64" }) }
            batch.inputs[{ {}, 1 }] = ids
            batch.labels = batch.inputs:clone()
            local optimizer, first, last = train.adamw(model:parameters(), { lr = 1e-2 })
            for step = 1, 4 do
              local loss = model:loss(batch)
              last = loss:item()
              first = first or last
              loss:backward()
              optimizer:step()
              optimizer:zero_grad()
            end
            assert(last < first, last)
            lora.save(model, folder .. "/voice.ckpt")
            assert(checkpoint.load(folder .. "/voice.ckpt").opah_lora.kind == "dora")
            local report = lora.merge_files { base_weight = tiny, lora_weight = folder .. "/voice.ckpt", output = folder .. "/merged" }
            assert(report.changed > 10 and report.max_logit_difference < 1e-4, report.max_logit_difference)
            """#)
    }
}
