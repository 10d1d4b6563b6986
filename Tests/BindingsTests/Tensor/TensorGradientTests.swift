import LuaHost
import LuaTestSupport
import XCTest

/// Differentiation as Lua code sees it.
final class TensorGradientTests: TensorTestCase {
    func testBackward() {
        check(.file("backward"))
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
        check(.file("gradients_of_a_network_against_differences"))
    }

    /// A linear probe: the whole loop in Lua, plain gradient descent. The labels come from a known matrix.
    func testTrainingLoopLearns() {
        check(.file("training_loop_learns"))
    }
}
