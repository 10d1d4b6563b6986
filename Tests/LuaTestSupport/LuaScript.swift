import Foundation
import LuaHost
import TestSupport

/// Lua of a test: a few lines in the Swift file itself, or a file of its own, which luacheck sees.
public struct LuaScript: ExpressibleByStringInterpolation, Sendable {
    public let text: String
    /// What Lua calls it in messages.
    public let name: String
    private let path: String?

    public init(stringLiteral text: String) { self.init(text, name: "=test") }

    private init(_ text: String, name: String, path: String? = nil) {
        (self.text, self.name, self.path) = (text, name, path)
    }

    /// `name` of `AdapterSettingsTests.swift` is `Lua/AdapterSettings/name.lua` in the folder of the test target.
    public static func file(_ name: String, of test: String = #filePath) -> LuaScript {
        let tests = OpahProcess.checkout + "/Tests/"
        let target = test.dropFirst(tests.count).prefix { $0 != "/" }
        var group = URL(fileURLWithPath: test).deletingPathExtension().lastPathComponent
        if group.hasSuffix("Tests") { group.removeLast("Tests".count) }
        let place = "Lua/\(group)/\(name).lua", path = "\(tests)\(target)/\(place)"
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        return LuaScript(text ?? "error 'there is no such file'", name: "=" + place, path: path)
    }

    /// What the program is given to run it, as lua is, with arguments for `...`.
    /// - Parameter setup: runs before it, in the same interpreter: its globals are there.
    public func command(after setup: LuaScript? = nil, _ arguments: [String] = []) -> [String] {
        (setup?.chunk ?? []) + (path.map { [$0] } ?? chunk) + arguments
    }

    private var chunk: [String] { ["-e", path.map { "dofile [[\($0)]]" } ?? text] }

    /// Its parts between empty lines, each with its own lines' numbers.
    public var paragraphs: [LuaScript] {
        var lines = 0, parts: [LuaScript] = []
        for part in text.components(separatedBy: "\n\n") {
            if !part.allSatisfy(\.isNewline) {
                parts.append(LuaScript(String(repeating: "\n", count: lines) + part, name: name))
            }
            lines += part.filter(\.isNewline).count + 2
        }
        return parts
    }
}

extension Interpreter {
    @discardableResult
    public func run(script: LuaScript) throws -> [LuaValue] { try run(script.text, name: script.name) }
}
