import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// `t[key]` and `t[key] = value`. Keys are
    ///
    ///     t[2]  t[-1]             a row (a view), or a number when there is one dimension
    ///     t[{2, 3}]               one entry per dimension: an element as a number, or a view of fewer dimensions
    ///     t[{{2, 4}, {}}]         ranges, both ends included; {} is everything, {first, last, step} steps
    ///     t[{{-1, 1, -1}}]        backwards: a copy
    ///     t[mask]                 where a bool tensor, which stands for the first dimensions, is true: a copy
    ///     t[positions]            rows by position: a copy;  t[{{}, positions}]: columns
    func declareIndexing() {
        indexer(
            shown: (
                "(t: Tensor, key: integer|table|Tensor) -> number|boolean|Tensor",
                """
                `t[key]`: a row or an element by position, `t[{i, j}]` one entry per dimension, `{first, last, step}` ranges with both ends included, `{}` all of a \
                dimension, bool masks and tensors of positions. Positions count from 1, from -1 at the end. Rows and forward ranges are views, the rest are copies. An element is a Lua number.
                """,
                """
                local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
                t[2], t[{2, 3}], t[-1][1]    --> [4., 5., 6.], 6.0, 4.0
                t[{{}, 1}], t[{{}, {2, 3}}]  --> [1., 4.], [[2., 3.], [5., 6.]]
                t[{{-1, 1, -1}}]             --> [[4., 5., 6.], [1., 2., 3.]]
                t[t:gt(2)]                   --> [3., 4., 5., 6.]
                t[tensor.new{2, 2}]          --> [[4., 5., 6.], [4., 5., 6.]]
                """
            )
        ) { t, call in
            switch try Key(call, t) {
            case .row(let i): return try call.push(t.row(i))
            case .chosen(let indices): return try call.push(t.index(indices))
            case .mask(let mask): return try call.push(t.maskedSelect(mask))
            case .parts(let parts):
                if parts.isElement(of: t) { return try call.push(t.value(at: parts.elementOffset(in: t))) }
                return try call.push(parts.view(of: t))
            case .chosenParts(let parts, let d, let positions):
                let view = try parts.view(of: t)
                return try call.push(view.indexSelect(dim: d, positions))
            }
        }
        newIndexer(
            shown: (
                "(t: Tensor, key: integer|table|Tensor, value: number|boolean|table|Tensor)",
                "`t[key] = value` writes a number, a list or a tensor that broadcasts to what `t[key]` is; the keys are the same, but for ranges that count backwards.",
                """
                local t = tensor.zeros(2, 3)
                t[1] = {1, 2, 3}
                t[{2, {2, 3}}] = 7
                t[t:eq(0)] = -1
                t  --> [[ 1.,  2.,  3.], [-1.,  7.,  7.]]
                """
            )
        ) { t, call in
            let key = try Key(call, t)
            let value = try Value(call, 2, for: t)
            switch key {
            case .row(let i): try value.fill(t.select(dim: 0, index: i))
            case .chosen(let indices):
                if case .number(let number) = value, indices.count == 1, indices[0].dtype == .bool {
                    let mask = indices[0], sizes = Array(mask.shape) + Array(repeating: 1, count: t.rank - mask.rank)
                    try t.maskedFill_(mask.reshape(Dims(sizes)), number)
                } else {
                    try t.indexPut_(indices, value.tensor(for: t))
                }
            case .mask(let mask):
                if case .number(let number) = value {
                    try t.maskedFill_(mask, number)
                } else {
                    try t.indexPut_([mask.expand(t.shape)], value.tensor(for: t))
                }
            case .parts(let parts):
                guard !parts.isCopied else {
                    throw call.error(
                        .index, "a range that counts backwards cannot be assigned to",
                        hint: "name the same range forwards")
                }
                try value.fill(parts.view(of: t))
            case .chosenParts(let parts, let d, let positions):
                guard !parts.isCopied else {
                    throw call.error(
                        .index, "a range that counts backwards cannot be assigned to",
                        hint: "name the same range forwards")
                }
                let view = try parts.view(of: t)
                var area = view.shape
                area[d] = positions.count
                let source = try value.tensor(for: t)
                do { try view.transpose(0, d).indexPut_([positions], source.expand(area).transpose(0, d)) } catch let
                    error as OpahError
                {
                    guard error.message.hasPrefix("expand") else { throw error }
                    throw call.error(.shape, "values of shape \(source.shape) for elements of shape \(area)")
                }
            }
        }
    }
}

/// What stands on the right of `t[key] =`.
private enum Value {
    case number(Scalar), tensor(Tensor)

    init(_ call: Call, _ argument: Int, for t: Tensor) throws {
        if let tensor = try call.objectIfAny(argument, as: Tensor.self) {
            self = .tensor(tensor)
        } else if call.isTable(argument) {
            self = .tensor(try Tensor(call.get(argument, as: NestedData.self).data, t.dtype))
        } else {
            self = .number(try call.scalar(argument))
        }
    }

    /// Writes over a view.
    func fill(_ view: Tensor) throws {
        switch self {
        case .number(let number): try view.fill_(number)
        case .tensor(let tensor): try view.copy_(tensor)
        }
    }

    func tensor(for t: Tensor) throws -> Tensor {
        switch self {
        case .number(let number): try Tensor.full([], number, t.dtype)
        case .tensor(let tensor): tensor
        }
    }
}

/// A key, checked and counted from 0.
private enum Key {
    case row(Int)
    /// Positions or masks for the leading dimensions, which go together.
    case chosen([Tensor])
    /// A mask that broadcasts.
    case mask(Tensor)
    case parts(Parts)
    /// As `parts`, then positions along dimension `d` of what they give.
    case chosenParts(Parts, Int, Tensor)

    init(_ call: Call, _ t: Tensor) throws {
        if call.isNumber(1) {
            guard t.rank > 0 else {
                throw call.error(
                    .index, "a tensor without dimensions cannot be indexed", hint: "t:item() is its element")
            }
            self = .row(try call.position(call.integer(1), 0, of: t, isRow: true))
        } else if let tensor = try call.objectIfAny(1, as: Tensor.self) {
            guard t.rank > 0 else {
                throw call.error(
                    .index, "a tensor without dimensions cannot be indexed", hint: "t:item() is its element")
            }
            if tensor.dtype == .bool {
                self = tensor.rank > 0 && t.shape.starts(with: tensor.shape) ? .chosen([tensor]) : .mask(tensor)
            } else {
                self = .chosen([try call.positions(tensor, 0, of: t)])
            }
        } else if call.isTable(1) {
            try self.init(call, t, call.get(1, as: [Entry].self))
        } else {
            throw call.error(
                .index, "cannot be indexed with \(try call.interpreter.text(call.value(1)))",
                hint: "keys are positions t[2], lists t[{2, {1, 3}}], masks and position tensors")
        }
    }

    private init(_ call: Call, _ t: Tensor, _ entries: [Entry]) throws {
        guard entries.count <= t.rank else {
            throw call.error(
                .index, "\(entries.count) positions for a tensor of shape \(t.shape)",
                hint: "t[{i, j}] has one entry per dimension")
        }
        let tensors = entries.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
        func chosen(_ tensor: Tensor, _ d: Int) throws -> Tensor {
            guard tensor.dtype == .bool else { return try call.positions(tensor, d, of: t) }
            guard tensor.rank == 1, tensor.count == t.shape[d] else {
                throw call.error(
                    .shape, "a mask of shape \(tensor.shape) for dimension \(d + 1) of shape \(t.shape)",
                    hint: "inside a list a mask is a vector for one dimension")
            }
            return try tensor.nonzero().select(dim: 1, index: 0)
        }
        if tensors.count > 1 {
            guard tensors.count == entries.count else {
                throw call.error(
                    .index, "positions for several dimensions beside ranges",
                    hint: "index one dimension after the other")
            }
            self = .chosen(try tensors.enumerated().map { try chosen($1, $0) })
            return
        }
        var parts = Parts(), place = 0, positions: Tensor?
        for (d, entry) in entries.enumerated() {
            switch entry {
            case .position(let i): parts.list.append(.position(try call.position(i, d, of: t)))
            case .all: parts.list.append(.all)
            case .range(let first, let last, let step):
                let from = try call.position(first, d, of: t), to = try call.position(last, d, of: t)
                guard step != 0 else { throw call.error(.index, "a range with a step of 0") }
                guard step > 0 ? from <= to : from >= to else {
                    throw call.error(
                        .index,
                        "the range {\(first), \(last)\(step == 1 ? "" : ", \(step)")} of dimension \(d + 1) of shape \(t.shape) is empty",
                        hint: step > 0 ? "{\(first), \(last), -1} counts backwards" : "a negative step counts backwards"
                    )
                }
                parts.list.append(.range(from, to, step))
            case .tensor(let tensor):
                place = parts.rank
                positions = try chosen(tensor, d)
                guard positions!.rank <= 1 else {
                    throw call.error(
                        .shape, "positions of shape \(tensor.shape) beside ranges", hint: "a vector is wanted there")
                }
                parts.list.append(.all)
            }
        }
        self = positions.map { .chosenParts(parts, place, $0) } ?? .parts(parts)
    }
}

/// One entry of a key as Lua writes it.
private enum Entry: LuaReadable {
    case position(Int), all, range(Int, Int, Int), tensor(Tensor)

    static func read(_ stack: Stack, _ index: Int32) throws(Mismatch) -> Entry {
        switch try LuaValue.read(stack, index) {
        case .integer(let i): return .position(i)
        case .table:
            let bounds = try [Int].read(stack, index)
            switch bounds.count {
            case 0: return .all
            case 1: return .range(bounds[0], bounds[0], 1)
            case 2: return .range(bounds[0], bounds[1], 1)
            case 3: return .range(bounds[0], bounds[1], bounds[2])
            default:
                throw Mismatch("a range is {first, last} or {first, last, step}; positions one by one are a tensor")
            }
        case .object(let object):
            if let tensor = object as? Tensor { return .tensor(tensor) }
            return .tensor(try Tensor.read(stack, index))   // says what was expected
        default: return .position(try Int.read(stack, index))
        }
    }
}

/// Positions and ranges, one per dimension from the first on, counted from 0.
private struct Parts {
    enum Part { case position(Int), all, range(Int, Int, Int) }
    var list: [Part] = []

    /// Dimensions that are left.
    var rank: Int { list.count { if case .position = $0 { false } else { true } } }

    /// Whether the result is a copy: a range counts backwards.
    var isCopied: Bool { list.contains { if case .range(_, _, let step) = $0 { step < 0 } else { false } } }

    func isElement(of t: Tensor) -> Bool { list.count == t.rank && t.rank > 0 && rank == 0 }

    func elementOffset(in t: Tensor) -> Int {
        var offset = 0
        for (d, part) in list.enumerated() { if case .position(let i) = part { offset += i * t.strides[d] } }
        return offset
    }

    func view(of t: Tensor) throws -> Tensor {
        var result = t, d = 0
        for part in list {
            switch part {
            case .position(let i): result = try result.select(dim: d, index: i)
            case .all: d += 1
            case .range(let from, let to, let step):
                // Swift's end is not included; counting down, nil is the way to include the first.
                let end: Int? = step > 0 ? to + 1 : to == 0 ? nil : to - 1
                result = try result.slice(dim: d, from: from, to: end, step: step)
                d += 1
            }
        }
        return result
    }
}
