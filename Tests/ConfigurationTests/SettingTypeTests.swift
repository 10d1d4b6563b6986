import Configuration
import Support
import XCTest

/// Values against the types of their settings, and what is said of those that do not fit.
final class SettingTypeTests: XCTestCase {
    private let config: ConfigValue = [
        "project": "voice", "steps": 1000, "lr": 1e-4, "resume": true, "files": ["a"], "budget": .null, "interval": 100,
        "weights": "stored", "table": ["a": 1, "b": "${project}"]
    ]
    private let types: [String: SettingType] = [
        "project": SettingType([.name]), "steps": SettingType([.integer], range: NumberRange(from: 1)),
        "lr": SettingType([.number], range: NumberRange(above: 0)),
        "files": SettingType([.list], items: .path), "budget": SettingType([.size], isOptional: true),
        "interval": SettingType([.integer, .share], range: NumberRange(from: 0)),
        "weights": SettingType([.text], choices: ["stored", "bfloat16"])
    ]

    private func check(_ overrides: [String]) throws -> (config: ConfigValue, problems: [String]) {
        var changed = config
        let parsed = try overrides.map(Override.parse)
        let outcome = applyingOverrides(&changed, parsed)
        XCTAssertEqual(outcome.problems, [])
        return SettingProblems(types: types, before: config, overrides: parsed, name: "file").check(
            try changed.resolved(), raw: changed)
    }

    func testWhatDoesNotFitIsSaidWithWhatToWrite() throws {
        for (override, wanted) in [
            ("project=1e3", "project=1e3: 1e3 is a number, and project is a name: write project='\"1e3\"'"),
            ("project=True", "project=True: True is true or false, and project is a name: write project='\"True\"'"),
            ("project=null", "project=null: null is no value, and project is a name: write project='\"null\"'"),
            ("project=7.5", "project=7.5: 7.5 is a number, and project is a name: write project='\"7.5\"'"),
            ("steps='\"2\"'", "is quoted, and so text, and steps is a whole number, 1 or more: write steps=2"),
            ("steps=ten", "ten is text, and steps is a whole number, 1 or more: write it as in steps=1000"),
            ("steps=0", "steps=0: 0 is a whole number, and steps is a whole number, 1 or more"),
            ("steps=2.5", "2.5 is a number, and steps is a whole number"), ("steps=-3", "1 or more"),
            ("steps=nan", "nan is a number"),
            ("lr=fast", "fast is text, and lr is a number, above 0"), ("lr=0", "above 0"), ("lr=nan", "above 0"),
            ("resume=maybe", "write resume=true or resume=false"),
            ("resume=1", "1 is a whole number, and resume is true or false"),
            ("files=[1,b]", "files is a list of paths"), ("budget=lots", "a size such as 4GB"),
            ("interval=0.0", "interval is a whole number or a part"),
            ("interval=1.5", "a part such as 0.5"), ("weights=int8", "weights is one of stored, bfloat16"),
            ("weights=storde", "did you mean stored?"),
            ("table=5", "table is a table of settings: write table.NAME=..."),
            ("table.a=x", "x is text, and table.a is a number")
        ] {
            let problems = try check([override]).problems
            XCTAssertEqual(problems.count, 1, "\(override): \(problems)")
            XCTAssertTrue(problems.first?.contains(wanted) ?? false, "\(override): \(problems)")
        }
    }

    /// What cannot stand inside other settings, and what they miss, is told of the override that did it.
    func testWhatOthersAreMadeOf() throws {
        for (override, wanted) in [
            ("project=[a]", "project=[a]: [a] is a list of 1, and project is a name: write project=a"),
            ("project={a:1}", "is a table, and project is a name"),
            (
                "~project",
                "other settings are made of project, which is a name: give it another value, as in project=voice"
            )
        ] {
            var changed = config
            let parsed = [try Override.parse(override)]
            XCTAssertEqual(applyingOverrides(&changed, parsed).problems, [])
            let written = SettingProblems(types: types, before: config, overrides: parsed, name: "file").written(
                changed)
            XCTAssertEqual(written.map(\.key), ["project"])
            XCTAssertTrue(written.first?.problem.contains(wanted) ?? false, "\(written)")
        }
        let digits = try check(["project=" + String(repeating: "9", count: 400)]).problems
        XCTAssertTrue(
            digits.first?.contains("(400 characters) is a number, and project is a name") ?? false, "\(digits)")
        XCTAssertLessThan(digits.first?.count ?? 1000, 300)
    }

    func testAllAtOnceAndTheLastOneCounts() throws {
        XCTAssertEqual(try check(["steps=ten", "lr=fast", "project=1"]).problems.count, 3)
        XCTAssertEqual(try check(["steps=ten", "steps=3"]).problems, [])
        // What only refers to a wrong value is no second mistake.
        XCTAssertEqual(try check(["project=5"]).problems.count, 1)
    }

    func testWhatFitsIsKeptAsTheSettingHoldsIt() throws {
        let checked = try check(["steps=1e3", "files=one", "budget=4GB", "interval=0.5", "lr=1", "project=日本語"])
        XCTAssertEqual(checked.problems, [])
        XCTAssertEqual(checked.config.value(at: "steps"), .int(1000))
        XCTAssertEqual(checked.config.value(at: "files"), ["one"])
        XCTAssertEqual(checked.config.value(at: "interval"), .double(0.5))
        XCTAssertEqual(try check(["interval=1"]).config.value(at: "interval"), .int(1))
        XCTAssertEqual(try check(["interval=1.0"]).config.value(at: "interval"), .double(1), "all of it, and not one")
        XCTAssertEqual(try check(["budget=null"]).problems, [])
    }

    func testTimes() {
        for (value, seconds) in [
            (ConfigValue.string("8h"), 28800.0), ("1 d 12 h", 129_600), ("01:12:00:00", 129_600), ("02:30:00", 9000),
            ("10:00", 600), ("90min", 5400), ("1.5 hours", 5400),
            (3600, 3600), (["hours": 8, "minutes": 30], 30600), ("1w", 604_800)
        ] {
            XCTAssertEqual(DurationSetting.seconds(value), seconds, "\(value)")
        }
        for value in [
            ConfigValue.string(""), "8", "h", "8 parsecs", "1:2:3:4:5", "-1h", "1:-5", "8h x", 0, -5, .null, true,
            ["years": 1], "00:00:00"
        ] {
            XCTAssertNil(DurationSetting.seconds(value), "\(value)")
        }
    }

    func testCommasThatAShellHasFreed() throws {
        var changed: ConfigValue = ["sentences": []]
        XCTAssertEqual(try applyOverrides(&changed, ["sentences=[Hello, there.]"]).count, 1)
        XCTAssertEqual(try applyOverrides(&changed, ["sentences=[\"Hello, there.\"]"]), [])
        XCTAssertEqual(try applyOverrides(&changed, ["sentences=[Hello.,There.]"]), [])
    }
}
