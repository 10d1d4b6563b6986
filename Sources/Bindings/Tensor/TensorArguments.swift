import LuaHost
import Support
import Tensors

// What the bindings of tensors read from a call. Dimensions and positions count from 1 in Lua, negative
// ones from the end, and from 0 in Swift; they are checked here, so that every message has Lua's numbers.

extension DType: LuaReadable {
    /// As signatures write it.
    static let choices = "DType<" + allCases.map { "\"\($0.rawValue)\"" }.joined(separator: "|") + ">"
}

extension Scalar: LuaReadable {
    /// Integers stay integers: they leave an integer tensor what it is. true and false are 1 and 0.
    public static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Scalar {
        switch try LuaValue.read(stack, index) {
        case .integer(let value): .int(value)
        case .number(let value): .real(value)
        case .boolean(let value): .int(value ? 1 : 0)
        default: .real(try Double.read(stack, index))   // says what was expected
        }
    }

    public static func from(_ literal: Literal) -> Scalar? {
        switch literal {
        case .integer(let value): .int(value)
        case .number(let value): .real(value)
        default: nil
        }
    }
}

extension Call {
    func tensor(_ argument: Int) throws -> Tensor { try object(argument) }

    /// A number or a boolean, as it stands beside a tensor.
    func scalar(_ argument: Int) throws -> Scalar {
        if isInteger(argument) { return .int(try integer(argument)) }
        if let number = numberIfAny(argument) { return .real(number) }
        return try get(argument)
    }

    /// A tensor, or a number as a tensor without dimensions that takes its dtype from `other` where it can.
    func operand(_ argument: Int, beside other: Tensor? = nil) throws -> Tensor {
        if let tensor = try objectIfAny(argument, as: Tensor.self) { return tensor }
        let value = try scalar(argument)
        if case .int = value { return try Tensor.full([], value, .int64) }
        return try Tensor.full([], value, other.map(\.dtype).flatMap { $0.isFloating ? $0 : nil } ?? .float32)
    }

    /// An error of the given kind with the function's name in front.
    func error(_ kind: OpahError.Kind, _ message: String, hint: String? = nil) -> OpahError {
        var error = self.error(message, hint: hint)
        error.kind = kind
        return error
    }

    // MARK: Dimensions

    /// A dimension of `tensor` as Swift counts it.
    /// - Parameters:
    ///   - extra: how many dimensions more than the tensor has may be named.
    ///   - scalars: whether a tensor without dimensions counts as having one.
    func dim(_ argument: Int, of tensor: Tensor, extra: Int = 0, scalars: Bool = true) throws -> Int {
        try dimension(integer(argument), of: tensor, extra: extra, scalars: scalars)
    }

    /// The same for a number that is no argument of its own.
    func dimension(_ value: Int, of tensor: Tensor, extra: Int = 0, scalars: Bool = true) throws -> Int {
        let extent = max(tensor.rank + extra, scalars ? 1 : 0)
        if value >= 1, value <= extent { return value - 1 }
        if value < 0, value >= -extent { return value + extent }
        throw error(
            .index, "dimension \(value) of a tensor of shape \(tensor.shape)",
            hint: extent == 0 ? "it has no dimensions" : "dimensions are 1...\(extent), or -1...-\(extent) from the end"
        )
    }

    /// A dimension, nil when it was left out.
    func dimIfAny(_ argument: Int, of tensor: Tensor) throws -> Int? {
        isNil(argument) ? nil : try dim(argument, of: tensor)
    }

    /// One dimension or a list of them, each once; nil when it was left out.
    func dims(_ argument: Int, of tensor: Tensor) throws -> Dims? {
        if isNil(argument) { return nil }
        guard isTable(argument) else { return [try dim(argument, of: tensor)] }
        let list = try integers(argument)
        guard !list.isEmpty else {
            let name = functionName
            throw error(
                at: argument, "no dimensions",
                hint:
                    "options come after the dimension, and nil stands for all of them: t:\(name)(1), t:\(name)(nil, { keepdim = true })"
            )
        }
        var result: [Int] = []
        for value in list {
            let d = try dimension(value, of: tensor)
            guard !result.contains(d) else { throw error(.argument, "dimension \(value) twice") }
            result.append(d)
        }
        return Dims(result)
    }

    /// Sizes given as numbers or as one list.
    func sizes() throws -> Dims {
        let range = variadicRange
        if range.count <= Dims.maxCount, range.allSatisfy(isInteger) {
            var sizes = Dims()
            for argument in range { sizes.append(try integer(argument)) }
            return sizes
        }
        if range.count == 1, isTable(range.lowerBound),
            let name = try table(range.lowerBound).pairs().lazy.compactMap({ $0.0.string }).first
        {
            throw error(
                "'\(name)' among the sizes",
                hint:
                    "options are a table of their own, behind the sizes: tensor.\(functionName)(2, 3, { \(name) = ... })"
            )
        }
        let list: [Int] = try variadic()
        guard list.count <= Dims.maxCount else {
            throw error(.shape, "\(list.count) dimensions; a tensor has at most \(Dims.maxCount)")
        }
        return Dims(list)
    }

    // MARK: Positions

    /// A position of dimension `d` (Swift's) of `tensor` as Swift counts it.
    /// - Parameter isRow: whether it stands alone, as `t[i]`.
    func position(_ value: Int, _ d: Int, of tensor: Tensor, isRow: Bool = false) throws -> Int {
        let size = tensor.shape[d]
        if value >= 1, value <= size { return value - 1 }
        if value < 0, value >= -size { return value + size }
        let hint =
            value == 0
            ? "positions count from 1, and from -1 at the end"
            : value == size + 1 && isRow
                ? "its positions are 1...\(size); `for i, row in t:rows()` ends there, `ipairs` does not"
                : size == 0 ? "it has no positions" : "positions are 1...\(size), or -1...-\(size) from the end"
        throw error(.index, "position \(value) is outside dimension \(d + 1) of shape \(tensor.shape)", hint: hint)
    }

    /// Positions of dimension `d` (Swift's) of `tensor`, from a tensor or a list: int64, as Swift counts them.
    func positions(_ argument: Int, _ d: Int, of tensor: Tensor) throws -> Tensor {
        if let given = try objectIfAny(argument, as: Tensor.self) { return try positions(given, d, of: tensor) }
        let list = try integers(argument)
        return try positions(Tensor(integers: list, [list.count]), d, of: tensor)
    }

    func positions(_ given: Tensor, _ d: Int, of tensor: Tensor) throws -> Tensor {
        let values = try wholeNumbers(given, "positions")
        return try Tensor(integers: values.ints().map { try position($0, d, of: tensor) }, values.shape)
    }

    /// An integer tensor as it is; a floating one without fractions as int64, since `tensor.new{1, 2}` is float32.
    func wholeNumbers(_ given: Tensor, _ what: String) throws -> Tensor {
        if given.dtype.isInteger { return given }
        guard given.dtype.isFloating else {
            throw error(.dtype, "\(what) of dtype \(given.dtype.rawValue)", hint: "integers are wanted")
        }
        if let wrong = try given.doubles().first(where: { $0 != $0.rounded() || abs($0) > 0x1p53 }) {
            throw error(
                .dtype, "\(what) of dtype \(given.dtype.rawValue) with the value \(wrong)", hint: "integers are wanted")
        }
        return try given.detach().to(.int64)
    }
}

extension Tensor {
    /// Positions as Lua counts them: a copy, since a gradient may still need those that Swift counts.
    func oneBased() throws -> Tensor { try add(1) }
}
