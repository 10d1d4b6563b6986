import Foundation
import LuaHost
import XCTest

final class TensorCreationTests: TensorTestCase {
    func testFromTables() {
        check(
            """
            local t = tensor.new{{1, 2}, {3, 4}}
            same(t:shape(), {2, 2}); assert(t:dtype() == "float32"); same(t, {{1, 2}, {3, 4}})

            assert(tensor.new({1, 2}, {dtype = "int64"}):dtype() == "int64")
            assert(math.type(tensor.new({1, 2}, {dtype = "int64"})[2]) == "integer")

            local m = tensor.new{true, false}
            assert(m:dtype() == "bool" and m[1] == true and m[2] == false)

            same(tensor.new(2.5):shape(), {}); assert(tensor.new(2.5):item() == 2.5)
            same(tensor.new{}:shape(), {0})
            same(tensor.new{{}, {}}:shape(), {2, 0})

            fails("shape", "new", tensor.new, {{1, 2}, {3}})
            fails("shape", "new", tensor.new, {1, {2}})
            fails("argument", "got string", tensor.new, {1, "x"})
            fails("argument", "table of their own", tensor.new, {1, 2, dtype = "int64"})
            fails("argument", "did you mean", tensor.new, {1}, {dtype = "float23"})

            local loop = {}; loop[1] = loop
            fails("argument", "nested deeper", tensor.new, loop)

            local deep = {{{{{{{{1}}}}}}}}
            same(tensor.new(deep):shape(), {1, 1, 1, 1, 1, 1, 1, 1})
            fails("argument", "nested deeper", tensor.new, {deep})

            local t = tensor.new{1, 2}
            local u = tensor.new(t); u[1] = 9
            assert(t[1] == 1)
            """)
    }

    func testFilled() {
        check(
            """
            same(tensor.zeros(2, 3), {{0, 0, 0}, {0, 0, 0}})
            same(tensor.zeros({2}), {0, 0})
            same(tensor.zeros():shape(), {})
            same(tensor.zeros({}):shape(), {})
            same(tensor.ones(2, {dtype = "int32"}), {1, 1}); assert(tensor.ones(2, {dtype = "int32"}):dtype() == "int32")
            same(tensor.full({2}, 7), {7, 7}); same(tensor.full(2, true), {true, true})
            same(tensor.empty(2, 0):shape(), {2, 0})
            same(tensor.zeros_like(tensor.ones(2, {dtype = "int16"})), {0, 0})
            assert(tensor.ones_like(tensor.zeros(2, {dtype = "int16"})):dtype() == "int16")

            same(tensor.range(1, 4), {1, 2, 3, 4}); same(tensor.range(4, 1, -2), {4, 2}); same(tensor.range(0, 1, 0.5), {0, 0.5, 1})
            assert(tensor.range(1, 3):dtype() == "float32" and tensor.range(1, 3, 1, {dtype = "int64"}):dtype() == "int64")
            same(tensor.range(3, 1):shape(), {0})
            same(tensor.linspace(0, 1, 3), {0, 0.5, 1})
            same(tensor.eye(2), {{1, 0}, {0, 1}}); same(tensor.eye(1, 2), {{1, 0}})
            assert(tensor.zeros(2, {requires_grad = true}):requires_grad())

            fails("shape", "negative", tensor.zeros, -1)
            fails("shape", "at most 8", tensor.zeros, 1, 1, 1, 1, 1, 1, 1, 1, 1)
            fails("memory", "", tensor.zeros, 1 << 40)
            fails("memory", "", tensor.zeros, 1 << 40, 1 << 40)
            fails("argument", "tensor.zeros", tensor.zeros, 2.5)
            fails("argument", "unknown option 'dtyp'", tensor.zeros, 2, {dtyp = "int64"})
            fails("argument", "step", tensor.range, 1, 2, 0)

            same(tensor.from_bytes(tensor.new{1, -2}:tobytes(), "float32", 2), {1, -2})
            fails("shape", "3 bytes", tensor.from_bytes, "abc", "int16", 1)
            """)
    }

    func testRandom() {
        check(
            """
            tensor.manual_seed(3); local a = tensor.randn(100)
            tensor.manual_seed(3); assert(a:equal(tensor.randn(100)))
            assert(not a:equal(tensor.randn(100)))

            local g = tensor.generator(1)
            local s = g:state(); local a = tensor.rand(5, {generator = g})
            g:set_state(s); assert(a:equal(tensor.rand(5, {generator = g})))
            assert(g:seed() == 1 and tensor.generator():seed() ~= tensor.generator():seed())

            local x = tensor.rand(1000, {low = 2, high = 3, generator = tensor.generator(1)})
            assert(x:ge(2):all() and x:lt(3):all())
            local x = tensor.randn(10000, {mean = 5, std = 2, generator = tensor.generator(1)})
            assert(math.abs(x:mean():item() - 5) < 0.1 and math.abs(x:std():item() - 2) < 0.1)

            local x = tensor.randint(-2, 3, 1000)
            assert(x:dtype() == "int64" and x:min():item() == -2 and x:max():item() == 2)
            same(tensor.randint(0, 9, {2, 3}):shape(), {2, 3})
            fails("argument", "randint", tensor.randint, 3, 3, 1)

            local p = tensor.randperm(6)
            same(p:sort(), {1, 2, 3, 4, 5, 6}); assert(p:dtype() == "int64")
            local g = tensor.default_generator()
            for _ = 1, 100 do local n = g:integer(2, 3); assert(n == 2 or n == 3) end
            """)
    }

    func testJoining() {
        check(
            """
            local a, b = tensor.new{{1, 2}}, tensor.new{{3, 4}, {5, 6}}
            same(tensor.cat({a, b}), {{1, 2}, {3, 4}, {5, 6}})
            same(tensor.cat({a, b}, 1), {{1, 2}, {3, 4}, {5, 6}})
            same(tensor.cat({a, a}, -1), {{1, 2, 1, 2}})
            same(tensor.cat{a, a, dim = 2}, {{1, 2, 1, 2}})
            same(tensor.cat{a, a, 2}, {{1, 2, 1, 2}})
            fails("shape", "cat: shapes [1, 2] and [2, 2] cannot be joined along dimension 2", tensor.cat, {a, b}, 2)
            fails("index", "dimension 0", tensor.cat, {a, b}, 0)
            fails("argument", "no tensors", tensor.cat, {})
            fails("argument", "element 2", tensor.cat, {a, "b"})

            local a, b = tensor.new{1, 2}, tensor.new{3, 4}
            same(tensor.stack({a, b}), {{1, 2}, {3, 4}}); same(tensor.stack({a, b}, 2), {{1, 3}, {2, 4}}); same(tensor.stack({a, b}, -1), {{1, 3}, {2, 4}})
            fails("shape", "stack: shapes [2] and [3]", tensor.stack, {a, tensor.zeros(3)})

            local m = tensor.new{true, false}
            same(tensor.where(m, tensor.new{1, 2}, tensor.new{3, 4}), {1, 4}); same(tensor.where(m, 5, 0), {5, 0}); same(tensor.where(m, tensor.new{1, 2}, -1.5), {1, -1.5})
            fails("shape", "where: shapes", tensor.where, m, tensor.zeros(3), 1)
            """)
    }

    func testFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try lua.setGlobal("folder", folder.path)
        check(
            """
            local path = folder .. "/x.safetensors"
            tensor.save(path, {w = tensor.new{{1, 2}}, ids = tensor.new({3}, {dtype = "int32"})}, {note = "ü"})
            local t, meta = tensor.load(path)
            same(t.w, {{1, 2}}); same(t.ids, {3}); assert(t.ids:dtype() == "int32" and meta.note == "ü")
            local only = tensor.load(path, {only = {"w"}}); assert(only.w and not only.ids)
            fails("checkpoint", "no tensor 'v'", tensor.load, path, {only = {"v"}})
            fails("argument", "mapped", function() t.w:zero_() end)
            local copy = t.w:clone(); copy:zero_(); same(copy, {{0, 0}})

            local path = folder .. "/x.npy"
            tensor.save_npy(path, tensor.new({{1}, {2}}, {dtype = "int64"}))
            local t = tensor.load_npy(path); same(t, {{1}, {2}}); assert(t:dtype() == "int64")
            fails("file", "nothing.npy", tensor.load_npy, folder .. "/nothing.npy")
            fails("argument", "tensors", tensor.save, folder .. "/y.safetensors", {1, 2})
            """)
    }

    func testRuntime() {
        check(
            """
            assert(tensor.is_tensor(tensor.ones(1)) and not tensor.is_tensor({}) and not tensor.is_tensor(nil) and not tensor.is_tensor(tensor.generator(1)))

            local before = tensor.memory().live
            local t = tensor.zeros(1000, 1000)
            assert(tensor.memory().live - before >= 4000000 and tensor.memory().peak >= tensor.memory().live)
            t:free()
            assert(tensor.memory().live - before < 4000000)
            fails("argument", "closed", function() return t:sum() end)
            fails("argument", "closed", function() return t + 1 end)
            assert(tostring(t) == "Tensor (closed)")

            local before = tensor.memory().live
            do local t <close> = tensor.zeros(1000, 1000) end
            assert(tensor.memory().live - before < 4000000)

            local n = tensor.threads(); tensor.set_threads(1); assert(tensor.threads() == 1); tensor.set_threads(n)
            fails("argument", "from 1", tensor.set_threads, 0)

            local a, b, c = tensor.no_grad(function(x, y) return x, y, tensor.is_grad_enabled() end, 1, "two")
            assert(a == 1 and b == "two" and c == false and tensor.is_grad_enabled())
            local ok, e = pcall(tensor.no_grad, function() error("boom") end)
            assert(not ok and tostring(e):find("boom") and tensor.is_grad_enabled())
            """)
    }
}
