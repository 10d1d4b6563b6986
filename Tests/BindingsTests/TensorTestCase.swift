import Bindings
import LuaHost
import LuaTestSupport
import Support
import XCTest

/// Lua code with `tensor`, `nn` and these helpers as globals:
///
///     same(t, {{1, 2}}, tolerance)       a tensor, number or list has this shape and these values
///     fails("shape", "matmul", f, ...)   f raises an error of this kind whose message or hint contains the text
class TensorTestCase: XCTestCase {
    var lua: Interpreter!

    override func setUpWithError() throws {
        lua = try Interpreter(Catalog([.tensor, .nn]))
        try lua.run(script: LuaFixture.fails)
        try lua.run(script: .file("helpers"))
    }

    override func tearDown() { lua = nil }

    /// Runs each paragraph of Lua (separated by empty lines) by itself, so that one failure hides no other.
    func check(_ code: LuaScript, file: StaticString = #filePath, line: UInt = #line) {
        for part in code.paragraphs {
            do { try lua.run(script: part) } catch {
                XCTFail("\(error)\n\(part.text)", file: file, line: line)
            }
        }
    }
}
