import Bindings
import Console
import Foundation
import LuaHost
import TestSupport
import XCTest

/// How tests written in Lua begin: in a fresh interpreter, with these globals:
///
///     opah, tensor, audio, ...           all modules
///     folder, tiny                       an empty folder, and that of the tiny checkpoints
///     checkout                           the folder of the project
///     fails("shape", "text", f, ...)     f raises an error of this kind whose message or hint contains the text
public enum LuaFixture {
    public static let fails: LuaScript = """
        function fails(kind, text, f, ...)
          local ok, err = pcall(f, ...)
          assert(not ok, "no error")
          assert(type(err) ~= "string" and err.kind == kind, "wanted kind " .. kind .. ": " .. tostring(err))
          assert(tostring(err):find(text, 1, true), "wanted '" .. text .. "': " .. tostring(err))
        end
        """

    /// - Parameters:
    ///   - setup: what all tests of a file share, run first.
    ///   - globals: for this test, besides.
    public static func check(
        _ code: LuaScript, after setup: LuaScript = "", with globals: KeyValuePairs<String, any LuaPushable> = [:],
        file: StaticString = #filePath, line: UInt = #line
    ) throws {
        try withTemporaryFolder { folder in
            let lua = try Interpreter(.opah, scriptFolder: nil, libraryFolder: OpahProcess.checkout + "/stdlib-lua"),
                style = Terminal.style
            Terminal.style = .quiet
            defer { Terminal.style = style }
            try lua.run(
                """
                opah = require "opah"
                for _, name in ipairs { "audio", "checkpoint", "config", "data", "dist", "fs", "json", "lm", "lora", "machine", "nn", "progress", "tensor", "text", "train", "vq" } do _G[name] = opah[name] end
                """)
            try lua.setGlobal("folder", folder)
            try lua.setGlobal("checkout", OpahProcess.checkout)
            try lua.setGlobal("tiny", OpahProcess.checkout + "/examples/checkpoints/tiny")
            for (name, value) in globals { try lua.setGlobal(name, value) }
            try lua.run(script: fails)
            try lua.run(script: setup)
            do { try lua.run(script: code) } catch { XCTFail("\(error)", file: file, line: line) }
        }
    }
}
