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
        try lua.run(
            LuaFixture.fails + """
                tensor = require "opah.tensor"
                nn = require "opah.nn"
                local function check(got, want, tolerance, path)
                  if type(want) == "table" then
                    if type(got) ~= "table" or #got ~= #want then error(("%s: %s values, wanted %d"):format(path, type(got) == "table" and #got or "no", #want), 3) end
                    for i = 1, #want do check(got[i], want[i], tolerance, path .. "[" .. i .. "]") end
                  elseif type(want) == "number" then
                    local ok = got == want or (want ~= want and got ~= got) or (type(got) == "number" and math.abs(got - want) <= tolerance)
                    if not ok then error(("%s is %s, wanted %s"):format(path, got, want), 3) end
                  elseif got ~= want then error(("%s is %s, wanted %s"):format(path, got, want), 3) end
                end
                function same(got, want, tolerance)
                  if tensor.is_tensor(got) then got = got:totable() end
                  if tensor.is_tensor(want) then want = want:totable() end
                  check(got, want, tolerance or 1e-6, "value")
                end
                """)
    }

    override func tearDown() { lua = nil }

    /// Runs each paragraph of Lua (separated by empty lines) by itself, so that one failure hides no other.
    func check(_ code: String, file: StaticString = #filePath, line: UInt = #line) {
        for part in code.split(separator: "\n\n") {
            do { try lua.run(String(part), name: "=test") } catch {
                XCTFail("\(error)\n\(part)", file: file, line: line)
            }
        }
    }
}
