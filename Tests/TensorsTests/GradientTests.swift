import Support
import Tensors
import TestSupport
import XCTest

/// The gradient of every operation against central differences in float64.
final class GradientTests: XCTestCase {
    private let g = Random(seed: 42)

    private func normal(_ shape: Dims) throws -> Tensor { try Tensor.randn(shape, .float64, generator: g) }
    /// Away from 0 and from each other's integers, where some functions have corners.
    private func positive(_ shape: Dims) throws -> Tensor {
        try Tensor.rand(shape, .float64, low: 0.5, high: 2.4, generator: g)
    }

    func testTwoOperands() throws {
        let shapes: [(Dims, Dims)] = [
            ([2, 3], [2, 3]), ([2, 3], [3]), ([3, 1], [2]), ([], [2, 2]), ([2, 1, 3], [4, 1]), ([1], [1])
        ]
        let operations: [(String, (Tensor, Tensor) throws -> Tensor)] = [
            ("add", { try $0.add($1) }), ("sub", { try $0.sub($1) }), ("mul", { try $0.mul($1) }),
            ("div", { try $0.div($1) }),
            ("pow", { try $0.pow($1) }), ("maximum", { try $0.maximum($1) }), ("minimum", { try $0.minimum($1) }),
            ("remainder", { try $0.remainder($1) })
        ]
        for (first, second) in shapes {
            for (name, operation) in operations {
                try checkGradients(
                    [positive(first), positive(second)], step: 1e-6, tolerance: 1e-5, "\(name) \(first) \(second)"
                ) { try operation($0[0], $0[1]) }
            }
        }
        // One of the two alone, and both the same tensor.
        let constant = try normal([3])
        try checkGradients([normal([2, 3])]) { try $0[0].mul(constant).add(constant) }
        try checkGradients([normal([3])]) { try constant.sub($0[0]).mul(constant) }
        try checkGradients([positive([3])]) { try $0[0].mul($0[0]).div($0[0].add($0[0])) }
    }

    func testOneOperandAndNumber() throws {
        let operations: [(String, (Tensor) throws -> Tensor)] = [
            ("add", { try $0.add(3) }), ("sub", { try $0.sub(0.5) }), ("from", { try $0.subtracted(from: 2) }),
            ("mul", { try $0.mul(-2.5) }),
            ("div", { try $0.div(4) }), ("into", { try $0.divided(into: 3) }), ("pow 2", { try $0.pow(2) }),
            ("pow 3.5", { try $0.pow(3.5) }),
            ("pow 1", { try $0.pow(1) }), ("pow 0", { try $0.pow(0) }), ("pow -1", { try $0.pow(-1) }),
            ("pow .5", { try $0.pow(0.5) }), ("2^", { try $0.power(of: 2) }),
            ("remainder", { try $0.remainder(2.45) }), ("clamp", { try $0.clamp(low: 0.9, high: 1.7) }),
            ("neg", { try $0.neg() }), ("abs", { try $0.sub(1.1).abs() }), ("relu", { try $0.sub(1.1).relu() }),
            ("exp", { try $0.exp() }), ("log", { try $0.log() }), ("sqrt", { try $0.sqrt() }),
            ("rsqrt", { try $0.rsqrt() }),
            ("tanh", { try $0.sub(1).tanh() }), ("sigmoid", { try $0.sub(1).sigmoid() }),
            ("silu", { try $0.sub(1).silu() }),
            ("gelu", { try $0.sub(1).gelu() }), ("sin", { try $0.sin() }), ("cos", { try $0.cos() }),
            ("floor", { try $0.mul($0.floor()) }), ("round", { try $0.mul($0.round()) }),
            ("ceil", { try $0.mul($0.ceil()) })
        ]
        for shape in [[2, 5], [], [3, 0]] as [Dims] {
            for (name, operation) in operations {
                try checkGradients([positive(shape)], step: 1e-6, tolerance: 1e-5, "\(name) \(shape)") {
                    try operation($0[0])
                }
            }
        }
        XCTAssertEqual(try gradient(Tensor([-1, 0, 2], [3])) { try $0.abs() }, [-1, 0, 1])
        XCTAssertEqual(try gradient(Tensor([-1, 0, 2], [3])) { try $0.relu() }, [0, 0, 1])
        XCTAssertEqual(try gradient(Tensor([0, 0, 2], [3])) { try $0.pow(2) }, [0, 0, 4])
        XCTAssertEqual(try gradient(Tensor([3, 1], [2])) { try $0.maximum(Tensor([3, 2], [2])) }, [0.5, 0])
        XCTAssertEqual(try gradient(Tensor([0, 3, 4], [3])) { try $0.norm() }, [0, 0.6, 0.8])
        XCTAssertEqual(try gradient(Tensor([0, 0], [2])) { try $0.norm() }, [0, 0])
        XCTAssertEqual(try gradient(Tensor([5, 5], [2])) { try $0.std() }, [0, 0])
    }

    /// float32 kernels have gradients of their own: compared with those of float64.
    func testFloat32GradientsAgree() throws {
        let operations: [(String, (Tensor) throws -> Tensor)] = [
            ("tanh", { try $0.tanh() }), ("sigmoid", { try $0.sigmoid() }), ("silu", { try $0.silu() }),
            ("gelu", { try $0.gelu() }), ("sin", { try $0.sin() }),
            ("cos", { try $0.cos() }), ("abs", { try $0.abs() }), ("relu", { try $0.relu() }),
            ("exp", { try $0.exp() }), ("sqrt", { try $0.abs().sqrt() }),
            ("rsqrt", { try $0.abs().rsqrt() }), ("log", { try $0.abs().log() }),
            ("softmax", { try $0.softmax(dim: 1) }), ("log_softmax", { try $0.logSoftmax(dim: 0) }),
            ("logsumexp", { try $0.logsumexp(dims: [1]) }), ("std", { try $0.std(dims: [0]) }),
            ("norm", { try $0.norm(dims: [1]) }), ("cumsum", { try $0.cumsum(dim: 1) }),
            ("prod", { try $0.prod(dim: 1) }), ("var", { try $0.var(dims: [0, 1]) }),
            ("matmul", { try $0.matmul($0.transpose(0, 1)) })
        ]
        let x = try Tensor.randn([9, 13], generator: g)
        for (name, operation) in operations {
            assertClose(try gradient(x, operation), try gradient(x.to(.float64), operation), abs: 1e-5, rel: 1e-4, name)
        }
    }

    /// The gradient of sum(f(x)).
    private func gradient(_ x: Tensor, _ f: (Tensor) throws -> Tensor) throws -> [Float] {
        let leaf = try x.clone().setRequiresGrad()
        try f(leaf).sum().backward()
        return try leaf.grad!.floats()
    }

    func testViews() throws {
        let operations: [(String, (Tensor) throws -> Tensor)] = [
            ("reshape", { try $0.reshape([4, -1]) }),
            ("reshape of permuted", { try $0.permute([2, 0, 1]).reshape([6, 4]) }),
            ("flatten", { try $0.flatten(from: 1) }),
            ("squeeze", { try $0.narrow(dim: 1, start: 1, length: 1).squeeze(dim: 1) }),
            ("unsqueeze", { try $0.unsqueeze(dim: 1) }),
            ("transpose", { try $0.transpose(0, 2) }), ("permute", { try $0.permute([1, 2, 0]) }),
            ("contiguous", { try $0.transpose(0, 1).contiguous() }),
            ("expand", { try $0.unsqueeze(dim: 0).expand([2, -1, -1, -1]) }),
            ("expand middle", { try $0.narrow(dim: 1, start: 0, length: 1).expand([2, 5, 4]) }),
            ("narrow", { try $0.narrow(dim: 2, start: 1, length: 2) }),
            ("select", { try $0.select(dim: 1, index: -1) }), ("slice", { try $0.slice(dim: 2, from: 1, step: 2) }),
            ("slice backwards", { try $0.slice(dim: 1, step: -2) }),
            ("empty", { try $0.narrow(dim: 0, start: 1, length: 0) }),
            (
                "split",
                { x in
                    let p = try x.split(3, dim: 2); return try p[0].narrow(dim: 2, start: 0, length: 1).mul(p[1])
                }
            ),
            (
                "chunk",
                { x in
                    let p = try x.chunk(2, dim: 0); return try p[0].mul(p[1])
                }
            ), ("pad", { try $0.pad([1, -1, 0, 2]) }), ("clone", { try $0.clone() }),
            ("cat", { try Tensor.cat([$0, $0.narrow(dim: 1, start: 0, length: 2)], dim: 1) }),
            ("stack", { try Tensor.stack([$0, $0.mul(2)], dim: 1) }),
            ("to", { try $0.to(.float64).mul(2) }),
            (
                "view of view",
                { try $0.select(dim: 0, index: 1).transpose(0, 1).narrow(dim: 0, start: 1, length: 3).reshape([9]) }
            )
        ]
        for (name, operation) in operations { try checkGradients([normal([2, 3, 4])], name) { try operation($0[0]) } }
        let other = try normal([2, 2])
        try checkGradients([normal([2, 3])], "cat with a constant") { try Tensor.cat([other, $0[0], other], dim: 1) }
    }

    func testReductions() throws {
        let operations: [(String, (Tensor) throws -> Tensor)] = [
            ("sum", { try $0.sum() }), ("sum 1", { try $0.sum(dim: 1) }),
            ("sum 0 2", { try $0.sum(dims: [0, 2], keepDim: true) }), ("mean", { try $0.mean() }),
            ("mean 2", { try $0.mean(dim: 2, keepDim: true) }), ("var", { try $0.var() }),
            ("var 1", { try $0.var(dims: [1], correction: 0) }), ("std", { try $0.std(dims: [0, 1]) }),
            ("prod", { try $0.prod() }), ("prod 1", { try $0.prod(dim: 1, keepDim: true) }), ("max", { try $0.max() }),
            ("min", { try $0.min() }),
            ("max 1", { try $0.max(dim: 1).values }), ("min 2", { try $0.min(dim: 2, keepDim: true).values }),
            ("sort", { try $0.sort(dim: 1, descending: true).values }),
            ("topk", { try $0.topk(2, dim: 2).values }), ("cumsum", { try $0.cumsum(dim: 1) }),
            ("softmax", { try $0.softmax(dim: 1) }), ("softmax -1", { try $0.softmax(dim: -1) }),
            ("log_softmax", { try $0.logSoftmax(dim: 0) }), ("logsumexp", { try $0.logsumexp() }),
            ("logsumexp 0 2", { try $0.logsumexp(dims: [0, 2], keepDim: true) }),
            ("norm", { try $0.norm() }), ("norm 1", { try $0.norm(1, dims: [1]) }),
            ("norm 3", { try $0.norm(3, dims: [0, 2]) }), ("norm inf", { try $0.norm(.infinity, dims: [1, 2]) }),
            ("transposed", { try $0.transpose(0, 2).sum(dim: 0).exp() })
        ]
        for (name, operation) in operations {
            try checkGradients([normal([2, 3, 4])], step: 1e-6, tolerance: 1e-5, name) { try operation($0[0]) }
        }
        let zeros = try Tensor([2, 0, 3, 0, 4, 5], [2, 3])
        try checkGradients([zeros], "prod with zeros") { try $0[0].prod(dim: 1) }
        XCTAssertEqual(try gradient(Tensor([3, 1, 3], [3])) { try $0.max() }, [0.5, 0, 0.5])
        try checkGradients([normal([])], "numbers") {
            try $0[0].sum().add($0[0].max(dim: 0).values).add($0[0].softmax(dim: 0)).add($0[0].cumsum(dim: 0)).add(
                $0[0].prod())
        }
    }

    func testProducts() throws {
        let shapes: [(Dims, Dims)] = [
            ([3], [3]), ([2, 3], [3]), ([2], [2, 3]), ([2, 3], [3, 4]), ([5, 2, 3], [3, 4]), ([5, 2, 3], [5, 3, 4]),
            ([2, 3], [5, 3, 4]),
            ([2, 1, 3, 2], [4, 2, 3]), ([5, 2, 3], [3]), ([3], [5, 3, 2]), ([1, 2, 3], [4, 3, 2])
        ]
        for (a, b) in shapes {
            try checkGradients([normal(a), normal(b)], "matmul \(a) \(b)") { try $0[0].matmul($0[1]) }
        }
        try checkGradients([normal([3, 2]), normal([4, 3])], "transposed") {
            try $0[0].transpose(0, 1).matmul($0[1].transpose(0, 1))
        }
        let constant = try normal([3, 4])
        try checkGradients([normal([2, 3])]) { try $0[0].matmul(constant) }
        try checkGradients([normal([4, 2])]) { try constant.matmul($0[0]) }
        try checkGradients([normal([2, 2]), normal([2, 3]), normal([3, 2])], "addmm_") {
            try $0[0].clone().addmm_($0[1], $0[2], beta: 0.5, alpha: 2)
        }
        try checkGradients([normal([3, 2])], "addmm_ into a constant") {
            try Tensor(ones: [3, 2], .float64).addmm_(constant.matmul(constant.transpose(0, 1)), $0[0])
        }
    }

    func testIndexing() throws {
        let positions = try Tensor(integers: [2, 0, 2], [3]), square = try Tensor(integers: [0, 2, 2, 1], [2, 2])
        let mask = try Tensor(integers: [1, 0, 0, 1, 1, 0], [2, 3]).to(.bool)
        let x = try normal([2, 3]), y = try normal([2, 3])
        try checkGradients([normal([2, 3, 4])]) { try $0[0].indexSelect(dim: 1, positions) }
        try checkGradients([normal([2, 3])]) { try $0[0].gather(dim: 1, square) }
        try checkGradients([x]) { try $0[0].maskedSelect(mask) }
        try checkGradients([x]) { try $0[0].maskedFill(mask, 3) }
        try checkGradients([x, y]) { try Tensor.where(mask, $0[0], $0[1].mul(2)) }
        try checkGradients([normal([3]), normal([])]) { try Tensor.where(mask, $0[0], $0[1]) }
        try checkGradients([normal([3, 4])]) { try $0[0].index([positions, Tensor(integers: [1], [])]) }
        try checkGradients([x]) { try $0[0].index([mask]) }
        try checkGradients([normal([3, 2]), normal([3, 2])], "index_add_") {
            try $0[0].mul(1).indexAdd_(dim: 0, positions, $0[1])
        }
        try checkGradients([x, normal([2, 2])], "scatter_add_") { try $0[0].mul(1).scatterAdd_(dim: 1, square, $0[1]) }
        try checkGradients([x, normal([2, 3])], "scatter_") {
            try $0[0].mul(1).scatter_(dim: 1, Tensor(integers: [2, 0], [2, 1]), $0[1])
        }
        try checkGradients([x], "scatter_ of a value") {
            try $0[0].mul(1).scatter_(dim: 1, Tensor(integers: [2, 0], [2, 1]), value: 3)
        }
        try checkGradients([normal([3, 2]), normal([2])], "index_put_") {
            try $0[0].mul(1).indexPut_([Tensor(integers: [2, 0], [2])], $0[1])
        }
        try checkGradients([normal([3, 2]), normal([3, 2])], "index_put_ accumulate") {
            try $0[0].mul(1).indexPut_([positions], $0[1], accumulate: true)
        }
    }
}
