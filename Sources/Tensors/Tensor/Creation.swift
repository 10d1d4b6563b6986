import Support

extension Tensor {
    public static func zeros(_ shape: Dims, _ dtype: DType = .float32) throws -> Tensor {
        try Tensor(zeros: shape, dtype)
    }
    public static func ones(_ shape: Dims, _ dtype: DType = .float32) throws -> Tensor { try full(shape, 1, dtype) }
    /// Uninitialised elements.
    public static func empty(_ shape: Dims, _ dtype: DType = .float32) throws -> Tensor {
        try Tensor(empty: shape, dtype)
    }

    public static func full(_ shape: Dims, _ value: some ScalarConvertible, _ dtype: DType = .float32) throws -> Tensor
    {
        let result = try Tensor(empty: shape, dtype)
        result.setElements(value.scalar)
        return result
    }

    public convenience init(ones shape: Dims, _ dtype: DType = .float32) throws {
        try self.init(empty: shape, dtype)
        setElements(.int(1))
    }

    /// The integers first, first + step, ... up to `last`, which is included when it is reached.
    public static func range(_ first: Int, _ last: Int, step: Int = 1, _ dtype: DType = .int64) throws -> Tensor {
        try checkRange(Double(first), Double(last), Double(step))
        let count = try length((Double(last) - Double(first)) / Double(step), dtype)
        let result = try Tensor(empty: [count], .int64)
        let to = result.pointer(Int.self)
        for i in 0 ..< count { to[i] = first &+ i &* step }
        return try result.to(dtype)
    }

    /// The numbers first, first + step, ... up to `last`, which is included when it is reached (within
    /// rounding: 0 to 1 in steps of 0.1 has 11).
    public static func range(
        _ first: Double, _ last: Double, step: Double = 1, _ dtype: DType = .float32
    ) throws -> Tensor {
        try checkRange(first, last, step)
        let count = try length((last - first) / step + 1e-9, dtype)
        let result = try Tensor(empty: [count], .float64)
        let to = result.pointer(Double.self)
        for i in 0 ..< count { to[i] = first + Double(i) * step }
        return try result.to(dtype)
    }

    private static func checkRange(_ first: Double, _ last: Double, _ step: Double) throws {
        guard step != 0, first.isFinite, last.isFinite, step.isFinite else {
            throw OpahError(
                .argument, "range: from \(first) to \(last) in steps of \(step)",
                hint: "the step must not be 0, and all must be finite")
        }
    }

    private static func length(_ steps: Double, _ dtype: DType) throws -> Int {
        guard steps >= 0 else { return 0 }
        guard steps < Double(Memory.limit) else {
            throw OpahError(.memory, "range: \(steps) elements cannot be allocated")
        }
        return Int(steps) + 1
    }

    /// `count` numbers from `first` to `last`, both included, evenly spaced.
    public static func linspace(_ first: Double, _ last: Double, count: Int, _ dtype: DType = .float32) throws -> Tensor
    {
        guard count >= 0 else { throw OpahError(.argument, "linspace: \(count) elements") }
        let result = try Tensor(empty: [count], .float64)
        let to = result.pointer(Double.self), step = count > 1 ? (last - first) / Double(count - 1) : 0
        // From both ends, so that both are exact.
        for i in 0 ..< count {
            to[i] = i < (count + 1) / 2 ? first + Double(i) * step : last - Double(count - 1 - i) * step
        }
        return try result.to(dtype)
    }

    /// Ones on the diagonal, zeros elsewhere: [rows, columns], square unless said otherwise.
    public static func eye(_ rows: Int, _ columns: Int? = nil, _ dtype: DType = .float32) throws -> Tensor {
        let columns = columns ?? rows, result = try Tensor(zeros: [rows, columns], dtype)
        let diagonal = Tensor(
            storage: result.storage, offset: 0, shape: [Swift.min(rows, columns)], strides: [columns + 1], dtype: dtype)
        diagonal.setElements(.int(1))
        return result
    }

    /// A tensor of these elements, in C order.
    public convenience init(_ elements: [Double], _ shape: Dims, _ dtype: DType) throws {
        guard elements.count == shape.product else {
            throw OpahError(.shape, "\(elements.count) elements do not fill the shape \(shape)")
        }
        try self.init(empty: shape, dtype)
        let source = dtype == .float64 ? self : try Tensor(empty: shape, .float64)
        elements.withUnsafeBufferPointer {
            if let from = $0.baseAddress { source.pointer(Double.self).update(from: from, count: count) }
        }
        if source !== self { convertElements(from: source) }
    }

    /// The elements of nested data, outermost first.
    public enum Nested {
        case number(Double), integer(Int), bool(Bool), list([Nested])
    }

    /// A tensor of nested data, which must be rectangular: `[[1, 2], [3, 4]]`. Without `dtype`, bools
    /// make bool, anything else float32.
    public convenience init(_ data: Nested, _ dtype: DType? = nil) throws {
        var shape = Dims(), level = data
        while case .list(let items) = level {
            guard shape.count < Dims.maxCount else {
                throw OpahError(.shape, "new: data nested deeper than \(Dims.maxCount) levels")
            }
            shape.append(items.count)
            guard let first = items.first else { break }
            level = first
        }
        let isBool = if case .bool = level { true } else { false }
        let dtype = dtype ?? (isBool ? .bool : .float32)
        var integers: [Int] = [], reals: [Double] = []
        func gather(_ data: Nested, _ depth: Int) throws {
            if case .list(let items) = data {
                guard depth < shape.count, items.count == shape[depth] else {
                    throw OpahError(
                        .shape,
                        "new: a list of \(items.count) where the lists before have "
                            + (depth < shape.count ? "\(shape[depth])" : "numbers"),
                        hint: "all lists of one level need the same length")
                }
                for item in items { try gather(item, depth + 1) }
                return
            }
            guard depth == shape.count else {
                throw OpahError(
                    .shape, "new: a number where the lists before have lists of \(shape[depth])",
                    hint: "all lists of one level need the same length")
            }
            switch data {
            case .integer(let value) where !dtype.isFloating: integers.append(value)
            case .bool(let value) where !dtype.isFloating: integers.append(value ? 1 : 0)
            case .number(let value) where !dtype.isFloating: integers.append(Int(truncating: value))
            case .integer(let value): reals.append(Double(value))
            case .bool(let value): reals.append(value ? 1 : 0)
            case .number(let value): reals.append(value)
            case .list: break
            }
        }
        try gather(data, 0)
        if dtype.isFloating {
            try self.init(reals, shape, dtype)
        } else if dtype == .bool {
            try self.init(empty: shape, .bool)
            for (i, value) in integers.enumerated() { pointer(UInt8.self)[i] = value != 0 ? 1 : 0 }
        } else {
            try self.init(integers: integers, shape, dtype)
        }
    }
}
