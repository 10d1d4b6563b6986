import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// `opah.tables`, `opah.callbacks` and the stock configurations.
final class StandardLibraryTests: XCTestCase {
    private func check(_ code: String, file: StaticString = #filePath, line: UInt = #line) throws {
        try LuaFixture.check(
            code,
            after:
                #"function codec() return opah.vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" } end"#,
            file: file, line: line)
    }

    func testTheFolderThatClipsGoToIsEmptiedAndLocked() throws {
        try check(
            """
            local outputs = require "opah.outputs"
            local input, output = folder .. "/in", folder .. "/out [1]"
            fs.mkdir(input)
            fs.mkdir(output .. "/a/b")
            for _, name in ipairs { "/.hidden", "/c.wav", "/a/b/c.wav" } do fs.write(output .. name, "x") end
            do
              local lock <close> = outputs.prepare(input, output, false)
              assert(fs.exists(output .. "/a/b/c.wav"))
              fails("file", "at work here already (writing clips)", outputs.prepare, input, output, true)
              assert(fs.exists(output .. "/a/b/c.wav"), "nothing is removed before the lock is had")
            end
            do
              local lock <close> = outputs.prepare(input, output, true)
              assert(fs.exists(output .. "/.lock") and not fs.exists(output .. "/a") and not fs.exists(output .. "/.hidden") and not fs.exists(output .. "/c.wav"))
            end
            assert(fs.exists(output) and not fs.exists(output .. "/.lock"))
            fails("argument", "overlap", outputs.prepare, input, input .. "/x", true)
            """)
    }

    func testTablesAlignTextAndEscape() throws {
        try check(
            """
            local t = opah.tables { "voice", "loss" }
            t:add { "Alice", 3.14159 }:add { "花子", 12 }:add { "a|b <c>", 0.5 }
            t:sort("loss")
            assert(t:text() == "voice     loss\\na|b <c>    0.5\\nAlice    3.142\\n花子        12", t:text())
            assert(t:markdown() == "| voice   |  loss |\\n| ------- | ----: |\\n| a\\\\|b <c> |   0.5 |\\n| Alice   | 3.142 |\\n| 花子    |    12 |", t:markdown())
            assert(t:html():find("<td>a|b &lt;c&gt;</td><td>0.5</td>", 1, true))
            local block = t:block()
            assert(block.header[2] == "loss" and block.table[3][1] == "花子" and #block.table == 3)
            t:sort("loss", true)
            assert(t.rows[1][2] == 12)
            for text, f in pairs { ["1 cells"] = function() t:add { 1 } end, ["no column"] = function() t:sort("x") end } do
              local ok, problem = pcall(f)
              assert(not ok and tostring(problem):find(text == "1 cells" and "row of 1" or text, 1, true), tostring(problem))
            end
            """)
    }

    func testEarlyStopWaitsForItsPatience() throws {
        try check(
            """
            local stop = opah.callbacks.early_stop { patience = 2, min_delta = 0.1 }
            local function feed(step, loss) stop:on_validation { step = step, loss = loss } return stop:on_step { step = step } end
            assert(feed(0, 5) and feed(10, 4) and feed(20, 3.95) and not stop.reason)
            assert(feed(30, 3.8) and feed(40, 3.9))
            assert(not feed(50, 3.9) and stop.reason:find("was 3.8000 at step 30", 1, true))
            """)
    }

    func testTheEarliestGoodCheckpointIsPicked() throws {
        try check(
            """
            local callbacks = opah.callbacks
            local list = { { step = 1, loss = 4 }, { step = 2, loss = 3.02 }, { step = 3, loss = 3 }, { step = 4, loss = 3.5 } }
            assert(callbacks.earliest_good(list, 0.01).step == 2 and callbacks.earliest_good(list, 0).step == 3)
            assert(callbacks.earliest_good({}) == nil)
            local best = callbacks.best_checkpoint { tolerance = 0 }
            for _, item in ipairs(list) do
              best:on_validation(item)
              best:on_checkpoint(("x/step_%09d.ckpt"):format(item.step))
            end
            best:on_checkpoint("x/step_000000099.ckpt")      -- not validated: does not count
            assert(best.step == 3 and best.loss == 3 and best.path == "x/step_000000003.ckpt")
            """)
    }

    func testCallbacksWorkInARun() throws {
        try check(
            """
            local callbacks, embedded = opah.callbacks, require "opah.embedded"
            local packs = embedded.packs(folder)
            local function run(project, list, more)
              local model = lm.load(tiny)
              lora.apply(model, "r_4_alpha_8", { seed = 1 })
              local options = { model = model, data = embedded.dataset(packs, model), project = project, results = folder .. "/results", max_steps = 6, lr = 0.01,
                                batch_size = 1, num_warmup_steps = 1, val_check_interval = 2, every_n_train_steps = 2, on_warning = function() end }
              for name, value in pairs(more or {}) do options[name] = value end
              return train.fit(callbacks.with(options, list and list(model) or {})), options
            end
            local plain = run("plain")
            local best, voice, own = callbacks.best_checkpoint {}, nil, { steps = 0 }
            function own:on_step(log) self.steps = self.steps + 1 return true end
            local steps = 0
            local heard = run("heard", function(model)
              voice = callbacks.audition { model = model, codec = codec(), folder = folder .. "/auditions", sentences = { "One.", "二。" }, every = 2, generate = { max_new_tokens = 5 } }
              return { best, voice, own }
            end, { on_step = function() steps = steps + 1 end })
            assert(steps == 6 and own.steps == 6)
            -- Speaking between steps changes nothing in the run.
            assert(fs.read(heard.checkpoint) == fs.read(plain.checkpoint), "an audition changed the run")
            assert(best.path == heard.checkpoint and best.step == 6, "the loss falls: the last is the best")
            for _, name in ipairs { "step_000000002/1.npy", "step_000000002/2.npy", "step_000000006/1.npy" } do assert(fs.exists(folder .. "/auditions/" .. name), name) end
            assert(not fs.exists(folder .. "/auditions/step_000000004"))
            local measured = callbacks.checkpoints(heard.folder)
            assert(#measured == 3 and measured[3].loss == best.loss and callbacks.validations(heard.folder)[1].step == 0)

            -- A rate of nothing: no progress, and the run ends early.
            local stop = callbacks.early_stop { patience = 2 }
            local stopped = run("stopped", function() return { stop } end, { lr = 1e-12, max_steps = 40 })
            assert(stopped.ending == "stopped" and stopped.step < 40 and stop.reason)
            """)
    }

    /// The train recipe takes both from its configuration.
    func testTheTrainRecipeStopsEarlyAndSpeaks() throws {
        let folder = try TestFolder("callbacks"), tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
        let result = try OpahProcess.run(
            [
                "run", "train", "project=p", "+lora@model.model.lora_config=r_4_alpha_8",
                "pretrained_ckpt_path=\(tiny)", "max_length=512", "train_dataset.proto_files=[data/protos]",
                "train_dataset.val_fraction=0.2", "data.batch_size=1", "trainer.max_steps=40",
                "trainer.val_check_interval=2", "model.optimizer.lr=1e-12", "callbacks.early_stop.patience=2",
                "callbacks.audition.sentences=[Good evening.,今晩は。]", "callbacks.audition.every=2",
                "callbacks.audition.max_new_tokens=5",
                "callbacks.audition.codec_config=\(tiny)/codec.lua",
                "callbacks.audition.codec_checkpoint=\(tiny)/codec.pth"
            ], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        XCTAssertTrue(result.errors.contains("stopping early: the loss on held-out clips is"), result.errors)
        XCTAssertTrue(result.errors.contains("stopped by the recipe after 5 steps"), result.errors)
        let heard = try FileManager.default.contentsOfDirectory(atPath: folder("results/p/auditions")).sorted()
        XCTAssertEqual(heard, ["step_000000002", "step_000000005"])
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("results/p/auditions/step_000000005/2.npy")))
    }

    func testModulesInLuaHaveHelp() throws {
        try check(
            """
            local list = opah.help()
            for _, path in ipairs(fs.list(opah.home .. "/stdlib-lua/opah", { extension = ".lua" })) do
              local name = fs.basename(path, ".lua")
              assert(list:find("opah." .. name .. " ", 1, true), "help() does not list " .. name)
              assert(#opah.help(name) > 60, name)
              local summary = list:match("opah%." .. name .. " +([^\\n]*)")
              assert(summary:find("[.:]$"), "not a sentence: " .. summary)
            end
            for name, part in pairs {
              ["callbacks.early_stop"] = "callbacks.early_stop([options]) -> EarlyStop\\n  Ends the run when", ["graph.each"] = "graph:each(name, spec, work)", ["graph.files"] = "graph:files(path [, options]) -> Node",
              ["opah.graph"] = "graph(options)", ["run"] = "run(name [, arguments]) -> integer", ["tables"] = "print(sweep:text())",
            } do assert(opah.help(name):find(part, 1, true), opah.help(name)) end
            assert(not pcall(opah.help, "graph.nothing"))
            assert(not opah.help("graph"):find("declare(", 1, true), "a local function is nobody's business")
            """)
    }

    func testStockConfigurations() throws {
        try check(
            """
            -- The table is the codec that the name means: the same seed gives the same weights.
            for i, config in ipairs { "firefly_gan_vq", opah.home .. "/stdlib-lua/opah/configs/firefly_gan_vq.lua" } do
              opah.vq.new({ config = config, seed = 1 }):save(folder .. "/" .. i .. ".pth")
            end
            assert(fs.digest(folder .. "/1.pth") == fs.digest(folder .. "/2.pth"))
            local counts = {}
            for _, path in ipairs(fs.list(opah.home .. "/stdlib-lua/opah/configs/lora", { extension = ".lua" })) do
              local name = fs.basename(path, ".lua")
              local config = lora.config(name)
              assert(config.lora_alpha == 2 * config.r and name:find("^r_" .. config.r .. "_alpha_" .. math.tointeger(config.lora_alpha)), name)
              local model = lm.load(tiny)
              lora.apply(model, name)
              counts[name] = #model:parameters()
              for parameter in pairs(model:named_parameters()) do
                if parameter:find("lora_") and name:find("fast$") then assert(parameter:find("^fast_"), parameter) end
                if parameter:find("lora_") and name:find("attention$") then assert(parameter:find(".attention.", 1, true), parameter) end
              end
            end
            assert(counts.r_8_alpha_16_fast < counts.r_8_alpha_16 and counts.r_8_alpha_16_attention < counts.r_8_alpha_16 and counts.r_64_alpha_128 == counts.r_8_alpha_16)
            """)
    }
}
