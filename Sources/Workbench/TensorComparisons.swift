import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Comparisons elementwise, and of whole tensors.
    func declareComparisons() {
        let comparisons: [(String, String, (Tensor, Tensor) throws -> Tensor, (Tensor, Scalar) throws -> Tensor)] = [
            ("eq", "a = b", { try $0.eq($1) }, { try $0.eq($1) }), ("ne", "a differs from b", { try $0.ne($1) }, { try $0.ne($1) }),
            ("lt", "a < b", { try $0.lt($1) }, { try $0.lt($1) }), ("le", "a <= b", { try $0.le($1) }, { try $0.le($1) }),
            ("gt", "a > b", { try $0.gt($1) }, { try $0.gt($1) }), ("ge", "a >= b", { try $0.ge($1) }, { try $0.ge($1) }),
        ]
        for (name, what, tensors, number) in comparisons {
            method(name, "(other: Tensor|number) -> Tensor", "Where \(what), elementwise: a bool tensor; shapes broadcast. NaN equals nothing.",
                   example: name == "gt" ? "assert(tensor.new{1, 5}:gt(2)[2] == true)" : nil) { t, call in
                if let other = try call.objectIfAny(1, as: Tensor.self) { return try call.push(tensors(t, other)) }
                return try call.push(number(t, call.scalar(1)))
            }
        }
        let logical: [(String, String, (Tensor, Tensor) throws -> Tensor)] = [
            ("logical_and", "both are", { try $0.logicalAnd($1) }), ("logical_or", "either is", { try $0.logicalOr($1) }),
            ("logical_xor", "exactly one is", { try $0.logicalXor($1) }),
        ]
        for (name, what, operation) in logical {
            method(name, "(other: Tensor) -> Tensor", "Where \(what) not zero: a bool tensor.") { t, call in try call.push(operation(t, call.tensor(1))) }
        }
        method("logical_not", "() -> Tensor", "Where it is zero: a bool tensor.") { t, call in try call.push(t.logicalNot()) }
        method("isnan", "() -> Tensor", "Where it is not a number: a bool tensor.") { t, call in try call.push(t.ne(t)) }
        method("isfinite", "() -> Tensor", "Where it is neither infinite nor NaN: a bool tensor.") { t, call in try call.push(t.detach().abs().lt(Double.infinity)) }
        method("equal", "(other: Tensor) -> boolean", "Whether both have the same shape and equal elements.",
               example: "assert(tensor.ones(2):equal(tensor.new{1, 1}))") { t, call in try call.push(t.equal(call.tensor(1))) }
        method("allclose", "(other: Tensor, opts?: {rtol?: number = 1e-5, atol?: number = 1e-8, equal_nan?: boolean = false}) -> boolean",
               "Whether |a - b| <= atol + rtol |b| everywhere; shapes broadcast, infinities must be equal.",
               example: "assert(tensor.new{1}:allclose(tensor.new{1.000001}))") { t, call in
            try call.push(t.allClose(call.tensor(1), relative: call.option("rtol"), absolute: call.option("atol"), equalNaN: call.option("equal_nan")))
        }
    }
}
