import Foundation
import TestSupport
import XCTest

/// Settings and options as people write them: what is wrong is said at once, with exit code 2, before anything is
/// loaded; what the original's files and command lines hold is taken.
final class SettingsTests: XCTestCase {
    private let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func train(
        _ settings: [String], folder: TestFolder, code: Int32, _ parts: [String], line: UInt = #line
    ) throws {
        try check(
            OpahProcess.run(["run", "train"] + settings, folder: folder.path), settings, code: code, parts, line: line)
    }

    private func check(
        _ ran: OpahProcess.Result, _ settings: [String], code: Int32, _ parts: [String], line: UInt = #line
    ) {
        XCTAssertEqual(ran.code, code, "\(settings): \(ran.errors)", line: line)
        for part in parts {
            XCTAssertTrue(
                ran.errors.contains(part), "\(settings): no \u{201C}\(part)\u{201D} in\n\(ran.errors)", line: line)
        }
        if code == 2 {
            XCTAssertFalse(
                ran.errors.contains("cannot open the model"), "a model was loaded first: \(ran.errors)", line: line)
        }
    }

    func testWrongSettingsAreRefusedBeforeAnyModelIsLoaded() throws {
        let folder = try TestFolder("settings")
        var waiting: [(settings: [String], part: String, running: OpahProcess.Running)] = []
        func judge() {
            for one in waiting { check(one.running.finish(), one.settings, code: 2, [one.part]) }
            waiting = []
        }
        for (settings, part) in [
            (["projct=x"], "did you mean project?"), (["project=../x"], "has no /"),
            (["project=''"], "it cannot be empty"), (["project=1e3"], "write project='\"1e3\"'"),
            (["project=null"], "project is a name"), (["project=True"], "project='\"True\"'"),
            (["data.batch_size=0"], "1 or more"), (["data.batch_size=\"2\""], "write data.batch_size=2"),
            (["trainer.max_steps=ten"], "ten is text"),
            (["trainer.max_steps=-5"], "-1 or more"), (["model.optimizer.lr=fast"], "fast is text"),
            (["model.optimizer.lr=-1"], "above 0"), (["model.optimizer.betas=[0.9]"], "2 numbers"),
            (["trainer.max_time=soon"], "a time such as 8h"),
            (["train_dataset.sampler=covrage"], "did you mean coverage?"),
            (["train_dataset.val_fraction=1"], "below 1"),
            (["weights=int8"], "one of stored"), (["project", "=", "x"], "written project=x, without spaces"),
            (["project", "=x"], "written project=x, without spaces"),
            (["project=", "x"], "written project=x, without spaces"), (["--project=x"], "without dashes: project=x"),
            (["--project", "x"], "without dashes: project=x"),
            (["--trainer.max_steps", "5"], "without dashes: trainer.max_steps=5"),
            (["trainer.max_steps=null"], "nothing ends this run"),
            (["trainer.max_passes=2", "train_dataset.sampler=reference"], "makes none"),
            (["ckpt_path=x"], "pretrained_ckpt_path"), (["trainer=3"], "a table of settings"),
            (["model.lr_scheduler.lr_lambda._target_=linear"], "there is no schedule linear"),
            (["--config-name", "nosuch.yaml"], "there is no configuration nosuch.yaml"),
            (["pretrained_ckpt_path=nosuch"], "pretrained_ckpt_path: nosuch does not exist"),
            (["pretrained_ckpt_path=\(tiny)", "train_dataset.proto_files=[gone]"], "gone does not exist"),
            (["callbacks.audition.codec_checkpoint=no.pth"], "no.pth does not exist"),
            (["callbacks.audtion.every=2"], "did you mean callbacks.audition")
        ] as [([String], String)] {
            waiting.append((settings, part, try OpahProcess.start(["run", "train"] + settings, folder: folder.path)))
            if waiting.count == 4 { judge() }
        }
        judge()
        try train(
            ["projct=x", "trainer.max_steps=ten", "data.batch_size=0", "a b=1"], folder: folder, code: 2,
            ["4 settings are wrong", "did you mean project?", "ten is text", "1 or more"])
    }

    func testWrongOptionsOfGenerateAreRefused() throws {
        let model = ["--checkpoint-path", tiny]
        for (options, part) in [
            (
                ["--text", "x", "--temperature", "5"],
                "--temperature: 5 does not fit: it is a number, above 0 and below 2"
            ), (["--text", "x", "--top-p", "0"], "above 0, 1 at most"),
            (["--text", "x", "--num-samples", "0"], "from 1 to 4096"),
            (["--text", "x", "--max-new-tokens", "-1"], "0 or more"),
            (["--text", "x", "--repetition-penalty", "2"], "below 2"),
            (["--text", "x", "--chunk-length", "0"], "1 or more"),
            (["--text", "x", "--temperature", "nan"], "not a number"), ([], "--text or --text-file is needed"),
            (["--text", "x", "--text-file", "y"], "exclude each other"),
            (["--text-file", "nosuch.txt"], "nosuch.txt does not exist"), (["--text", "  "], "nothing to say")
        ] {
            let ran = try OpahProcess.run(["run", "generate"] + options + model)
            XCTAssertEqual(ran.code, 2, "\(options): \(ran.errors)")
            XCTAssertTrue(ran.errors.contains(part), "\(options): \(ran.errors)")
        }
    }

    /// The same text by each way gives the same codes; long ones are not echoed.
    func testTextsComeFromFilesAndStandardInput() throws {
        let folder = try TestFolder("text"), long = String(repeating: "Hello there. ", count: 40)
        try ("\u{FEFF}" + long + "\n").write(toFile: folder("text.txt"), atomically: true, encoding: .utf8)
        func codes(_ options: [String], input: String? = nil) throws -> Data {
            let ran = try OpahProcess.run(
                ["run", "generate", "--checkpoint-path", tiny, "--max-new-tokens", "4", "--output", "out"] + options,
                folder: folder.path, input: input)
            XCTAssertEqual(ran.code, 0, ran.errors)
            XCTAssertFalse(ran.errors.contains(long), "a long text is echoed: \(ran.errors.prefix(300))")
            return try Data(contentsOf: URL(fileURLWithPath: folder("out/codes_0.npy")))
        }
        let wanted = try codes(["--text", long])
        XCTAssertEqual(try codes(["--text-file", "text.txt"]), wanted)
        XCTAssertEqual(try codes(["--text", "-"], input: long), wanted)
        XCTAssertEqual(try codes(["--text-file", "-"], input: "\u{FEFF}" + long), wanted)
        let dash = try codes(["--text=-hello"])
        XCTAssertEqual(try codes(["--text", "-hello"]), dash)
        XCTAssertNotEqual(dash, wanted)
    }

    // MARK: the original's files and command lines

    private func packs(_ folder: TestFolder) throws {
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('data')"], folder: folder.path).code, 0)
    }

    private var usual: [String] {
        [
            "pretrained_ckpt_path=\(tiny)", "max_length=512", "data.batch_size=1",
            "+lora@model.model.lora_config=r_4_alpha_8", "--dry-run"
        ]
    }

    func testDeletedSettingsThatAreNeededAreNamed() throws {
        let folder = try TestFolder("deleted")
        for (deleted, named) in [
            ("~callbacks", "callbacks.audition, callbacks.model_checkpoint"), ("~data", "data.batch_size"),
            ("~model.optimizer", "model.optimizer._target_"),
            ("~train_dataset", "train_dataset.proto_files"),
            ("train_dataset.proto_files=[]", "train_dataset.proto_files: names no packs")
        ] {
            let ran = try OpahProcess.run(
                ["run", "train", "project=p", "pretrained_ckpt_path=\(tiny)", deleted, "--dry-run"], folder: folder.path
            )
            XCTAssertEqual(ran.code, 2, "\(deleted): \(ran.errors)")
            XCTAssertTrue(ran.errors.contains(named), "\(deleted): \(ran.errors)")
        }
    }

    func testLightningsSettingsGetALineAndNotAStop() throws {
        let folder = try TestFolder("lightning")
        try packs(folder)
        try train(
            usual + [
                "project=p", "trainer.devices=1", "++trainer.precision=bf16-mixed",
                "trainer.strategy.process_group_backend=gloo", "trainer.accelerator=gpu", "+trainer.min_epochs=0",
                "trainer.default_root_dir=results/p", "callbacks.model_checkpoint.save_top_k=1",
                "callbacks.model_checkpoint.dirpath=x", "+logger.csv._target_=a.CSVLogger", "+logger.csv.save_dir=x",
                "hydra.run.dir=x", "+callbacks.sample_audio.texts=[a]", "+callbacks.early_stopping.patience=3",
                "trainer.limit_val_batches=0", "+foo.bar=1", "+trainer.max_stpes=4"
            ], folder: folder, code: 0,
            [
                "note: trainer.devices is ignored: everything runs on the processor",
                "products with the weights are computed in", "note: trainer.strategy is ignored: there is one process",
                "note: callbacks.model_checkpoint.dirpath is ignored: paths.run_dir", "note: logger.csv is ignored",
                "note: hydra.run.dir is ignored", "note: callbacks.sample_audio is ignored",
                "callbacks.early_stop.patience=5", "no stock recipe reads foo.bar",
                "no stock recipe reads trainer.max_stpes; did you mean trainer.max_steps"
            ])
    }

    func testPassesAndTimesEndARun() throws {
        let folder = try TestFolder("limits")
        try packs(folder)
        try train(
            usual + ["project=a", "+trainer.max_epochs=15"], folder: folder, code: 0,
            ["about 15.0 passes over all clips, ended by max_passes=15"])
        try train(
            usual + ["project=b", "trainer.max_passes=2", "trainer.max_time={hours: 2}"], folder: folder, code: 0,
            ["ended by max_passes=2"])
        try train(
            usual + ["project=c", "trainer.max_steps=-1", "trainer.max_time=00:00:00:01"], folder: folder, code: 0,
            ["ended by max_time=1 s at the rate measured now"])
        try train(
            usual + ["project=d", "trainer.max_steps=900"], folder: folder, code: 0,
            ["passes are many", "trainer.max_passes=10", "trainer.val_check_interval=1.0"])
        let run =
            usual.dropLast() + [
                "project=e", "trainer.max_passes=2", "trainer.max_steps=null", "trainer.val_check_interval=1.0",
                "trainer.limit_val_batches=1.0", "train_dataset.val_fraction=0.2"
            ]
        try train(Array(run), folder: folder, code: 0, ["step 0: held-out loss", "ended by max_passes=2"])
        let saved = try FileManager.default.contentsOfDirectory(atPath: folder("results/e/checkpoints"))
        XCTAssertEqual(saved.count, 3, "one for each whole pass, and the last: \(saved)")
        try train(
            ["--config-name", "text2semantic_finetune_cpu", "project=f", "pretrained_ckpt_path=\(tiny)", "--dry-run"],
            folder: folder, code: 0, ["ended by max_passes=10", "rank 8"])
    }

    func testAFileOfWeightsMeansItsFolder() throws {
        let folder = try TestFolder("weights")
        try packs(folder)
        try train(
            usual + ["project=p", "pretrained_ckpt_path=\(tiny)/model.pth"], folder: folder, code: 0,
            ["clips to train on"])
        try train(
            usual + ["project=p", "pretrained_ckpt_path=\(tiny)/model.safetensors"], folder: folder, code: 0,
            ["is meant"])
        try train(usual + ["project=p", "paths.run_dir=runs/mine"], folder: folder, code: 0, ["clips to train on"])
    }

    /// A file as people have them: keys of callbacks, loggers and schedules, a name of its own that others refer to.
    func testAFileOfTheOriginalsForm() throws {
        let folder = try TestFolder("yaml")
        try packs(folder)
        let yaml = """
            defaults:
              - base
              - _self_
              - lora@model.model.lora_config: r_4_alpha_8
            project: mine
            my_length: 512
            max_length: ${my_length}
            pretrained_ckpt_path: \(tiny)
            trainer: {max_steps: 20, precision: bf16-true, val_check_interval: 5, strategy: {find_unused_parameters: true}}
            tokenizer: {_target_: a.FishTokenizer, model_path: "${pretrained_ckpt_path}/tokenizer.tiktoken"}
            model:
              _target_: a.TextToSemantic
              model: {_target_: a.from_pretrained, path: "${pretrained_ckpt_path}", use_kv_cache: false}
              lr_scheduler:
                _target_: torch.optim.lr_scheduler.LambdaLR
                lr_lambda:
                  _target_: fish_speech.scheduler.get_cosine_schedule_with_warmup_lr_lambda
                  _partial_: true
                  num_warmup_steps: 2
                  num_training_steps: ${trainer.max_steps}
                  num_cycles: 0.5
                  final_lr_ratio: 0.1
            callbacks:
              model_checkpoint: {dirpath: "${paths.ckpt_dir}", save_top_k: 6, save_last: true, monitor: null, mode: max}
              sample_generation: {_target_: a.SampleGenerationCallback, sample_text: "Moien.", every_n_steps: 10}
              progress_bar: {_target_: a.Bar}
            """
        try yaml.write(toFile: folder("mine.yaml"), atomically: true, encoding: .utf8)
        try train(
            ["--config-name", "mine.yaml", "data.batch_size=1"], folder: folder, code: 0,
            ["note: callbacks.sample_generation is ignored", "adapter of rank 4", "finished: 20 steps"])
        // The cosine goes from 1e-4 down to a tenth of it.
        let metrics = try String(contentsOfFile: folder("results/mine/metrics.jsonl"), encoding: .utf8)
        let rates = metrics.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["lr"] as? Double
        }
        XCTAssertEqual(rates.count, 20)
        XCTAssertEqual(rates[2], 1e-4, accuracy: 1e-9)
        XCTAssertLessThan(rates[19], 1.2e-5)
        try (yaml + "\nsemantic_loss_weight: 0.3\n").write(
            toFile: folder("fork.yaml"), atomically: true, encoding: .utf8)
        try train(["--config-name", "fork.yaml"], folder: folder, code: 2, ["unknown settings", "semantic_loss_weight"])
        try yaml.replacing("max_steps: 20", with: "max_steps: lots").write(
            toFile: folder("wrong.yaml"), atomically: true, encoding: .utf8)
        try train(
            ["--config-name", "wrong.yaml"], folder: folder, code: 2,
            ["wrong.yaml: ", "trainer.max_steps is a whole number"])
    }

    /// `defaults` of a YAML file: files beside it come first, then stock configurations of that name.
    func testAYAMLFileStandsOnAStockOne() throws {
        let folder = try TestFolder("yaml")
        for (name, text) in [
            ("plain.yaml", "defaults: [text2semantic_finetune]\nproject: a\n"),
            ("ending.yaml", "defaults: [text2semantic_finetune.yaml, _self_]\nproject: a\n"),
            ("cpu.yml", "defaults:\n  - text2semantic_finetune_cpu\n  - _self_\nproject: a\nmax_length: 700\n"),
            ("last.yaml", "defaults: [_self_, text2semantic_1_5]\nproject: a\ndata: {batch_size: 7}\n"),
            ("base.yaml", "trainer: {max_steps: 77}\n"), ("beside.yaml", "defaults: [base, _self_]\nproject: a\n"),
            ("twice.yaml", "defaults: [cpu, _self_]\nproject: b\n"),
            ("adapter.yaml", "defaults: [base, {lora@model.model.lora_config: r_4_alpha_8}]\nproject: a\n")
        ] { try text.write(toFile: folder(name), atomically: true, encoding: .utf8) }
        let code = """
            local load, of = require("opah.config").load, function(name, ...)
              local s = require("opah.config").load(name, ...)
              return table.concat({ s.project, s.max_length, tostring(s.trainer.max_steps), s.data.batch_size,
                tostring(s.trainer.max_passes), tostring((s.model.model.lora_config or {}).r) }, " ")
            end
            local stock, cpu = load "text2semantic_finetune", load "text2semantic_finetune_cpu"
            local same = table.concat({ "a", stock.max_length, tostring(stock.trainer.max_steps), stock.data.batch_size, "nil nil" }, " ")
            assert(of "plain.yaml" == same, of "plain.yaml")
            assert(of "ending.yaml" == same, of "ending.yaml")
            assert(of "cpu.yml" == "a 700 nil 1 10 8", of "cpu.yml")
            assert(of "twice.yaml" == "b 700 nil 1 10 8", of "twice.yaml")
            assert(load("last.yaml").data.batch_size == 4)
            assert(load("last.yaml").pretrained_ckpt_path == "checkpoints/fish-speech-1.5")
            assert(load("beside.yaml").trainer.max_steps == 77)
            assert(load("adapter.yaml").model.model.lora_config.r == 4)
            assert(load("cpu.yml", { "trainer.max_time=2h" }).trainer.max_passes == 10)
            """
        let ran = try OpahProcess.run(["-e", code], folder: folder.path)
        XCTAssertEqual(ran.code, 0, ran.errors)
        for (name, text, part) in [
            ("slip.yaml", "defaults: [text2semantic_fintune]\n", "did you mean text2semantic_finetune"),
            ("slip.lua", "return { defaults = { 'text2semantic_fintune' } }", "did you mean text2semantic_finetune"),
            ("fork.yaml", "defaults: [{lora@model.model.lora_config: r_4_alpha_9}]\n", "did you mean r_4_alpha_8"),
            ("none.yaml", "defaults: [zzzzzzzzzzzz]\n", "neither beside it nor a stock configuration"),
            ("away.yaml", "defaults: [../base]\n", "lies elsewhere")
        ] {
            try text.write(toFile: folder(name), atomically: true, encoding: .utf8)
            let wrong = try OpahProcess.run(["run", "train", "--config-name", name], folder: folder.path)
            XCTAssertEqual(wrong.code, name == "away.yaml" ? 1 : 2, wrong.errors)
            XCTAssertTrue(wrong.errors.contains(part), wrong.errors)
        }
    }

    func testProgressOfFitIsShownUnlessToldNotTo() throws {
        let folder = try TestFolder("progress")
        for (option, isShown) in [("nil", true), ("false", false)] {
            let ran = try OpahProcess.run(
                [
                    "-e",
                    """
                    local opah = require "opah"
                    local model = opah.lm.load(opah.embedded.model)
                    opah.lora.apply(model, "r_4_alpha_8")
                    opah.train.fit { model = model, data = opah.embedded.dataset(opah.embedded.packs("data"), model), project = "p\(option)", max_steps = 2, batch_size = 1, progress = \(option),
                                     on_warning = function() end }
                    """
                ], folder: folder.path)
            XCTAssertEqual(ran.code, 0, ran.errors)
            for part in ["clips to train on", "held-out loss", "saved results", "finished: 2 steps"] {
                XCTAssertEqual(ran.errors.contains(part), isShown, "\(part): \(ran.errors)")
            }
        }
    }
}
