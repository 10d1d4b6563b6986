import LuaHost
import LuaTestSupport
import Support
import XCTest

/// Every operation against results worked out by hand.
final class TensorOperationTests: TensorTestCase {
    func testInspection() {
        check(.file("inspection"))
    }

    func testViews() {
        check(.file("views"))
    }

    func testSelection() {
        check(
            """
            local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
            same(t:index_select(2, {3, 1}), {{3, 1}, {6, 4}}); same(t:index_select(1, tensor.new{-1}), {{4, 5, 6}})
            fails("index", "position 4 is outside dimension 2 of shape [2, 3]", t.index_select, t, 2, {4})
            fails("index", "position 0", t.index_select, t, 2, {0})
            same(t:gather(2, tensor.new{{1, 3}, {2, 2}}), {{1, 3}, {5, 5}}); same(t:gather(1, tensor.new{{2, 1, 2}}), {{4, 2, 6}})
            fails("index", "position 3 is outside dimension 1", t.gather, t, 1, tensor.new{{3, 1, 1}})

            same(tensor.zeros(2, 3):scatter_(2, tensor.new{{3}, {1}}, 7), {{0, 0, 7}, {7, 0, 0}})
            same(tensor.zeros(2, 3):scatter_(2, tensor.new{{3, 1}, {1, 2}}, tensor.new{{1, 2}, {3, 4}}), {{2, 0, 1}, {3, 4, 0}})
            same(tensor.zeros(3):scatter_add_(1, tensor.new{1, 1, 3}, tensor.new{1, 2, 3}), {3, 0, 3})
            same(tensor.zeros(3):index_add_(1, {1, 1, -1}, tensor.new{1, 2, 3}), {3, 0, 3})

            local t = tensor.new{1, -2, 3}
            same(t:masked_select(t:gt(0)), {1, 3}); same(t:masked_fill(t:lt(0), 0), {1, 0, 3}); same(t, {1, -2, 3})
            same(t:masked_fill_(t:lt(0), 0), {1, 0, 3}); same(t, {1, 0, 3})
            fails("shape", "masked_fill", t.masked_fill_, t, tensor.new{true, false}, 0)
            fails("dtype", "mask", t.masked_fill_, t, tensor.ones(3), 0)
            same(tensor.new{{0, 1}, {2, 0}}:nonzero(), {{1, 2}, {2, 1}}); same(tensor.zeros(3):nonzero():shape(), {0, 1})
            """)
    }

    func testRepetitionAndTriangles() {
        check(.file("repetition_and_triangles"))
    }

    func testMethodsAreFunctionsToo() {
        check(
            """
            local t = tensor.new{{1, 2}, {3, 4}}
            same(tensor.matmul(t, t), t:matmul(t)); same(tensor.mm(t, t), t:matmul(t)); same(tensor.exp(tensor.zeros(1)), {1}); same(tensor.add(t, 1), t + 1); assert(tensor.exp == tensor.exp)
            fails("argument", "no field 'exq'", function() return tensor.exq end)
            fails("argument", "exp", function() return tensor.exp(1) end)
            """)
        XCTAssertNotNil(lua.catalog.declaration("tensor.matmul"))
    }

    func testConversion() {
        check(
            """
            same(tensor.new{1.7, -1.7}:to("int64"), {1, -1}); same(tensor.new{0, 2}:to("bool"), {false, true})
            same(tensor.new{1.00390625}:to("bfloat16"), {1}); same(tensor.new{1}:to(tensor.new{true}), {true})
            fails("argument", "float32", function() tensor.new{1}:to("floot32") end)
            local t = tensor.new{1, 2}; local u = t:clone(); u:zero_(); same(t, {1, 2}); same(u, {0, 0})
            same(t:copy_(tensor.new(5)), {5, 5}); same(t:fill_(3), {3, 3})
            fails("shape", "copy_: a tensor of shape [3] does not fit into shape [2]", t.copy_, t, tensor.zeros(3))
            """)
    }

    func testArithmetic() {
        check(.file("arithmetic"))
    }

    func testFunctions() {
        check(.file("functions"))
    }

    func testProducts() {
        check(
            """
            local a, b = tensor.new{{1, 2}, {3, 4}}, tensor.new{{5, 6}, {7, 8}}
            same(a:matmul(b), {{19, 22}, {43, 50}}); same(a:matmul(tensor.new{1, 1}), {3, 7}); same(tensor.new{1, 1}:matmul(a), {4, 6}); assert(tensor.new{1, 2}:matmul(tensor.new{3, 4}):item() == 11)
            same(tensor.stack({a, b}):matmul(b)[2], b:matmul(b)); same(a:t():matmul(b), {{26, 30}, {38, 44}})
            assert(a:to("bfloat16"):matmul(b:to("bfloat16")):equal(a:matmul(b):to("bfloat16")))
            fails("shape", "matmul: shapes [2, 2] and [3, 1]", a.matmul, a, tensor.zeros(3, 1))
            fails("shape", "dot: shapes [2] and [3]", function() return tensor.zeros(2):dot(tensor.zeros(3)) end)
            same(tensor.ones(2, 2):addmm_(a, b, {alpha = 2, beta = 10}), {{48, 54}, {96, 110}}); same(tensor.full({2, 2}, 0/0):addmm_(a, b, {beta = 0}), {{19, 22}, {43, 50}})
            fails("shape", "addmm_: shapes [2, 2] and [3, 1]", function() tensor.ones(2, 2):addmm_(a, tensor.zeros(3, 1)) end)
            """)
    }

    func testReductions() {
        check(.file("reductions"))
    }

    func testComparisons() {
        check(.file("comparisons"))
    }

    /// What people who know PyTorch or NumPy type first is told apart from what to write here.
    func testHabitsFromElsewhereGetAHint() {
        check(.file("habits_from_elsewhere_get_a_hint"))
    }

    /// Lua's own messages stay as they are; what Swift shows of them has a hint.
    func testErrorsOfLuaAboutTensorsGetAHint() {
        for (code, hint) in [
            ("local t = tensor.zeros(2); return t.shape[1]", "shape is a method: x:shape()"),
            ("local t = tensor.zeros(2); return #t.shape", "shape is a method: x:shape()"),
            ("return ('%f'):format(tensor.zeros(1))", "x:item() is the number of a Tensor with one element"),
            ("for i, row in pairs(tensor.zeros(2)) do end", "for i, row in x:rows() do ... end goes through a Tensor"),
            ("for row in tensor.zeros(2) do end", "for i, row in x:rows() do ... end goes through a Tensor"),
            ("local t = {shap = print}; return t.shap[1]", nil), ("error('number expected, got Tensor')", nil)
        ] as [(String, String?)] {
            XCTAssertThrowsError(try lua.run(code), code) { XCTAssertEqual(($0 as? OpahError)?.hint, hint, code) }
        }
    }

    func testShapeErrorsNameOperationAndShapes() {
        check(.file("shape_errors_name_operation_and_shapes"))
    }
}
