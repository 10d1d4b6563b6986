import LuaHost
import LuaTestSupport
import XCTest

/// `opah.nn` against results worked out by hand or from tensor operations.
final class NNModuleTests: TensorTestCase {
    func testLayers() {
        check(.file("layers"))
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
        check(.file("attention"))
    }

    func testRope() {
        check(.file("rope"))
    }

    /// Ids are values, positions count from 1: the border between the two.
    func testIdsAndPositions() {
        check(.file("ids_and_positions"))
    }
}
