import Bindings
import Configuration
import LuaHost
import Recipes
import Support
import XCTest

/// Settings of a training that are options of functions: one declaration for both.
final class SettingDeclarationTests: XCTestCase {
    private struct Watching {
        var patience = 3
        static let options = OptionTable(Watching()) { o in
            o.option("patience", \.patience, "steps", key: "trainer.patience", type: ["from": 1])
        }
    }

    /// A program whose `train.fit` has one option, which no configuration file mentions.
    private var catalog: Catalog {
        let train = LuaModule("opah.train", "Stands for the real one.") { m in
            m.function(
                "fit", "(opts: {\(Watching.options)})", "Trains.", settings: Watching.options.settings
            ) { _ in .none }
        }
        return Catalog([.config, .data, .json, train])
    }

    private func problem(_ setting: String) -> String {
        do {
            _ = try SettingsFile.load("text2semantic_finetune", overrides: [setting], catalog)
            return "none"
        } catch { return "\(error)" }
    }

    func testANewOptionIsASettingWithoutAnotherLine() throws {
        func value(_ overrides: [String]) throws -> ConfigValue? {
            try SettingsFile.load("text2semantic_finetune", overrides: overrides, catalog).value
                .value(at: "trainer.patience")
        }
        XCTAssertEqual(try value([]), 3)
        XCTAssertEqual(
            try SettingsFile.load("text2semantic_finetune", overrides: [], catalog).unmentioned.map(\.key),
            ["trainer.patience"])
        XCTAssertEqual(try value(["trainer.patience=5"]), 5)
        XCTAssertTrue(problem("trainer.patience=0").contains("trainer.patience is a whole number, 1 or more"))
        XCTAssertTrue(problem("trainer.patience=ten").contains("ten is text"))
        XCTAssertTrue(problem("trainer.patiense=5").contains("trainer.patience"), problem("trainer.patiense=5"))
    }

    func testARecipeHandsOnWhateverIsDeclared() throws {
        let lua = try Interpreter(catalog)
        let results = try lua.run(
            """
            local config = require "opah.config"
            local settings = config.load("text2semantic_finetune", { "trainer.patience=7", "train_dataset.causal=false" })
            local options, sampling = config.options_of("train.fit", settings), config.options_of("data.dataset", settings)
            local ok, problem = pcall(config.options_of, "data.collate", settings)
            return options.patience, next(options, next(options)), sampling.causal, sampling.max_length, ok, problem.message
            """)
        XCTAssertEqual(
            try results.map { try lua.text($0) },
            [
                "7", "nil", "false", "4096", "false",
                "config.options_of: argument 1 (name): no settings are options of data.collate"
            ])
    }

    /// What the stock files say suits the declarations, and every setting of the real functions is among the keys.
    func testStockConfigurationsSuitTheDeclarations() throws {
        for name in ["text2semantic_finetune", "text2semantic_finetune_cpu", "text2semantic_1_5"] {
            let settings = try SettingsFile.load(name, overrides: [], .opah).value
            for function in ["train.fit", "data.dataset"] {
                let declared = try XCTUnwrap(Catalog.opah.declaration(function)).settings
                XCTAssertGreaterThan(declared.count, 8, function)
                for setting in declared {
                    XCTAssertNotNil(settings.value(at: setting.key), "\(name): \(setting.key) of \(function)")
                }
            }
        }
    }
}
