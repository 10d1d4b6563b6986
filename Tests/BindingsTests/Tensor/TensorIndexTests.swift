import LuaHost
import XCTest

/// `t[key]` on both sides of `=`; keys count from 1.
final class TensorIndexTests: TensorTestCase {
    func testReading() {
        check(
            """
            local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
            same(t[1], {1, 2, 3}); same(t[-1], {4, 5, 6}); same(t[2.0], {4, 5, 6})
            assert(t[1][2] == 2 and t[{2, 3}] == 6 and t[{-1, -3}] == 4 and #t == 2)
            same(t[{1}], {1, 2, 3}); same(t[{}], t)
            same(t[{{}, 2}], {2, 5}); same(t[{{1, 1}, {2, 3}}], {{2, 3}}); same(t[{{2}, {}}], {{4, 5, 6}})
            same(t[{{}, {1, -1, 2}}], {{1, 3}, {4, 6}}); same(t[{{}, {-1, 1, -1}}], {{3, 2, 1}, {6, 5, 4}}); same(t[{{2, 1, -1}}], {{4, 5, 6}, {1, 2, 3}})

            local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
            same(t[tensor.new{2, 1, 2}], {{4, 5, 6}, {1, 2, 3}, {4, 5, 6}}); same(t[tensor.new({-1}, {dtype = "int64"})], {{4, 5, 6}})
            same(t[t:gt(2)], {3, 4, 5, 6}); same(t[tensor.new{true, false}], {{1, 2, 3}}); same(t[tensor.new{{true}, {false}}], {1, 2, 3})
            same(t[{{}, tensor.new{3, 1}}], {{3, 1}, {6, 4}}); same(t[{2, tensor.new{3, 1}}], {6, 4}); same(t[{{}, tensor.new{true, false, true}}], {{1, 3}, {4, 6}})
            same(t[{tensor.new{1, 2}, tensor.new{3, 1}}], {3, 4})
            same(t[tensor.new{{1, 2}}], {{{1, 2, 3}, {4, 5, 6}}})

            local v = tensor.new({10, 20}, {dtype = "int32"})
            assert(v[1] == 10 and math.type(v[1]) == "integer" and v[{2}] == 20)
            same(v[{{1}}], {10})

            local t = tensor.zeros(3, 2)
            t[2]:fill_(7); same(t, {{0, 0}, {7, 7}, {0, 0}})
            local n = 0
            for i, row in t:rows() do n = n + 1; assert(i == n and row:sum():item() == (i == 2 and 14 or 0)) end
            assert(n == 3)
            for i, x in tensor.new{5, 6}:rows() do assert(x == 4 + i) end
            """)
    }

    func testWriting() {
        check(
            """
            local t = tensor.zeros(2, 3)
            t[1] = 5; same(t, {{5, 5, 5}, {0, 0, 0}})
            t[{2, 3}] = 1; same(t, {{5, 5, 5}, {0, 0, 1}})
            t[{{}, 1}] = tensor.new{8, 9}; same(t, {{8, 5, 5}, {9, 0, 1}})
            t[{{1, 2}, {2, 3}}] = {{1, 2}, {3, 4}}; same(t, {{8, 1, 2}, {9, 3, 4}})
            t[{{}, {1, 3, 2}}] = 0; same(t, {{0, 1, 0}, {0, 3, 0}})
            t[2] = {7, 8, 9}; same(t, {{0, 1, 0}, {7, 8, 9}})
            t[{}] = 2; same(t, {{2, 2, 2}, {2, 2, 2}})

            local t = tensor.range(1, 4)
            t[2] = -1; t[-1] = true; same(t, {1, -1, 3, 1})
            t[t:lt(0)] = 0; same(t, {1, 0, 3, 1})
            t[t:gt(0)] = tensor.new{10, 20, 30}; same(t, {10, 0, 20, 30})
            t[tensor.new{1, 3}] = 5; same(t, {5, 0, 5, 30})
            t[tensor.new{4, 2}] = tensor.new{1, 2}; same(t, {5, 2, 5, 1})

            local t = tensor.zeros(2, 3)
            t[{{}, tensor.new{3, 1}}] = tensor.new{{1, 2}, {3, 4}}; same(t, {{2, 0, 1}, {4, 0, 3}})
            t[{2, tensor.new{2}}] = 9; same(t, {{2, 0, 1}, {4, 9, 3}})
            t[tensor.new{true, false}] = 1; same(t, {{1, 1, 1}, {4, 9, 3}})
            t[tensor.new{{false, false, true}}] = 0; same(t, {{1, 1, 0}, {4, 9, 0}})
            t[tensor.new{false, true}] = tensor.new{1, 2, 3}; same(t, {{1, 1, 0}, {1, 2, 3}})
            t[{tensor.new{1, 2}, tensor.new{3, 1}}] = tensor.new{-1, -2}; same(t, {{1, 1, -1}, {-2, 2, 3}})

            local a = tensor.range(1, 4); a[{{1, 3}}] = a[{{2, 4}}]; same(a, {2, 3, 4, 4})
            """)
    }

    func testErrors() {
        check(
            """
            local t = tensor.zeros(2, 3)
            fails("index", "position 0 is outside dimension 1 of shape [2, 3]", function() return t[0] end)
            fails("index", "positions count from 1", function() return t[0] end)
            fails("index", "position 3", function() return t[3] end)
            fails("index", "t:rows()", function() for _, r in ipairs(t) do end end)
            fails("index", "position -3", function() return t[-3] end)
            fails("index", "position 4 is outside dimension 2 of shape [2, 3]", function() return t[{1, 4}] end)
            fails("index", "3 positions", function() return t[{1, 2, 3}] end)
            fails("argument", "1.5", function() return t[1.5] end)
            fails("index", "counts backwards", function() return t[{{}, {3, 2}}] end)
            fails("index", "step", function() return t[{{}, {1, 2, 0}}] end)
            fails("argument", "first, last", function() return t[{{1, 2, 3, 4}}] end)
            fails("argument", "got string", function() return t[{"a"}] end)
            fails("argument", "shpae", function() return t:shpae() end)
            fails("index", "true", function() return t[true] end)
            fails("index", "position 0", function() return t[tensor.new{0}] end)
            fails("dtype", "1.5", function() return t[tensor.new{1.5}] end)
            fails("shape", "", function() return t[tensor.new{true, false, true, true}] end)
            fails("index", "one dimension after the other", function() return tensor.zeros(2, 2, 2)[{{}, tensor.new{1}, tensor.new{1}}] end)
            fails("index", "item", function() return tensor.new(1)[1] end)
            fails("shape", "#", function() return #tensor.new(1) end)

            local t = tensor.zeros(2, 3)
            fails("index", "position 0", function() t[0] = 1 end)
            fails("shape", "[2, 3]", function() t[{}] = tensor.zeros(4) end)
            fails("shape", "values of shape [3] for elements of shape [2, 2]", function() t[{{}, tensor.new{1, 2}}] = tensor.zeros(3) end)
            fails("index", "backwards", function() t[{{2, 1, -1}}] = 1 end)
            fails("argument", "cannot be set", function() t.shape = 1 end)
            fails("argument", "number expected, got string", function() t[1] = "x" end)
            """)
    }
}
