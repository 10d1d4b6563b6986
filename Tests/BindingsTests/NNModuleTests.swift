import LuaHost
import XCTest

/// `opah.nn` against results worked out by hand or from tensor operations.
final class NNModuleTests: TensorTestCase {
    func testLayers() {
        check(
            """
            local x, w = tensor.new{{1, 2}, {3, 4}}, tensor.new{{1, 0}, {0, 1}, {1, 1}}
            same(nn.linear(x, w), {{1, 2, 3}, {3, 4, 7}}); same(nn.linear(x, w, tensor.new{10, 20, 30}), {{11, 22, 33}, {13, 24, 37}}); same(nn.linear(x, w:to("bfloat16")), {{1, 2, 3}, {3, 4, 7}})
            fails("shape", "linear: x of shape [2, 3] and a weight of shape [3, 2]", nn.linear, tensor.zeros(2, 3), w)

            local table = tensor.new{{1, 2}, {3, 4}, {5, 6}}
            same(nn.embedding(tensor.new{{0, 2}}, table), {{{1, 2}, {5, 6}}}); same(nn.embedding(tensor.new({1}, {dtype = "int32"}), table), {{3, 4}})
            fails("index", "embedding: id 3", nn.embedding, tensor.new{3}, table)
            fails("index", "embedding: id -1", nn.embedding, tensor.new{-1}, table)
            fails("dtype", "integers are wanted", nn.embedding, tensor.new{0.5}, table)

            same(nn.rms_norm(tensor.new{3, 4}), {3 / math.sqrt(12.50001), 4 / math.sqrt(12.50001)}); same(nn.rms_norm(tensor.new{3, 4}, tensor.new{1, 2}, {eps = 0}), {0.8485281, 2.2627417})
            fails("shape", "rms_norm: ", nn.rms_norm, tensor.new{3, 4}, tensor.new{1})
            same(nn.layer_norm(tensor.new{1, 3}, nil, nil, {eps = 0}), {-1, 1}); same(nn.layer_norm(tensor.new{1, 3}, tensor.new{2, 2}, tensor.new{1, 0}, {eps = 0}), {-1, 2})
            fails("shape", "layer_norm: ", nn.layer_norm, tensor.new{3, 4}, tensor.new{1})

            for _, name in ipairs{"silu", "gelu", "relu", "tanh", "sigmoid"} do local x = tensor.randn(9); assert(nn[name](x):equal(x[name](x)), name) end
            same(nn.swiglu(tensor.new{0, 2}, tensor.new{5, 3}), {0, 2 / (1 + math.exp(-2)) * 3})
            fails("shape", "swiglu: ", nn.swiglu, tensor.zeros(2), tensor.zeros(3))
            same(nn.softmax(tensor.zeros(2)), {0.5, 0.5}); same(nn.log_softmax(tensor.zeros(2, 2), 1), {{-math.log(2), -math.log(2)}, {-math.log(2), -math.log(2)}})
            """)
    }

    func testDropout() {
        check(
            """
            local x = tensor.ones(10000)
            local y = nn.dropout(x, 0.25, {generator = tensor.generator(3)})
            assert(y:equal(nn.dropout(x, 0.25, {generator = tensor.generator(3)})))
            local zeros = y:eq(0):sum():item()
            assert(zeros > 2300 and zeros < 2700 and y:max():item() - 4 / 3 < 1e-6)
            assert(nn.dropout(x, 0.5, {training = false}) == x or nn.dropout(x, 0.5, {training = false}):equal(x))
            fails("argument", "below 1", nn.dropout, x, 1)
            """)
    }

    func testConvolutions() {
        check(
            """
            local x = tensor.new{{1, 2, 3, 4}}
            same(nn.conv1d(x, tensor.new{{{1, 10}}}), {{21, 32, 43}}); same(nn.conv1d(x, tensor.new{{{1, 10}}}, tensor.new{100}, {stride = 2, padding = 1}), {{110, 132, 104}})
            same(nn.conv1d(x, tensor.new{{{1, 10}}}, nil, {padding = {1, 0}}), {{10, 21, 32, 43}}); same(nn.conv1d(x, tensor.new{{{1, 10}}}, nil, {dilation = 3}), {{41}})
            same(nn.conv1d(tensor.new{{1, 2}, {3, 4}}, tensor.new{{{1}}, {{10}}}, nil, {groups = 2}), {{1, 2}, {30, 40}})
            fails("shape", "conv1d: weight [1, 2, 1] does not fit input [1, 4]", nn.conv1d, x, tensor.zeros(1, 2, 1))
            fails("argument", "stride", nn.conv1d, x, tensor.zeros(1, 1, 1), nil, {stride = 0})

            same(nn.conv_transpose1d(tensor.new{{1, 2}}, tensor.new{{{1, 10, 100}}}, nil, {stride = 2}), {{1, 10, 102, 20, 200}})
            same(nn.conv_transpose1d(tensor.new{{1, 2}}, tensor.new{{{1, 10, 100}}}, tensor.new{1}, {stride = 2, padding = {0, 1}}), {{2, 11, 103, 21}})
            """)
    }

    func testAttention() {
        check(
            """
            -- against plain operations, with two query heads per key head
            local g = tensor.generator(2)
            local q, k, v = tensor.randn(2, 4, 5, 8, {generator = g}), tensor.randn(2, 2, 5, 8, {generator = g}), tensor.randn(2, 2, 5, 8, {generator = g})
            local kk = tensor.stack({k, k}, 3):reshape(2, 4, 5, 8)
            local vv = tensor.stack({v, v}, 3):reshape(2, 4, 5, 8)
            local scores = q:matmul(kk:transpose(3, 4)) / math.sqrt(8)
            local see = tensor.range(1, 5):unsqueeze(2):ge(tensor.range(1, 5))
            assert(nn.attention(q, k, v):allclose(scores:softmax():matmul(vv), {atol = 1e-5}))
            local causal = tensor.where(see, scores, -math.huge):softmax():matmul(vv)
            assert(nn.attention(q, k, v, {causal = true}):allclose(causal, {atol = 1e-5}))
            assert(nn.attention(q, k, v, {mask = see}):allclose(causal, {atol = 1e-5}))
            assert(nn.attention(q, k, v, {scale = 1 / math.sqrt(8)}):allclose(nn.attention(q, k, v)))
            -- packed: two sequences one after the other see nothing of each other
            local function rows(t, b) return t[b]:transpose(1, 2) end
            local packed = nn.attention(tensor.cat{rows(q, 1), rows(q, 2)}, tensor.cat{rows(k, 1), rows(k, 2)}, tensor.cat{rows(v, 1), rows(v, 2)}, {lengths = {5, 5}, causal = true})
            assert(packed[{{6, 10}}]:allclose(rows(causal, 2), {atol = 1e-5}) and packed[{{1, 5}}]:allclose(rows(causal, 1), {atol = 1e-5}))

            local x = tensor.zeros(3, 2, 4)
            fails("shape", "do not add up", nn.attention, x, x, x, {lengths = {1, 1}})
            fails("argument", "mask", nn.attention, x, x, x, {mask = tensor.new{true}})
            fails("shape", "attention: q of shape [3, 2, 4], k [2, 2, 4]", nn.attention, x, tensor.zeros(2, 2, 4), x)
            """)
    }

    func testRope() {
        check(
            """
            local x = tensor.new{{{1, 0, 1, 0}}, {{1, 0, 1, 0}}, {{0, 1, 0, 1}}}        -- [3, 1, 4]
            local y = nn.rope(x)
            same(y[1], x[1])
            same(y[2], {{math.cos(1), math.sin(1), math.cos(0.01), math.sin(0.01)}}, 4e-3)
            same(y[3], {{-math.sin(2), math.cos(2), -math.sin(0.02), math.cos(0.02)}}, 4e-3)
            assert(nn.rope(x, {positions = {0, 1, 2}}):equal(y) and nn.rope(x, {positions = tensor.new{0, 1, 2}}):equal(y) and nn.rope(x, {table = nn.rope_table(3, 4)}):equal(y))
            assert(nn.rope(tensor.stack({x, x}))[2]:equal(y))
            same(nn.rope_table(3, 4):shape(), {3, 2, 2}); assert(nn.rope_table(3, 4):dtype() == "bfloat16")
            fails("shape", "2 positions", nn.rope, x, {positions = {0, 1}})
            fails("index", "position 5", nn.rope, x, {positions = {0, 1, 5}, table = nn.rope_table(3, 4)})
            fails("shape", "nn.rope_table(positions, 4)", nn.rope, x, {table = nn.rope_table(3, 8)})
            """)
    }

    /// Ids are values, positions count from 1: the border between the two.
    func testIdsAndPositions() {
        check(
            """
            local logits = tensor.new{{0, 0, 5}, {5, 0, 0}}
            local best = logits:argmax(2)
            same(best, {3, 1})
            same(nn.cross_entropy(logits, best - 1), math.log(1 + 2 * math.exp(-5)), 1e-6)
            same(nn.embedding(best - 1, tensor.eye(3)), {{0, 0, 1}, {1, 0, 0}})
            same(tensor.eye(3)[best], {{0, 0, 1}, {1, 0, 0}})

            local logits = tensor.new{{1, 2}, {3, 4}, {5, 5}}
            same(nn.cross_entropy(logits, tensor.new{1, -100, 0}), (math.log(1 + math.exp(-1)) + math.log(2)) / 2)
            same(nn.cross_entropy(logits, tensor.new{1, 7, 0}, {ignore_index = 7}), (math.log(1 + math.exp(-1)) + math.log(2)) / 2)
            fails("index", "cross_entropy: ", nn.cross_entropy, logits, tensor.new{2, 0, 0})
            fails("shape", "cross_entropy: logits of shape [3, 2] and targets of shape [2]", nn.cross_entropy, logits, tensor.new{0, 0})
            """)
    }
}
