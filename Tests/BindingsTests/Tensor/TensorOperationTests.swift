import LuaHost
import Support
import XCTest

/// Every operation against results worked out by hand.
final class TensorOperationTests: TensorTestCase {
    func testInspection() {
        check(
            """
            local t = tensor.zeros(2, 3, {dtype = "int16"})
            assert(t:dim() == 2 and t:numel() == 6 and t:dtype() == "int16" and t:nbytes() == 12 and t:size(2) == 3 and t:size(-2) == 2)
            same(t:size(), {2, 3}); same(t:stride(), {3, 1}); assert(t:stride(1) == 3)
            assert(t:is_contiguous() and not t:t():is_contiguous())
            fails("index", "dimension 3 of a tensor of shape [2, 3]", t.size, t, 3)
            fails("index", "dimension 0", t.size, t, 0)

            assert(tensor.new{2.5}:item() == 2.5 and math.type(tensor.new({2}, {dtype = "uint8"}):item()) == "integer" and tensor.new{true}:item() == true)
            assert(tensor.new({1 << 62}, {dtype = "int64"}):item() == 1 << 62)
            fails("shape", "2 elements", function() return tensor.zeros(2):item() end)

            local text = tostring(tensor.new{{1, 2}, {3, 4}})
            assert(text:find("float32") and text:find("2x2"), text)
            assert("loss " .. tensor.new{0.5} == "loss 0.5" and tensor.new{2} .. "" == "2.0")

            same(tensor.new{{1, 2}, {3, 4}}:t():totable(), {{1, 3}, {2, 4}})
            assert(tensor.new(3):totable() == 3)
            for _, dtype in ipairs{"float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"} do
              same(tensor.new({1, 2}, {dtype = dtype}), {1, 2})
            end
            """)
    }

    func testViews() {
        check(
            """
            local t = tensor.range(1, 6)
            same(t:view(2, 3), {{1, 2, 3}, {4, 5, 6}}); same(t:view{3, -1}, {{1, 2}, {3, 4}, {5, 6}})
            t:view(2, 3)[{1, 1}] = 9; assert(t[1] == 9)
            fails("shape", "shape [6] cannot become [4, -1]", t.view, t, 4, -1)
            fails("shape", "use reshape", function() return t:view(2, 3):t():view(6) end)
            same(t:view(2, 3):t():reshape(6), {9, 4, 2, 5, 3, 6})

            same(tensor.zeros(2, 3, 4):flatten():shape(), {24}); same(tensor.zeros(2, 3, 4):flatten(1, 2):shape(), {6, 4}); same(tensor.zeros(2, 3, 4):flatten(-2):shape(), {2, 12})
            same(tensor.zeros(1, 2, 1):squeeze():shape(), {2}); same(tensor.zeros(1, 2, 1):squeeze(1):shape(), {2, 1}); same(tensor.zeros(1, 2, 1):squeeze(2):shape(), {1, 2, 1})
            same(tensor.zeros(2):unsqueeze(1):shape(), {1, 2}); same(tensor.zeros(2):unsqueeze(2):shape(), {2, 1}); same(tensor.zeros(2):unsqueeze(-1):shape(), {2, 1})
            fails("index", "dimension 4", function() return tensor.zeros(2, 2):unsqueeze(4) end)
            same(tensor.zeros(2, 3, 4):transpose(1, 3):shape(), {4, 3, 2}); same(tensor.zeros(2, 3, 4):transpose(-1, -2):shape(), {2, 4, 3})
            same(tensor.zeros(2, 3, 4):permute(3, 1, 2):shape(), {4, 2, 3}); same(tensor.zeros(2, 3, 4):permute{-1, 2, 1}:shape(), {4, 3, 2})
            fails("argument", "each dimension once", function() return tensor.zeros(2, 3):permute(1, 1) end)
            same(tensor.new{{1}, {2}}:expand(2, 3), {{1, 1, 1}, {2, 2, 2}}); same(tensor.new{1, 2}:expand(2, -1), {{1, 2}, {1, 2}}); same(tensor.ones(1):expand_as(tensor.zeros(3)), {1, 1, 1})
            fails("shape", "expand: shape [2] does not expand to [3]", function() return tensor.zeros(2):expand(3) end)
            fails("argument", "share memory", function() tensor.ones(1):expand(3):add_(1) end)
            same(tensor.zeros(2, 3):t():contiguous():stride(), {2, 1})

            local t = tensor.range(1, 5)
            same(t:narrow(1, 2, 3), {2, 3, 4}); same(t:narrow(1, -2, 2), {4, 5}); same(t:narrow(1, 6, 0):shape(), {0})
            fails("index", "3 positions from 4 on exceed dimension 1 of shape [5]", t.narrow, t, 1, 4, 3)
            fails("index", "position 0", t.narrow, t, 1, 0, 3)
            same(t:select(1, 2):shape(), {}); same(tensor.new{{1, 2}, {3, 4}}:select(2, -1), {2, 4})
            local parts = t:split(2); same(parts[1], {1, 2}); same(parts[3], {5}); assert(#parts == 3)
            local parts = t:split({1, 4}); same(parts[2], {2, 3, 4, 5})
            fails("shape", "do not add up to dimension 1", t.split, t, {1, 1})
            local parts = t:chunk(2); same(parts[1], {1, 2, 3}); same(parts[2], {4, 5})
            same(tensor.zeros(2, 4):split(2, 2)[2]:shape(), {2, 2})
            same(t:pad(1, 1, 2, -1), {-1, 1, 2, 3, 4, 5, -1, -1}); same(t:pad(1, -1, -2), {2, 3}); same(tensor.ones(2, 1):pad(1, 1, 0), {{0}, {1}, {1}})
            fails("shape", "cannot be added", t.pad, t, 1, -3, -3)
            """)
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
        check(
            """
            local t = tensor.new{{1, 2}, {3, 4}}
            same(t:flip(1), {{3, 4}, {1, 2}}); same(t:flip{1, 2}, {{4, 3}, {2, 1}}); same(t:flip(), {{4, 3}, {2, 1}}); assert(tensor.new(3):flip():item() == 3)
            same(t:tile(2), {{1, 2, 1, 2}, {3, 4, 3, 4}}); same(t:tile(2, 1), {{1, 2}, {3, 4}, {1, 2}, {3, 4}}); same(tensor.new{1}:tile(2, 2), {{1, 1}, {1, 1}}); same(t:tile(0):shape(), {2, 0})
            local copy = t:tile(1, 1); copy:zero_(); same(t, {{1, 2}, {3, 4}})
            same(t:repeat_interleave(2, 1), {{1, 2}, {1, 2}, {3, 4}, {3, 4}}); same(t:repeat_interleave(2, -1), {{1, 1, 2, 2}, {3, 3, 4, 4}})
            fails("memory", "", t.tile, t, 1 << 61); fails("memory", "", t.repeat_interleave, t, 1 << 40, 1); fails("argument", "-1", t.tile, t, -1)
            fails("memory", "", function() return tensor.zeros(0, 3):tile(1 << 62) end); fails("memory", "", tensor.zeros, 0, 1 << 61, 1 << 61); fails("memory", "", function() return tensor.zeros(0):view(0, 1 << 61, 1 << 61) end)
            same(t:tril(), {{1, 0}, {3, 4}}); same(t:triu(), {{1, 2}, {0, 4}}); same(t:triu(1), {{0, 2}, {0, 0}}); same(t:tril(-1), {{0, 0}, {3, 0}}); same(tensor.ones(2, 2, 2):tril()[2], {{1, 0}, {1, 1}})
            same(t:triu(math.mininteger), t); same(t:tril(math.maxinteger), t); fails("shape", "no matrix", function() return tensor.ones(2):tril() end)
            same(t:square(), {{1, 4}, {9, 16}}); same(tensor.new{1, 2}:outer(tensor.new{3, 4}), {{3, 4}, {6, 8}}); fails("shape", "outer: shapes [2, 2] and [2]", t.outer, t, tensor.ones(2))
            """)
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
        check(
            """
            local a, b = tensor.new{6, -7}, tensor.new{4, 2}
            same(a + b, {10, -5}); same(a - b, {2, -9}); same(a * b, {24, -14}); same(a / b, {1.5, -3.5}); same(a % b, {2, 1}); same(a // b, {1, -4}); same(b ^ 2, {16, 4}); same(-a, {-6, 7})
            same(a + 1, {7, -6}); same(1 + a, {7, -6}); same(a - 1, {5, -8}); same(1 - a, {-5, 8}); same(2 * a, {12, -14}); same(12 / b, {3, 6}); same(2 ^ b, {16, 4}); same(7 % b, {3, 1}); same(7 // b, {1, 3}); same(a % 4, {2, 1}); same(a // 4, {1, -2})
            same(tensor.new{{1}, {2}} + tensor.new{10, 20}, {{11, 21}, {12, 22}})

            local i, j = tensor.new({7, -7}, {dtype = "int32"}), tensor.new({2, 2}, {dtype = "int32"})
            same(i // j, {3, -4}); assert((i // j):dtype() == "int32" and (i + 1):dtype() == "int32" and (i + 1.5):dtype() == "float32" and (i / j):dtype() == "float32")
            same(i % j, {1, 1}); same(i / j, {3.5, -3.5}); same(i // 2, {3, -4})
            fails("argument", "division by zero", function() return i // 0 end)
            fails("argument", "division by zero", function() return i % tensor.zeros(2, {dtype = "int32"}) end)
            assert((tensor.ones(1, {dtype = "bfloat16"}) + 1):dtype() == "bfloat16" and (tensor.ones(1, {dtype = "float64"}) + tensor.ones(1)):dtype() == "float64")

            local m, n = tensor.new{true, true, false}, tensor.new{true, false, false}
            same(m & n, {true, false, false}); same(m | n, {true, true, false}); same(m ~ n, {false, true, false}); same(~m, {false, false, true})
            fails("dtype", "compare first", function() return tensor.ones(2) & tensor.ones(2) end)

            local a = tensor.new{1, 2}
            same(a:add(a), {2, 4}); same(a:add(1), {2, 3}); same(a:add(a, {alpha = 2}), {3, 6}); same(a:sub(1, {alpha = 3}), {-2, -1}); same(a:mul(3), {3, 6}); same(a:div(2), {0.5, 1}); same(a:pow(a), {1, 4}); same(a:remainder(2), {1, 0}); same(a:floor_divide(2), {0, 1})
            same(a:maximum(tensor.new{3, 0}), {3, 2}); same(a:minimum(1.5), {1, 1.5}); same(a:clamp(1.5), {1.5, 2}); same(a:clamp(nil, 1.5), {1, 1.5}); same(a:clamp(1.2, 1.5), {1.2, 1.5})
            same(a, {1, 2})

            local a = tensor.new{1, 2}; local same_object = a:add_(1)
            assert(same_object == a); same(a, {2, 3})
            same(a:add_(tensor.new{1, 1}, {alpha = 2}), {4, 5}); same(a:sub_(1), {3, 4}); same(a:mul_(tensor.new{2, 1}), {6, 4}); same(a:div_(2), {3, 2}); same(a:pow_(2), {9, 4}); same(a:remainder_(5), {4, 4}); same(a:maximum_(tensor.new{5, 1}), {5, 4}); same(a:minimum_(4.5), {4.5, 4}); same(a:clamp_(4.2, nil), {4.5, 4.2})
            fails("shape", "add_", a.add_, a, tensor.zeros(3, 2))
            fails("dtype", "add_", function() tensor.zeros(2, {dtype = "int64"}):add_(0.5) end)
            """)
    }

    func testFunctions() {
        check(
            """
            for name, f in pairs{neg = function(x) return -x end, abs = math.abs, exp = math.exp, log = math.log, sqrt = math.sqrt, sin = math.sin, cos = math.cos,
                rsqrt = function(x) return 1 / math.sqrt(x) end, floor = math.floor, ceil = math.ceil, relu = function(x) return math.max(x, 0) end,
                sigmoid = function(x) return 1 / (1 + math.exp(-x)) end, tanh = function(x) return 1 - 2 / (math.exp(2 * x) + 1) end,
                silu = function(x) return x / (1 + math.exp(-x)) end} do
              for _, x in ipairs{0.3, 1.5, 2.25} do
                same(tensor.new{x}[name](tensor.new{x}), {f(x)}, 2e-6)
                local t = tensor.new{x}; assert(t[name .. "_"](t) == t); same(t, {f(x)}, 2e-6)
              end
            end

            same(tensor.new{0.5, 1.5, -2.5}:round(), {0, 2, -2}); same(tensor.new{-1, 0, 1}:gelu(), {-0.1586553, 0, 0.8413447}); same(tensor.new{-1, 0}:log(), {0/0, -math.huge})
            same(tensor.new({4}, {dtype = "int64"}):sqrt(), {2}); assert(tensor.new({-4}, {dtype = "int64"}):abs():dtype() == "int64")
            same(tensor.new{{0, 0}, {0, math.log(3)}}:softmax(), {{0.5, 0.5}, {0.25, 0.75}}); same(tensor.new{{0, 0}, {0, math.log(3)}}:softmax(1)[2], {0.5, 0.75})
            same(tensor.new{0, math.log(3)}:log_softmax(), {math.log(0.25), math.log(0.75)})
            same(tensor.new{{1, 2}, {3, 4}}:cumsum(1), {{1, 2}, {4, 6}}); same(tensor.new{{1, 2}, {3, 4}}:cumsum(-1), {{1, 3}, {3, 7}})
            """)
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
        check(
            """
            local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
            assert(t:sum():item() == 21); same(t:sum():shape(), {}); same(t:sum(1), {5, 7, 9}); same(t:sum(-1), {6, 15}); same(t:sum(2, {keepdim = true}), {{6}, {15}}); same(t:sum{1, 2}, 21); same(t:sum(nil, {keepdim = true}), {{21}})
            assert(t:mean():item() == 3.5); same(t:mean(1), {2.5, 3.5, 4.5}); same(t:var(2), {1, 1}); same(t:var(1, {correction = 0}), {2.25, 2.25, 2.25}); same(t:std(1, {correction = 0}), {1.5, 1.5, 1.5}); assert(t:prod():item() == 720); same(t:prod(1), {4, 10, 18})
            same(t:norm(), math.sqrt(91)); same(t:norm(1, 2), {6, 15}); same(t:norm(math.huge), 6); same(tensor.zeros(2):logsumexp(1), math.log(2)); same(t:logsumexp(), 6.456193)
            assert(tensor.new(3):sum():item() == 3)
            fails("index", "Tensor:sum: dimension 3 of a tensor of shape [2, 3]", t.sum, t, 3)
            fails("argument", "twice", t.sum, t, {1, -2})
            fails("argument", "options come after", t.sum, t, {keepdim = true})
            assert(tensor.ones(3, {dtype = "uint8"}):sum():dtype() == "int64" and tensor.ones(3, {dtype = "uint8"}):mean():dtype() == "float32")

            local t = tensor.new{{1, 9, 9}, {4, 5, 2}}
            assert(t:max():item() == 9 and t:min():item() == 1)
            local v, p = t:max(2); same(v, {9, 5}); same(p, {2, 2}); assert(p:dtype() == "int64")
            local v, p = t:min(1, {keepdim = true}); same(v, {{1, 5, 2}}); same(p, {{1, 2, 2}})
            assert(t:argmax():item() == 2 and t:argmin():item() == 1); same(t:argmax(1), {2, 1, 1}); same(t:argmin(-1), {1, 3})
            assert(t[{1, t[1]:argmax():item()}] == 9)
            fails("shape", "max", function() return tensor.zeros(0):max() end)

            local v, p = tensor.new{3, 1, 2}:sort(); same(v, {1, 2, 3}); same(p, {2, 3, 1})
            local v, p = tensor.new{{3, 1}, {1, 2}}:sort(1, {descending = true}); same(v, {{3, 2}, {1, 1}}); same(p, {{1, 2}, {2, 1}})
            same(tensor.new{3, 1, 2}:argsort(), {2, 3, 1})
            local v, p = tensor.new{3, 9, 5}:topk(2); same(v, {9, 5}); same(p, {2, 3})
            local v, p = tensor.new{3, 9, 5}:topk(1, 1, {largest = false}); same(v, {3}); same(p, {1})
            fails("argument", "4 of 3 elements along dimension 1", function() return tensor.zeros(3):topk(4) end)

            local m = tensor.new{{true, false}, {true, true}}
            assert(m:any() == true and m:all() == false); same(m:all(2), {false, true}); same(m:any(1), {true, true}); assert(tensor.zeros(0):all() and not tensor.zeros(0):any())
            """)
    }

    func testComparisons() {
        check(
            """
            local a, b = tensor.new{1, 2, 3}, tensor.new{2, 2, 2}
            same(a:eq(b), {false, true, false}); same(a:ne(b), {true, false, true}); same(a:lt(b), {true, false, false}); same(a:le(b), {true, true, false}); same(a:gt(b), {false, false, true}); same(a:ge(b), {false, true, true})
            same(a:eq(2), {false, true, false}); same(a:lt(2.5), {true, true, false}); assert(a:gt(0):dtype() == "bool"); same(a:ge(tensor.new{{1}, {3}}), {{true, true, true}, {false, false, true}})
            same(tensor.new{0/0, 1}:isnan(), {true, false}); same(tensor.new{math.huge, 1, 0/0}:isfinite(), {false, true, false})
            same(a:gt(1):logical_and(a:lt(3)), {false, true, false}); same(a:gt(2):logical_not(), {true, true, false}); same(a:gt(2):logical_xor(a:gt(1)), {false, true, false}); same(a:gt(2):logical_or(a:lt(2)), {true, false, true})
            assert(a:equal(a:clone()) and not a:equal(b) and not a:equal(tensor.zeros(2)))
            assert(a:allclose(a + 1e-6) and not a:allclose(a + 1e-3) and a:allclose(a + 1e-3, {atol = 1e-2}) and not tensor.new{0/0}:allclose(tensor.new{0/0}) and tensor.new{0/0}:allclose(tensor.new{0/0}, {equal_nan = true}))
            assert(a == a and a ~= a:clone() and a ~= 1)
            fails("argument", "a:lt(b)", function() return a < b end); fails("argument", "a:le(b)", function() return a <= 1 end); fails("argument", ":lt", function() return 1 > a end)
            fails("shape", "eq: shapes [3] and [2] do not broadcast", a.eq, a, tensor.zeros(2))
            """)
    }

    /// What people who know PyTorch or NumPy type first is told apart from what to write here.
    func testHabitsFromElsewhereGetAHint() {
        check(
            """
            local t = tensor.new{{1, 2}, {3, 4}}
            fails("argument", "{ keepdim = true }", t.mean, t, 2, true); fails("argument", "{ keepdim = true }", t.max, t, 2, true); fails("argument", "{ keepdim = true }", t.norm, t, 2, 1, true)
            fails("argument", "{ correction = 0 }", t.std, t, 1, 0); fails("argument", "{ descending = true }", t.sort, t, 1, true); fails("argument", "{ largest = false }", t.topk, t, 1, 1, false)
            fails("argument", "{ alpha = 2 }", t.add, t, t, 2); fails("argument", "{ training = false }", nn.dropout, t, 0.5, false); fails("argument", "{ causal = true }", nn.attention, t, t, t, true)
            fails("argument", "several values of dim are one list, {1, 2}", t.sum, t, 1, 2)
            fails("argument", "t:sum(nil, { keepdim = true })", t.sum, t, {keepdim = true}); fails("argument", "sort(nil, { descending = ... })", t.sort, t, {descending = true})
            fails("argument", "Tensor:cumsum(dim) -> Tensor", t.cumsum, t); fails("argument", "tensor.range(first, last", tensor.range, 5)
            local ok, problem = pcall(t.mean, t, 2, true); assert(not tostring(problem):find("colon"))

            fails("argument", '{ dtype = "int64" }', tensor.zeros, 2, 3, "int64")
            fails("argument", "'dtype' among the sizes", tensor.zeros, {2, 3, dtype = "int64"}); fails("argument", "tensor.ones(2, 3, { dtype = ... })", tensor.ones, {2, dtype = "int64"})
            fails("argument", "'dtype' among the data", tensor.new, {1, 2, dtype = "int64"})

            local t = tensor.zeros(2)
            fails("argument", 't:to("float32")', function() return t:float() end); fails("argument", "t:totable()", function() return t:tolist() end); fails("argument", "t:dim()", function() return t.ndim end)
            fails("argument", "includes last", function() return tensor.arange(5) end); fails("argument", "dtypes are strings", function() return tensor.float32 end)
            fails("argument", "nn.linear(x, weight, bias)", function() return nn.Linear end); fails("argument", "did you mean relu", function() return nn.rleu end)
            fails("argument", "Tensor +: argument 2", function() return t + {1, 2} end); fails("argument", "< and >", function() return t > 1 end)
            fails("dtype", "bools cannot be negated", function() return -t:gt(0) end); fails("argument", "floor_divide: integer division", function() return tensor.ones(1, {dtype = "int64"}) // 0 end)

            assert((tensor.new({(2 ^ 53 | 0) + 1}, {dtype = "int64"}) // 1)[1] == (2 ^ 53 | 0) + 1)
            local large = tensor.new({2 ^ 53 | 0, (2 ^ 53 | 0) + 1, -(2 ^ 53 | 0) - 1, math.maxinteger}, {dtype = "int64"})
            for _, n in ipairs{1, 3, -7} do for i = 1, 4 do assert((large // n)[i] == large[i] // n and large:floor_divide(n)[i] == large[i] // n) end end
            """)
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
        check(
            """
            local a, b = tensor.zeros(2, 3), tensor.zeros(4)
            fails("shape", "add: shapes [2, 3] and [4] do not broadcast", function() return a + b end)
            fails("shape", "sub: shapes [2, 3] and [4]", function() return a - b end)
            fails("shape", "mul: shapes [2, 3] and [4]", function() return a * b end)
            fails("shape", "div: shapes [2, 3] and [4]", function() return a / b end)
            fails("shape", "pow: shapes [2, 3] and [4]", function() return a ^ b end)
            fails("shape", "maximum: shapes [2, 3] and [4]", a.maximum, a, b)
            fails("shape", "add_: shapes [2, 3] and [4]", a.add_, a, b)
            fails("argument", "number expected, got nil", function() return a + nil end)
            fails("argument", "got string", function() return a + "1" end)
            fails("argument", "methods are called with a colon", function() return a.sum(1) end)
            """)
    }
}
