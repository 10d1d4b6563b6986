import XCTest
import Configuration
import Support

final class OverrideTests: XCTestCase {
    private func value(_ text: String) throws -> ConfigValue? { try Override.parse("x=" + text).value }

    private func refusal(_ overrides: [String], line: UInt = #line) throws -> OpahError {
        var config = try Fixture.config()
        var found: OpahError?
        XCTAssertThrowsError(try applyOverrides(&config, overrides, groups: Fixture.groups), line: line) {
            found = $0 as? OpahError
        }
        return try XCTUnwrap(found)
    }

    func testParts() throws {
        let add = try Override.parse("+lora@model.model.lora_config=r_8_alpha_16")
        XCTAssertEqual(
            [add.action.rawValue, add.key, add.package, add.value?.string],
            ["+", "lora", "model.model.lora_config", "r_8_alpha_16"])
        let force = try Override.parse("++声優.名前='花 子'")
        XCTAssertEqual([force.action.rawValue, force.key, force.value?.string], ["++", "声優.名前", "花 子"])
        XCTAssertNil(try Override.parse("~a.b").value)
        XCTAssertEqual(try Override.parse("project=日本語").description, "change project to \"日本語\" (a string)")
        for bad in ["", "=", "a", "+a", "a..b=1", ".a=1", "a =1", "a b=1", "a@b c=1", "--lr=1", "a[0]=1", "/a=1"] {
            XCTAssertThrowsError(try Override.parse(bad), bad) { XCTAssertEqual(($0 as? OpahError)?.kind, .config) }
        }
    }

    func testScalarsAndQuotes() throws {
        XCTAssertEqual(try value("-1_000"), -1000)
        XCTAssertEqual(try value("1_0.5e-1_0"), .double(10.5e-10))
        XCTAssertEqual(try value(".5"), 0.5)
        XCTAssertEqual(try value("1."), .double(1))
        XCTAssertEqual(try value("92233720368547758080"), .double(92233720368547758080))
        for text in ["1_", "_1", "0_1", "1._5", "--5", "1e5e", "infx", "0b1", "1 2", "\u{FF11}"] {
            XCTAssertEqual(try value(text), .string(text), text)
        }
        XCTAssertEqual(try value(#"'a\\b\n'"#), .string(#"a\\b\n"#))
        XCTAssertEqual(try value(#"'a\\'"#), .string(#"a\"#))
        XCTAssertEqual(try value(#""it's \"x\"""#), "it's \"x\"")
        XCTAssertEqual(try value("  'a'  "), "a")
        XCTAssertEqual(try value(#"a\ "#), "a ")
        XCTAssertEqual(try value(#"\\server\x"#), .string(#"\server\x"#))
        XCTAssertEqual(try value(#"\5"#), .string(#"\5"#))
    }

    func testContainersAndCasts() throws {
        XCTAssertEqual(try value("[1, 'x, y' ,[ ], {a b : {c: d:e}}]"), [1, "x, y", [], ["a b": ["c": "d:e"]]])
        XCTAssertEqual(try value("{}"), [:])
        XCTAssertEqual(try value("int([1.9, '3', true])"), [1, 3, 1])
        XCTAssertEqual(try value("float('1e3')"), .double(1000))
        XCTAssertEqual(try value("str([1, true])"), ["1", "true"])
        XCTAssertEqual(try value("bool(0)"), false)
        XCTAssertEqual(try value("json_str({a: [1, x]})"), .string(#"{"a": [1, "x"]}"#))
        XCTAssertEqual(try value("[${a}, x${oc.env:B,c}]"), ["${a}", "x${oc.env:B,c}"])
        for bad in [
            "[1", "{a", "{a:1", "{a}", "{:1}", "[,]", "[1,]", "(", ")", "]", "a]", "[a]b", "'a'b", "a[b]", "int(x)",
            "int(1,2)", "nope(1)",
            "choice(a,b)", "a,b", "${a", "'a", "a\"b\""
        ] {
            XCTAssertThrowsError(try value(bad), bad) { XCTAssertEqual(($0 as? OpahError)?.kind, .config) }
        }
        XCTAssertThrowsError(try value(String(repeating: "[", count: 200_000)))
    }

    func testCodeIsRefused() throws {
        for text in ["${eval:1+1}", "'${eval:\"1\"}'", "[${a},x${eval:2}]"] {
            XCTAssertThrowsError(try value(text)) { XCTAssertTrue("\($0)".contains("would run code"), "\($0)") }
        }
        XCTAssertThrowsError(try ConfigValue.string("${eval:1}").resolved()) {
            XCTAssertTrue("\($0)".contains("would run code"))
        }
    }

    func testErrorsNameTheNearestKeys() throws {
        XCTAssertTrue(try refusal(["data.batchsize=2"]).hint?.contains("data.batch_size") == true)
        XCTAssertTrue(try refusal(["max_step=2"]).hint?.contains("trainer.max_steps") == true)
        XCTAssertTrue(try refusal(["seed=42"]).hint?.contains("+seed=42") == true)
        XCTAssertTrue(try refusal(["model.optimizer={lrr: 1}"]).message.contains("model.optimizer.lrr"))
        XCTAssertTrue(try refusal(["+lore@x=r_8_alpha_16"]).hint?.contains("lora") == true)
        XCTAssertTrue(try refusal(["+lora@x=r_4"]).hint?.contains("r_8_alpha_16") == true)
        XCTAssertTrue(try refusal(["lora@x=r_8_alpha_16"]).hint?.contains("+lora@x=r_8_alpha_16") == true)
        XCTAssertTrue(try refusal(["train_dataset.tokenizer.x=1"]).message.contains("there is no key"))
        XCTAssertTrue(try refusal(["+train_dataset.tokenizer.x=1"]).message.contains("a reference"))
        XCTAssertTrue(try refusal(["+max_length.x=1"]).message.contains("a whole number"))
        XCTAssertTrue(try refusal(["~train_dataset.proto_files.0"]).message.contains("list"))
    }

    func testAllProblemsAtOnceAndNothingChanged() throws {
        let message = try refusal(["a=", "project=x", "data.batch_size=(", "+data.num_workers=2", "~nope"]).message
        XCTAssertTrue(message.hasPrefix("4 overrides cannot be applied:\n"), message)
        for part in ["a=", "data.batch_size=(", "+data.num_workers=2", "~nope"] {
            XCTAssertTrue(message.contains("  \(part): "), message)
        }
    }

    func testGroups() throws {
        var config = try Fixture.config()
        var notes = try applyOverrides(
            &config, ["model.model.lora_config.r=4", "+lora@model.model.lora_config=r_8_alpha_16"],
            groups: Fixture.groups)
        XCTAssertEqual(config.value(at: "model.model.lora_config.r"), 4)
        XCTAssertEqual(config.value(at: "model.model.lora_config.lora_alpha"), 16)
        XCTAssertEqual(notes, [])
        config = try Fixture.config()
        notes = try applyOverrides(&config, ["model.model.lora_config=r_8_alpha_16"], groups: Fixture.groups)
        XCTAssertTrue(notes.first?.contains("+lora@model.model.lora_config=r_8_alpha_16") == true)
        config = try Fixture.config()
        try applyOverrides(&config, ["+lora=r_8_alpha_16", "+lora@_global_=r_8_alpha_16"], groups: Fixture.groups)
        XCTAssertEqual(config.value(at: "lora.r"), 8)
        XCTAssertEqual(config.value(at: "r"), 8)
    }
}
