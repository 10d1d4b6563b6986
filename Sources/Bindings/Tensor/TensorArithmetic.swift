import LuaHost
import Support
import Tensors

/// An operation on two operands, of which either may be a number.
private struct Binary: Sendable {
    let name: String
    let tensors: @Sendable (Tensor, Tensor) throws -> Tensor
    /// tensor op number
    let right: @Sendable (Tensor, Scalar) throws -> Tensor
    /// number op tensor
    let left: @Sendable (Scalar, Tensor) throws -> Tensor
    let doc: String
    /// Both operands of the examples, and the result.
    let sample: (a: String, b: String, result: String)

    var methodExample: String { "\(sample.a):\(name)(\(sample.b))  --> \(sample.result)" }

    func callAsFunction(_ call: Call) throws -> Results {
        guard let a = try call.objectIfAny(1, as: Tensor.self) else {
            return try call.push(left(call.scalar(1), call.tensor(2)))
        }
        if let b = try call.objectIfAny(2, as: Tensor.self) { return try call.push(tensors(a, b)) }
        return try call.push(right(a, call.scalar(2)))
    }

    func callAsFunction(_ t: Tensor, _ call: Call) throws -> Results {
        if let other = try call.objectIfAny(1, as: Tensor.self) { return try call.push(tensors(t, other)) }
        return try call.push(right(t, call.scalar(1)))
    }
}

private let add = Binary(
    name: "add", tensors: { try $0.add($1) }, right: { try $0.add($1) }, left: { try $1.add($0) },
    doc: "The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or.",
    sample: ("tensor.new{{1, 2}, {3, 4}}", "tensor.new{10, 20}", "[[11., 22.], [13., 24.]]"))
private let sub = Binary(
    name: "sub", tensors: { try $0.sub($1) }, right: { try $0.sub($1) }, left: { try $1.subtracted(from: $0) },
    doc: "The difference, elementwise; bools cannot be subtracted.",
    sample: ("tensor.new{5, 6}", "tensor.new{1, 2}", "[4., 4.]"))
private let mul = Binary(
    name: "mul", tensors: { try $0.mul($1) }, right: { try $0.mul($1) }, left: { try $1.mul($0) },
    doc: "The product, elementwise; `matmul` multiplies matrices. Of bools: and.",
    sample: ("tensor.new{{1, 2}, {3, 4}}", "tensor.new{{10}, {100}}", "[[ 10.,  20.], [300., 400.]]"))
private let div = Binary(
    name: "div", tensors: { try $0.div($1) }, right: { try $0.div($1) }, left: { try $1.divided(into: $0) },
    doc: "The quotient, elementwise; of integers too a float.",
    sample: ("tensor.new({3, 4}, {dtype = \"int64\"})", "2", "[1.5000, 2.0000]"))
private let pow = Binary(
    name: "pow", tensors: { try $0.pow($1) }, right: { try $0.pow($1) }, left: { try $1.power(of: $0) },
    doc: "The power, elementwise. Integers to a negative integer power are refused.",
    sample: ("tensor.new{1, 2, 3}", "2", "[1., 4., 9.]"))
private let remainder = Binary(
    name: "remainder", tensors: { try $0.remainder($1) }, right: { try $0.remainder($1) },
    left: { try Tensor.full([], $0, $1.single($0)).remainder($1) },
    doc: "a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.",
    sample: ("tensor.new{7, -7}", "3", "[1., 2.]"))
private let floorDivide = Binary(
    name: "floor_divide", tensors: { try $0.floorDivided(by: $1) },
    right: { try $0.floorDivided(by: Tensor.full([], $1, $0.single($1))) },
    left: { try Tensor.full([], $0, $1.single($0)).floorDivided(by: $1) },
    doc:
        "The quotient rounded down, elementwise, as Lua's `//`; integers stay integers, and their division by zero is an error.",
    sample: ("tensor.new{7, -7}", "3", "[ 2., -3.]"))

extension Tensor {
    /// The dtype of a number beside this tensor.
    fileprivate func single(_ value: Scalar) -> DType {
        if case .int = value { return .int64 }
        return dtype.isFloating ? dtype : .float32
    }

    fileprivate func floorDivided(by other: Tensor) throws -> Tensor {
        guard !DType.promote(dtype, other.dtype).isFloating else { return try div(other).floor() }
        let rest: Tensor
        do { rest = try remainder(other) } catch var error as OpahError {   // refuses 0
            error.message = error.message.replacing("remainder:", with: "floor_divide:")
            throw error
        }
        let multiple = try sub(rest)
        if rest.dtype == .int64, multiple.count > 0,
            try multiple.max().item() >= 0x1p53 || multiple.min().item() <= -0x1p53
        {
            // float64 does not hold all of these.
            let quotients = try zip(multiple.ints(), other.to(.int64).expand(multiple.shape).ints()).map {
                $0.dividedReportingOverflow(by: $1).partialValue
            }
            return try Tensor(integers: quotients, multiple.shape)
        }
        return try multiple.to(.float64).div(other.to(.float64)).round().to(rest.dtype)
    }
}

extension ClassBuilder where T == Tensor {
    /// Operators; a number may stand on either side. Those that Lua forces to give a boolean are errors that say what
    /// to use.
    func declareOperators() {
        for (event, sign, operation) in [
            ("__add", "+", add), ("__sub", "-", sub), ("__mul", "*", mul), ("__div", "/", div), ("__pow", "^", pow),
            ("__mod", "%", remainder), ("__idiv", "//", floorDivide)
        ] {
            metamethod(
                event, "(a: Tensor|number, b: Tensor|number) -> Tensor", "`a \(sign) b`. \(operation.doc)",
                example: "\(operation.sample.a) \(sign) \(operation.sample.b)  --> \(operation.sample.result)"
            ) { try operation($0) }
        }
        // Lua passes the operand twice.
        metamethod("__unm", "(a: Tensor, b?: any) -> Tensor", "`-a`.", example: "-tensor.new{1, -2}  --> [-1.,  2.]") {
            call in try call.push(call.tensor(1).signed("-").neg())
        }
        let logical: [(String, String, String, String, (Tensor, Tensor) throws -> Tensor)] = [
            ("__band", "&", "and", "[false,  true, false]", { try $0.logicalAnd($1) }),
            ("__bor", "|", "or", "[true, true, true]", { try $0.logicalOr($1) }),
            ("__bxor", "~", "exclusive or", "[ true, false,  true]", { try $0.logicalXor($1) })
        ]
        for (event, sign, what, result, operation) in logical {
            metamethod(
                event, "(a: Tensor, b: Tensor) -> Tensor",
                "`a \(sign) b` of bool tensors: \(what), elementwise. Lua's `and`, `or` and `not` cannot do that.",
                example: "local t = tensor.new{1, 2, 3}\nt:gt(1) \(sign) t:lt(3)  --> \(result)"
            ) { call in
                try call.push(operation(call.mask(1, sign), call.mask(2, sign)))
            }
        }
        metamethod(
            "__bnot", "(a: Tensor, b?: any) -> Tensor", "`~a` of a bool tensor: not, elementwise.",
            example: "~tensor.new{1, 2, 3}:gt(1)  --> [ true, false, false]"
        ) { call in try call.push(call.mask(1, "~").logicalNot()) }
        for (event, sign, opposite, method, other) in [("__lt", "<", ">", "lt", "gt"), ("__le", "<=", ">=", "le", "ge")]
        {
            metamethod(
                event, "(a: any, b: any) -> boolean",
                "Refused: `\(sign)` and `\(opposite)` of Lua can only give one boolean. Use a:\(method)(b) and a:\(other)(b).",
                example: """
                    pcall(function() return tensor.new{1, 2} \(sign) 2 end)  --> false, tensors cannot be compared with \(sign)...
                    tensor.new{1, 2}:\(method)(2)                              --> \(method == "lt" ? "[ true, false]" : "[true, true]")
                    """
            ) { _ in
                // Lua asks the same of `b > a`.
                throw OpahError(
                    .argument,
                    "tensors cannot be compared with \(sign) and \(opposite), which in Lua can only give one boolean",
                    hint: "use a:\(method)(b) or a:\(other)(b) for a bool tensor, or compare a:item() for one number")
            }
        }
    }

    /// The same operations as methods, and in place.
    func declareArithmetic() {
        for operation in [mul, div, pow, remainder, floorDivide] {
            method(operation.name, "(other: Tensor|number) -> Tensor", operation.doc, example: operation.methodExample)
            { t, call in try operation(t, call) }
        }
        for operation in [add, sub] {
            method(
                operation.name, "(other: Tensor|number, opts?: {alpha?: number = 1}) -> Tensor",
                operation.doc + " `alpha` multiplies `other` first.",
                example:
                    "\(operation.methodExample)\ntensor.ones(2):\(operation.name)(tensor.ones(2), {alpha = 3})  --> \(operation.name == "add" ? "[4., 4.]" : "[-2., -2.]")"
            ) { t, call in
                if call.count < 2 { return try operation(t, call) }
                return try call.push(
                    operation.tensors(t, call.operand(1, beside: t).mul(call.option("alpha", as: Scalar.self))))
            }
        }
        inPlace(
            "add_", add.doc, scaled: true, { try $0.add_($1) }, { try $0.add_($1) },
            example: """
                local w, step = tensor.ones(2), tensor.new{1, 2}
                w:add_(step, {alpha = -0.5})
                w  --> [0.5000, 0.0000]
                """)
        inPlace(
            "sub_", sub.doc, scaled: true, { try $0.sub_($1) }, { try $0.sub_($1) },
            example: "local t = tensor.new{5, 6}\nt:sub_(1)\nt  --> [4., 5.]")
        inPlace(
            "mul_", mul.doc, { try $0.mul_($1) }, { try $0.mul_($1) },
            example: "local samples = tensor.new{0.2, -0.4}\nsamples:mul_(2)\nsamples  --> [ 0.4000, -0.8000]")
        inPlace(
            "div_", div.doc + " An integer tensor cannot hold that: an error.", { try $0.div_($1) },
            { try $0.div_($1) },
            example: "local t = tensor.new{1, 3}\nt:div_(t:sum())\nt  --> [0.2500, 0.7500]")
        inPlace(
            "pow_", pow.doc, { try $0.pow_($1) }, { try $0.pow_($1) },
            example: "local t = tensor.new{1, 2, 3}\nt:pow_(2)\nt  --> [1., 4., 9.]")
        inPlace(
            "remainder_", remainder.doc, { try $0.remainder_($1) }, { try $0.remainder_($1) },
            example: "local t = tensor.new{7, -7}\nt:remainder_(3)\nt  --> [1., 2.]")
        let extremes: [(String, String, String, (Tensor, Tensor) throws -> Tensor, (Tensor, Tensor) throws -> Tensor)] =
            [
                (
                    "maximum", "The larger of each pair; NaN where either is. `max` is the largest within one tensor.",
                    "[4., 5.]", { try $0.maximum($1) }, { try $0.maximum_($1) }
                ),
                (
                    "minimum",
                    "The smaller of each pair; NaN where either is. `min` is the smallest within one tensor.",
                    "[1., 2.]", { try $0.minimum($1) }, { try $0.minimum_($1) }
                )
            ]
        for (name, doc, result, operation, changing) in extremes {
            method(
                name, "(other: Tensor|number) -> Tensor", doc,
                example: "tensor.new{1, 5}:\(name)(tensor.new{4, 2})  --> \(result)"
            ) { t, call in try call.push(operation(t, call.operand(1, beside: t))) }
            method(
                name + "_", "(other: Tensor|number) -> Tensor", "In place: " + doc,
                example: "local t = tensor.new{1, 5}\nt:\(name)_(tensor.new{4, 2})\nt  --> \(result)"
            ) { t, call in
                _ = try changing(t, call.operand(1, beside: t))
                return call.pass(0)
            }
        }
        method(
            "clamp", "(low?: number, high?: number) -> Tensor",
            "Elements below `low` become `low`, those above `high` become `high`; nil sets no limit.",
            example: """
                tensor.new{-5, 0.5, 5}:clamp(-1, 1)   --> [-1.0000,  0.5000,  1.0000]
                tensor.new{-5, 0.5, 5}:clamp(nil, 1)  --> [-5.0000,  0.5000,  1.0000]
                """
        ) { t, call in
            try call.push(t.clamp(low: call.get(1, as: Scalar?.self), high: call.get(2, as: Scalar?.self)))
        }
        method(
            "clamp_", "(low?: number, high?: number) -> Tensor", "`clamp` in place.",
            example: "local samples = tensor.new{-1.5, 0.5}\nsamples:clamp_(-1, 1)\nsamples  --> [-1.0000,  0.5000]"
        ) { t, call in
            try t.clamp_(low: call.get(1, as: Scalar?.self), high: call.get(2, as: Scalar?.self))
            return call.pass(0)
        }
    }

    /// - Parameter scaled: whether the method takes `alpha`.
    private func inPlace(
        _ name: String, _ doc: String, scaled: Bool = false, _ tensors: @escaping (Tensor, Tensor) throws -> Tensor,
        _ number: @escaping (Tensor, Scalar) throws -> Tensor, example: String? = nil
    ) {
        method(
            name,
            scaled
                ? "(other: Tensor|number, opts?: {alpha?: number = 1}) -> Tensor" : "(other: Tensor|number) -> Tensor",
            "In place: " + doc + (scaled ? " `alpha` multiplies `other` first." : ""), example: example
        ) { t, call in
            if scaled, call.count > 1 {
                _ = try tensors(t, call.operand(1, beside: t).mul(call.option("alpha", as: Scalar.self)))
            } else if let other = try call.objectIfAny(1, as: Tensor.self) {
                _ = try tensors(t, other)
            } else {
                _ = try number(t, call.scalar(1))
            }
            return call.pass(0)
        }
    }
}

extension Call {
    /// An operand of `&`, `|` or `~`.
    fileprivate func mask(_ argument: Int, _ sign: String) throws -> Tensor {
        let mask = try tensor(argument)
        guard mask.dtype == .bool else {
            throw OpahError(
                .dtype, "\(sign): a tensor of dtype \(mask.dtype.rawValue)",
                hint: "masks are bool: compare first, as in t:gt(0)")
        }
        return mask
    }
}
