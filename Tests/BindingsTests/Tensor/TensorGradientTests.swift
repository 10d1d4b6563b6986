import LuaHost
import XCTest

/// Differentiation as Lua code sees it.
final class TensorGradientTests: TensorTestCase {
    func testBackward() {
        check(
            """
            local w = tensor.new({2, 3}, {requires_grad = true})
            assert(w:requires_grad() and w:is_leaf() and w.grad == nil)
            local y = (w * w):sum(); assert(not y:is_leaf()); y:backward(); same(w.grad, {4, 6})
            ;(w * 2):sum():backward(); same(w.grad, {6, 8})
            w.grad = nil; assert(w.grad == nil); w.grad = tensor.ones(2); same(w.grad, {1, 1})
            fails("shape", "grad", function() w.grad = tensor.ones(3) end)

            local w = tensor.new{1, 2}:requires_grad(true)
            ;(w * w):backward{gradient = tensor.new{10, 1}}; same(w.grad, {20, 4})
            fails("gradient", "needs a gradient", function() (w * w):backward() end)
            fails("gradient", "requires_grad", function() tensor.ones(1):backward() end)
            fails("gradient", "int64", function() tensor.ones(1, {dtype = "int64"}):requires_grad(true) end)
            local y = (w * w):sum(); y:backward{retain_graph = true}; y:backward(); fails("gradient", "retain_graph", y.backward, y)

            local w = tensor.new{1, 2}:requires_grad(true)
            assert(not w:detach():requires_grad() and not (w:detach() * 2):requires_grad())
            tensor.no_grad(function() w:sub_(0.5) end); same(w, {0.5, 1.5})
            fails("gradient", "sub_", function() w:sub_(1) end)
            pcall(tensor.no_grad, function() error("x") end); assert((w * 2):requires_grad())

            local w = tensor.new{{1, 2}, {3, 4}}:requires_grad(true)
            w[2]:sum():backward(); same(w.grad, {{0, 0}, {1, 1}}); w.grad = nil
            w[{{}, {2, 2}}]:sum():backward(); same(w.grad, {{0, 1}, {0, 1}}); w.grad = nil
            w[w:gt(2)]:sum():backward(); same(w.grad, {{0, 0}, {1, 1}}); w.grad = nil
            w[tensor.new{1, 1}]:sum():backward(); same(w.grad, {{2, 2}, {0, 0}}); w.grad = nil
            w:gather(2, tensor.new{{2}, {1}}):sum():backward(); same(w.grad, {{0, 1}, {1, 0}}); w.grad = nil
            w:max(2):sum():backward(); same(w.grad, {{0, 1}, {0, 1}}); w.grad = nil
            local x = w * 1; x[{1, 1}] = 0; (x * x):sum():backward(); same(w.grad, {{0, 4}, {6, 8}})
            """)
    }

    func testCheckpoint() {
        check(
            """
            local w = tensor.new{1, 2}:requires_grad(true)
            local calls = 0
            local function block(x) calls = calls + 1; return nn.dropout((x * w):exp(), 0.5):sum() end
            local x = tensor.new{0.5, 0.25}:requires_grad(true)
            tensor.manual_seed(4); block(x):backward(); local gw, gx = w.grad, x.grad; w.grad, x.grad = nil, nil
            tensor.manual_seed(4); local y = nn.checkpoint(block, x); assert(calls == 2); y:backward(); assert(calls == 3)
            assert(w.grad:equal(gw) and x.grad:equal(gx))
            fails("argument", "no tensor", nn.checkpoint, function() end, x)
            fails("lua", "boom", nn.checkpoint, function() error("boom") end, x)
            """)
    }

    /// A two-layer network with layer norm, embedding and cross-entropy: every parameter's gradient against
    /// central differences, computed in Lua.
    func testGradientsOfANetworkAgainstDifferences() {
        check(
            """
            local g = tensor.generator(11)
            local function make(...) return tensor.randn(..., {std = 0.6, generator = g}):requires_grad(true) end
            local p = {table = make{5, 4}, w1 = make{6, 4}, b1 = make{6}, scale = make{6}, shift = make{6}, rms = make{6}, w2 = make{3, 6}, filter = make{1, 1, 3}}
            local ids, labels = tensor.new{0, 3, 4, 3}, tensor.new{2, 0, -100, 1}
            local function loss()
              local x = nn.embedding(ids, p.table)
              x = nn.conv1d(x:unsqueeze(2), p.filter, nil, {padding = {2, 0}}):squeeze(2)
              x = nn.linear(x, p.w1, p.b1):tanh()
              x = nn.rms_norm(nn.silu(nn.layer_norm(x, p.scale, p.shift)) + x, p.rms)
              return nn.cross_entropy(x:matmul(p.w2:t()), labels, {label_smoothing = 0.1})
            end
            loss():backward()
            local count = 0
            for name, t in pairs(p) do
              local flat, grad = t:detach():view(-1), t.grad:view(-1)
              for i = 1, #flat do
                local x, h = flat[i], 1e-2
                local function at(v) flat[i] = v; return tensor.no_grad(loss):item() end
                local slope = (8 * (at(x + h) - at(x - h)) - (at(x + 2 * h) - at(x - 2 * h))) / (12 * h)
                flat[i] = x
                assert(math.abs(slope - grad[i]) < 2e-4, name .. " " .. i .. ": " .. slope .. " " .. grad[i])
                count = count + 1
              end
            end
            assert(count == 89, count)
            """)
    }

    /// A linear probe: the whole loop in Lua, plain gradient descent. The labels come from a known matrix.
    func testTrainingLoopLearns() {
        check(
            """
            tensor.manual_seed(1)
            local truth = tensor.randn(3, 8)
            local x = tensor.randn(64, 8)
            local labels = x:matmul(truth:t()):argmax(2) - 1          -- class ids count from 0
            local w, b = tensor.zeros(3, 8, {requires_grad = true}), tensor.zeros(3, {requires_grad = true})
            local first, last
            for step = 1, 200 do
              local loss = nn.cross_entropy(nn.linear(x, w, b), labels)
              first, last = first or loss:item(), loss:item()
              loss:backward()
              tensor.no_grad(function()
                for _, p in ipairs{w, b} do p:sub_(p.grad, {alpha = 1}); p.grad = nil end
              end)
            end
            assert(math.abs(first - math.log(3)) < 1e-5, first)
            assert(last < 0.2, last)
            local right = nn.linear(x, w, b):argmax(2):eq(labels + 1):to("float32"):mean():item()
            assert(right > 0.95, right)
            """)
    }
}
