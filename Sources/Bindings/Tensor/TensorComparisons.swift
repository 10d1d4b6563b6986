import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Comparisons elementwise, and of whole tensors.
    func declareComparisons() {
        let comparisons:
            [(String, String, String, (Tensor, Tensor) throws -> Tensor, (Tensor, Scalar) throws -> Tensor)] = [
                ("eq", "a = b", "[false,  true, false]", { try $0.eq($1) }, { try $0.eq($1) }),
                ("ne", "a differs from b", "[ true, false,  true]", { try $0.ne($1) }, { try $0.ne($1) }),
                ("lt", "a < b", "[ true, false, false]", { try $0.lt($1) }, { try $0.lt($1) }),
                ("le", "a <= b", "[ true,  true, false]", { try $0.le($1) }, { try $0.le($1) }),
                ("gt", "a > b", "[false, false,  true]", { try $0.gt($1) }, { try $0.gt($1) }),
                ("ge", "a >= b", "[false,  true,  true]", { try $0.ge($1) }, { try $0.ge($1) })
            ]
        for (name, what, result, tensors, number) in comparisons {
            method(
                name, "(other: Tensor|number) -> Tensor",
                "Where \(what), elementwise: a bool tensor; shapes broadcast. NaN equals nothing.",
                example: "tensor.new{1, 2, 3}:\(name)(2)  --> \(result)"
            ) { t, call in
                if let other = try call.objectIfAny(1, as: Tensor.self) { return try call.push(tensors(t, other)) }
                return try call.push(number(t, call.scalar(1)))
            }
        }
        let logical: [(String, String, String, (Tensor, Tensor) throws -> Tensor)] = [
            ("logical_and", "both are", "[ true, false, false]", { try $0.logicalAnd($1) }),
            ("logical_or", "either is", "[ true,  true, false]", { try $0.logicalOr($1) }),
            ("logical_xor", "exactly one is", "[false,  true, false]", { try $0.logicalXor($1) })
        ]
        for (name, what, result, operation) in logical {
            method(
                name, "(other: Tensor) -> Tensor", "Where \(what) not zero: a bool tensor, of any dtypes.",
                example: "tensor.new{1, 2, 0}:\(name)(tensor.new{5, 0, 0})  --> \(result)"
            ) { t, call in try call.push(operation(t, call.tensor(1))) }
        }
        method(
            "logical_not", "() -> Tensor", "Where it is zero: a bool tensor.",
            example: "tensor.new{1, 0, 0}:logical_not()  --> [false,  true,  true]"
        ) { t, call in try call.push(t.logicalNot()) }
        method(
            "isnan", "() -> Tensor", "Where it is not a number: a bool tensor.",
            example: "tensor.new{1, 0 / 0}:isnan():any()  --> true"
        ) { t, call in try call.push(t.ne(t)) }
        method(
            "isfinite", "() -> Tensor", "Where it is neither infinite nor NaN: a bool tensor.",
            example: "tensor.new{1, math.huge, 0 / 0}:isfinite()  --> [ true, false, false]"
        ) { t, call in try call.push(t.detach().abs().lt(Double.infinity)) }
        metamethod(
            "__eq", "(a: any, b: any) -> boolean",
            "`a == b`: whether both are the same tensor, not whether their elements are equal; see `eq`, `equal` and `allclose`.",
            example: """
                local a, b = tensor.ones(2), tensor.ones(2)
                a == b, a == a  --> false, true
                a:equal(b)      --> true
                a:eq(b)         --> [true, true]
                """
        ) { call in
            // Two handles of one object are the same tensor. Lua asks only about two userdata.
            let a = try call.value(1).object(Tensor.self), b = try call.value(2).object(Tensor.self)
            return try call.push(a != nil && a === b)
        }
        method(
            "equal", "(other: Tensor) -> boolean", "Whether both have the same shape and equal elements.",
            example: """
                tensor.ones(2):equal(tensor.new{1, 1})   --> true
                tensor.ones(2):equal(tensor.ones(2, 1))  --> false
                """
        ) { t, call in try call.push(t.equal(call.tensor(1))) }
        method(
            "allclose",
            "(other: Tensor, opts?: {rtol?: number = 1e-5, atol?: number = 1e-8, equal_nan?: boolean = false}) -> boolean",
            "Whether |a - b| <= atol + rtol |b| everywhere; shapes broadcast, infinities must be equal.",
            example: """
                tensor.new{1}:allclose(tensor.new{1.000001})            --> true
                tensor.new{1}:allclose(tensor.new{1.01}, {rtol = 0.1})  --> true
                """
        ) { t, call in
            try call.push(
                t.allClose(
                    call.tensor(1), relative: call.option("rtol"), absolute: call.option("atol"),
                    equalNaN: call.option("equal_nan")))
        }
    }
}
