import Bindings
import Documentation
import Foundation
import LuaHost
import TestSupport
import XCTest

/// What is written from the declarations: the reference, the stubs for editors, and what shells complete.
final class ReferenceTests: XCTestCase {
    func testTheStubsAreCurrent() throws {
        let folder = OpahProcess.checkout + "/stdlib-lua/meta"
        let stubs = try Catalog.opah.stubs(), lua = try Interpreter()
        XCTAssertEqual(Set(try FileManager.default.contentsOfDirectory(atPath: folder)), Set(stubs.map(\.name)))
        for stub in stubs {
            let there = try String(contentsOfFile: folder + "/" + stub.name, encoding: .utf8)
            XCTAssertTrue(
                there == stub.content,
                "\(stub.name) is not what the declarations say: run `opah docs --stubs stdlib-lua/meta`")
            try lua.check(stub.content, name: "=" + stub.name)
        }
    }

    /// Every class and alias that an annotation names is declared by one.
    func testEveryTypeOfTheStubsIsKnown() throws {
        let all = try Catalog.opah.stubs().map(\.content).joined()
        let declared = Set(all.matches(of: /---@(?:class|alias) (\S+)/).map { String($0.output.1) })
        for line in all.split(separator: "\n")
        where line.hasPrefix("---@param") || line.hasPrefix("---@return") || line.hasPrefix("---@operator") {
            let types = line.split(separator: " ", maxSplits: line.hasPrefix("---@param") ? 2 : 1).last ?? ""
            // A default value follows the type.
            let type = types.split(separator: " default").first ?? ""
            for match in type.matches(of: /\b[A-Z][A-Za-z]+\b/) where !type.contains("\"\(match.output)") {
                XCTAssertTrue(declared.contains(String(match.output)), "\(match.output) in \(line)")
            }
        }
    }

    func testTheReferenceShowsEveryDeclarationAndItsLinksResolve() throws {
        let folder = try TestFolder()
        XCTAssertEqual(try OpahProcess.run(["docs", "--out", folder("site")]).code, 0)
        var pages: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder("site")) {
            pages[name] = try String(contentsOfFile: folder("site/" + name), encoding: .utf8)
        }
        for module in Catalog.opah.modules {
            let page = try XCTUnwrap(pages[module.name + ".html"])
            for declaration in module.declarations + module.classes.flatMap(\.declarations) {
                XCTAssertTrue(
                    page.contains("<section id=\"\(declaration.path.replacingOccurrences(of: ":", with: "."))\">"),
                    declaration.path)
                XCTAssertTrue(pages["search.js"]?.contains("\"\(declaration.path)\"") ?? false, declaration.path)
            }
        }
        for module in LuaHelp.all() {
            let page = try XCTUnwrap(pages["opah.\(module.name).html"])
            for function in module.functions {
                XCTAssertTrue(
                    page.contains("<section id=\"\(function.path.replacingOccurrences(of: ":", with: "."))\">"),
                    function.path)
                XCTAssertTrue(pages["search.js"]?.contains("\"\(function.path)\"") ?? false, function.path)
            }
        }
        for recipe in ["train", "extract-vq", "loudness-norm"] {
            XCTAssertTrue(pages["recipes.html"]?.contains("id=\"\(recipe)\"") ?? false, recipe)
        }
        XCTAssertTrue(pages["commands.html"]?.contains("--retry") ?? false)
        var links = 0
        for (name, page) in pages where name.hasSuffix(".html") {
            for match in page.matches(of: /(?:href|src)="([^"]+)"/) {
                let parts = match.output.1.split(separator: "#", omittingEmptySubsequences: false),
                    target = parts[0].isEmpty ? name : String(parts[0])
                guard let there = pages[target] else { XCTFail("\(name): \(match.output.1)"); continue }
                if parts.count > 1 { XCTAssertTrue(there.contains("id=\"\(parts[1])\""), "\(name): \(match.output.1)") }
                links += 1
            }
        }
        XCTAssertGreaterThan(links, 600)
    }

    func testDocsOnTheScreenAndForEditors() throws {
        XCTAssertTrue(try OpahProcess.run(["docs", "audio.resample"]).output.contains("from_rate"))
        let unknown = try OpahProcess.run(["docs", "audio.resampel"])
        XCTAssertEqual(unknown.code, 1)
        XCTAssertTrue(unknown.errors.contains("audio.resample"), unknown.errors)
        let folder = try TestFolder()
        XCTAssertEqual(try OpahProcess.run(["docs", "--luarc", folder.path]).code, 0)
        let settings =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder(".luarc.json"))))
            as? [String: Any]
        XCTAssertEqual((settings?["workspace.library"] as? [String])?.last, OpahProcess.checkout + "/stdlib-lua/meta")
        XCTAssertEqual(try OpahProcess.run(["docs", "--luarc", folder.path]).code, 2, "it never writes over a file")
    }

    // MARK: shells

    private func completed(_ words: String..., folder: String = NSTemporaryDirectory()) throws -> [String] {
        let result = try OpahProcess.run(["complete-words", "--"] + words, folder: folder)
        XCTAssertEqual(result.code, 0, result.errors)
        return result.output.split(separator: "\n").map { String($0.split(separator: "\t")[0]) }
    }

    func testWordsThatMayComeNext() throws {
        XCTAssertEqual(try completed("ba"), ["batch", ":scripts"])
        XCTAssertEqual(try completed("run", "slice"), ["slice-audio-v2", "slice-audio", ":scripts"])
        XCTAssertEqual(try completed("run", "extract-vq", "--batch"), ["--batch-size"])
        XCTAssertEqual(try completed("run", "extract-vq", "data", "--batch-size", "8", "--batch"), [], "given already")
        XCTAssertEqual(try completed("run", "extract-vq", "--checkpoint-path", "x", ""), [":folders"])
        XCTAssertTrue(try completed("run", "train", "--config-name", "text2").contains("text2semantic_finetune"))
        XCTAssertTrue(try completed("run", "train", "trainer.max").contains("trainer.max_steps="))
        XCTAssertEqual(
            try completed("run", "train", "+lora@model.model.lora_config=r_8_alpha_16").first,
            "+lora@model.model.lora_config=r_8_alpha_16")
        XCTAssertEqual(try completed("batch", "--keep-g"), ["--keep-going"])
        XCTAssertEqual(
            try completed("show", "lora/r_8_alpha_16"),
            ["", "_attention", "_fast"].flatMap { target in
                ["", "_dora", "_rslora"].map { "lora/r_8_alpha_16" + target + $0 }
            }.sorted() + [":scripts"])
        XCTAssertEqual(try completed("run", "audio-stat"), ["audio-statistics", ":scripts"])
        XCTAssertEqual(try completed("docs", "audio.lo"), ["audio.load", "audio.loudness", "audio.log_mel"])
        XCTAssertTrue(try completed("docs", "").contains("audio") && !completed("docs", "").contains(":files"))
        let folder = try TestFolder()
        try
            "print 'noise' require 'opah.config'.parse_args(arg, { flags = { { 'own-flag', 'boolean', true, 'mine' } } }) error 'too far'"
            .write(toFile: folder("own.lua"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try completed("run", "own.lua", "--own", folder: folder.path), ["--own-flag"])
        try "while true do end -- parse_args".write(toFile: folder("loop.lua"), atomically: true, encoding: .utf8)
        let began = Date()
        _ = try OpahProcess.run(["complete-words", "--", "run", "loop.lua", "--"], folder: folder.path)
        XCTAssertLessThan(-began.timeIntervalSinceNow, 10, "a file that never declares anything is given up")
    }

    func testBashCompletes() throws {
        let script = """
            set -u
            PATH=\(OpahProcess.program.deletingLastPathComponent().path):$PATH
            export OPAH_HOME=\(OpahProcess.checkout)
            source <(opah completions bash)
            complete_line() { COMP_LINE=$1; COMP_POINT=${#1}; COMPREPLY=(); _opah; printf '%s\\n' "${COMPREPLY[*]}"; }
            complete_line 'opah run train project=x +lora@model.model.lora_config=r_16_alpha_32_a'
            complete_line 'opah run build-dataset --num'
            complete_line 'opah run extract-vq --checkpoint-path /et'
            """
        let bash = Process(), pipe = Pipe()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-c", script]
        bash.standardOutput = pipe
        try bash.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        bash.waitUntilExit()
        XCTAssertEqual(
            output.split(separator: "\n").prefix(2).map(String.init),
            ["r_16_alpha_32_attention r_16_alpha_32_attention_dora r_16_alpha_32_attention_rslora", "--num-workers"])
        XCTAssertTrue(output.contains("/etc"), output)
    }
}
