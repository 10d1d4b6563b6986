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

    func callAsFunction(_ call: Call) throws -> Results {
        guard let a = try call.objectIfAny(1, as: Tensor.self) else { return try call.push(left(call.scalar(1), call.tensor(2))) }
        if let b = try call.objectIfAny(2, as: Tensor.self) { return try call.push(tensors(a, b)) }
        return try call.push(right(a, call.scalar(2)))
    }

    func callAsFunction(_ t: Tensor, _ call: Call) throws -> Results {
        if let other = try call.objectIfAny(1, as: Tensor.self) { return try call.push(tensors(t, other)) }
        return try call.push(right(t, call.scalar(1)))
    }
}

private let add = Binary(name: "add", tensors: { try $0.add($1) }, right: { try $0.add($1) }, left: { try $1.add($0) },
                         doc: "The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or.")
private let sub = Binary(name: "sub", tensors: { try $0.sub($1) }, right: { try $0.sub($1) }, left: { try $1.subtracted(from: $0) },
                         doc: "The difference, elementwise.")
private let mul = Binary(name: "mul", tensors: { try $0.mul($1) }, right: { try $0.mul($1) }, left: { try $1.mul($0) },
                         doc: "The product, elementwise; `matmul` multiplies matrices. Of bools: and.")
private let div = Binary(name: "div", tensors: { try $0.div($1) }, right: { try $0.div($1) }, left: { try $1.divided(into: $0) },
                         doc: "The quotient, elementwise; of integers too a float.")
private let pow = Binary(name: "pow", tensors: { try $0.pow($1) }, right: { try $0.pow($1) }, left: { try $1.power(of: $0) },
                         doc: "The power, elementwise. Integers to a negative integer power are refused.")
private let remainder = Binary(name: "remainder", tensors: { try $0.remainder($1) }, right: { try $0.remainder($1) },
                               left: { try Tensor.full([], $0, $1.single($0)).remainder($1) },
                               doc: "a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.")
private let floorDivide = Binary(name: "floor_divide", tensors: { try $0.floorDivided(by: $1) },
                                 right: { try $0.floorDivided(by: Tensor.full([], $1, $0.single($1))) },
                                 left: { try Tensor.full([], $0, $1.single($0)).floorDivided(by: $1) },
                                 doc: "The quotient rounded down, elementwise, as Lua's `//`; integers stay integers, and their division by zero is an error.")

extension Tensor {
    /// The dtype of a number beside this tensor.
    fileprivate func single(_ value: Scalar) -> DType {
        if case .int = value { return .int64 }
        return dtype.isFloating ? dtype : .float32
    }

    fileprivate func floorDivided(by other: Tensor) throws -> Tensor {
        guard !DType.promote(dtype, other.dtype).isFloating else { return try div(other).floor() }
        let rest = try remainder(other)         // refuses 0
        return try sub(rest).to(.float64).div(other.to(.float64)).round().to(rest.dtype)
    }
}

extension ClassBuilder where T == Tensor {
    /// Operators; a number may stand on either side. Those that Lua forces to give a boolean are errors that say what to use.
    func declareOperators() {
        for (event, sign, operation) in [("__add", "+", add), ("__sub", "-", sub), ("__mul", "*", mul), ("__div", "/", div), ("__pow", "^", pow),
                                         ("__mod", "%", remainder), ("__idiv", "//", floorDivide)] {
            metamethod(event, "(a: Tensor|number, b: Tensor|number) -> Tensor", "`a \(sign) b`. \(operation.doc)") { try operation($0) }
        }
        // Lua passes the operand twice.
        metamethod("__unm", "(a: Tensor, b?: any) -> Tensor", "`-a`.") { call in try call.push(call.tensor(1).neg()) }
        let logical: [(String, String, String, (Tensor, Tensor) throws -> Tensor)] = [
            ("__band", "&", "and", { try $0.logicalAnd($1) }), ("__bor", "|", "or", { try $0.logicalOr($1) }),
            ("__bxor", "~", "exclusive or", { try $0.logicalXor($1) }),
        ]
        for (event, sign, what, operation) in logical {
            metamethod(event, "(a: Tensor, b: Tensor) -> Tensor", "`a \(sign) b` of bool tensors: \(what), elementwise.") { call in
                try call.push(operation(call.mask(1, sign), call.mask(2, sign)))
            }
        }
        metamethod("__bnot", "(a: Tensor, b?: any) -> Tensor", "`~a` of a bool tensor: not, elementwise.") { call in try call.push(call.mask(1, "~").logicalNot()) }
        for (event, sign, method) in [("__lt", "<", "lt"), ("__le", "<=", "le")] {
            metamethod(event, "(a: any, b: any) -> boolean", "Refused: `\(sign)` of Lua can only give one boolean. Use a:\(method)(b).") { _ in
                throw OpahError(.argument, "tensors cannot be compared with \(sign), which in Lua can only give one boolean",
                                hint: "use a:\(method)(b) for a bool tensor, or compare a:item() for one number")
            }
        }
    }

    /// The same operations as methods, and in place.
    func declareArithmetic() {
        for operation in [mul, div, pow, remainder, floorDivide] {
            method(operation.name, "(other: Tensor|number) -> Tensor", operation.doc) { t, call in try operation(t, call) }
        }
        for operation in [add, sub] {
            method(operation.name, "(other: Tensor|number, opts?: {alpha?: number = 1}) -> Tensor", operation.doc + " `alpha` multiplies `other` first.",
                   example: operation.name == "add" ? "assert(tensor.ones(2):add(tensor.ones(2), {alpha = 3})[1] == 4)" : nil) { t, call in
                if call.count < 2 { return try operation(t, call) }
                return try call.push(operation.tensors(t, call.operand(1, beside: t).mul(call.option("alpha", as: Scalar.self))))
            }
        }
        inPlace("add_", add.doc, scaled: true, { try $0.add_($1) }, { try $0.add_($1) }, example: "local t = tensor.zeros(2)  t:add_(1)  assert(t[2] == 1)")
        inPlace("sub_", sub.doc, scaled: true, { try $0.sub_($1) }, { try $0.sub_($1) })
        inPlace("mul_", mul.doc, { try $0.mul_($1) }, { try $0.mul_($1) })
        inPlace("div_", div.doc, { try $0.div_($1) }, { try $0.div_($1) })
        inPlace("pow_", pow.doc, { try $0.pow_($1) }, { try $0.pow_($1) })
        inPlace("remainder_", remainder.doc, { try $0.remainder_($1) }, { try $0.remainder_($1) })
        let extremes: [(String, String, (Tensor, Tensor) throws -> Tensor, (Tensor, Tensor) throws -> Tensor)] = [
            ("maximum", "The larger of each pair; NaN where either is.", { try $0.maximum($1) }, { try $0.maximum_($1) }),
            ("minimum", "The smaller of each pair; NaN where either is.", { try $0.minimum($1) }, { try $0.minimum_($1) }),
        ]
        for (name, doc, operation, changing) in extremes {
            method(name, "(other: Tensor|number) -> Tensor", doc) { t, call in try call.push(operation(t, call.operand(1, beside: t))) }
            method(name + "_", "(other: Tensor|number) -> Tensor", "In place: " + doc) { t, call in
                _ = try changing(t, call.operand(1, beside: t))
                return call.pass(0)
            }
        }
        method("clamp", "(low?: number, high?: number) -> Tensor", "Elements below `low` become `low`, those above `high` become `high`; nil sets no limit.",
               example: "assert(tensor.new{-5, 5}:clamp(0, 1):sum():item() == 1)") { t, call in
            try call.push(t.clamp(low: call.get(1, as: Scalar?.self), high: call.get(2, as: Scalar?.self)))
        }
        method("clamp_", "(low?: number, high?: number) -> Tensor", "`clamp` in place.") { t, call in
            try t.clamp_(low: call.get(1, as: Scalar?.self), high: call.get(2, as: Scalar?.self))
            return call.pass(0)
        }
    }

    /// - Parameter scaled: whether the method takes `alpha`.
    private func inPlace(_ name: String, _ doc: String, scaled: Bool = false, _ tensors: @escaping (Tensor, Tensor) throws -> Tensor,
                         _ number: @escaping (Tensor, Scalar) throws -> Tensor, example: String? = nil) {
        method(name, scaled ? "(other: Tensor|number, opts?: {alpha?: number = 1}) -> Tensor" : "(other: Tensor|number) -> Tensor",
               "In place: " + doc + (scaled ? " `alpha` multiplies `other` first." : ""), example: example) { t, call in
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
            throw OpahError(.dtype, "\(sign): a tensor of dtype \(mask.dtype.rawValue)", hint: "masks are bool: compare first, as in t:gt(0)")
        }
        return mask
    }
}
