import Glibc

extension Tensor: CustomStringConvertible {
    /// Rows and columns as in NumPy, four digits after the point, scientific where that would hide numbers,
    /// the inside of large tensors left out; then a line with shape and dtype:
    ///
    ///     [[ 1.0000, -2.5000],
    ///      [ 0.0000, 12.0000]]
    ///     [2x2 float32]
    public var description: String { text() }

    /// The same, in lines that keep to a width where numbers allow.
    public func text(lineWidth: Int = 100) -> String { Printer(self, lineWidth: lineWidth).text() + "\n" + summary }

    /// Shape and dtype: `[2x2 float32]`.
    public var summary: String {
        let sizes = shape.map(String.init).joined(separator: "x")
        return "[" + (sizes.isEmpty ? "" : sizes + " ") + dtype.rawValue + (requiresGrad ? ", requires grad" : "") + "]"
    }
}

/// Lays out the elements of one tensor.
private struct Printer {
    /// More elements than this are abridged to `edge` at both ends of each dimension.
    private static let most = 1000, edge = 3

    private let lineWidth: Int
    private let tensor: Tensor
    private let shown: [[Int]]
    private let format: (Double) -> String
    private var width = 0

    init(_ tensor: Tensor, lineWidth: Int) {
        self.lineWidth = lineWidth
        let isAbridged = tensor.count > Printer.most
        shown = tensor.shape.map { size in
            isAbridged && size > 2 * Printer.edge + 1
                ? Array(0 ..< Printer.edge) + [-1] + Array((size - Printer.edge) ..< size) : Array(0 ..< size)
        }
        self.tensor = tensor.detach()
        let isFloating = tensor.dtype.isFloating, isBool = tensor.dtype == .bool
        var places: [[Int]] = [[]]
        for positions in shown {
            places = places.flatMap { place in positions.filter { $0 >= 0 }.map { place + [$0] } }
        }
        let values = places.map(self.tensor.number)
        let sizes = values.filter { $0.isFinite && $0 != 0 }.map(Swift.abs)
        let most = sizes.max() ?? 0, least = sizes.min() ?? 0
        if isBool {
            format = { $0 != 0 ? "true" : "false" }
        } else if !isFloating {
            format = { String(Int(truncating: $0)) }
        } else if values.allSatisfy({ !$0.isFinite || $0 == $0.rounded() }), most < 1e8 {
            format = { Printer.printf("%.0f.", $0) }
        } else if most >= 1e8 || least < 1e-4 || most / least > 1e5 {
            format = { Printer.printf("%.4e", $0) }
        } else {
            format = { Printer.printf("%.4f", $0) }
        }
        width = places.map { element($0).utf8.count }.max() ?? 0
    }

    func text() -> String { tensor.rank == 0 ? element([]) : lines(0, []) }

    private func lines(_ depth: Int, _ index: [Int]) -> String {
        let indent = String(repeating: " ", count: depth + 1)
        if depth == tensor.rank - 1 {
            var result = "[", column = indent.count
            for (n, i) in shown[depth].enumerated() {
                let item = i < 0 ? "..." : pad(element(index + [i]))
                if n > 0 {
                    result += ","
                    // A comma follows, or the brackets that end the line.
                    let after = n == shown[depth].count - 1 ? tensor.rank : 1
                    if column + 2 + item.utf8.count + after > lineWidth {
                        result += "\n" + indent; column = indent.count
                    } else {
                        result += " "; column += 2
                    }
                }
                result += item
                column += item.utf8.count
            }
            return result + "]"
        }
        let separator = "," + String(repeating: "\n", count: tensor.rank - 1 - depth) + indent
        return "[" + shown[depth].map { $0 < 0 ? "..." : lines(depth + 1, index + [$0]) }.joined(separator: separator)
            + "]"
    }

    private func pad(_ text: String) -> String {
        String(repeating: " ", count: Swift.max(0, width - text.utf8.count)) + text
    }

    private func element(_ index: [Int]) -> String {
        // Beyond 2^53 an int64 has more digits than a Double.
        if tensor.dtype == .int64 { return String(tensor.integer(at: index)) }
        let value = tensor.number(at: index)
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return format(value)
    }

    private static func printf(_ format: String, _ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            _ = withVaList([value]) { vsnprintf(buffer.baseAddress!, 64, format, $0) }
            return value.isNaN
                ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : String(cString: buffer.baseAddress!)
        }
    }
}

extension Tensor {
    /// One element as the nearest Double.
    fileprivate func number(at index: [Int]) -> Double {
        let at = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
        return switch dtype {
        case .float32: Double(pointer(Float.self)[at])
        case .float64: pointer(Double.self)[at]
        case .float16: pointer(Float16.self)[at].asDouble
        case .bfloat16: pointer(BFloat16.self)[at].asDouble
        case .int64: Double(pointer(Int.self)[at])
        case .int32: Double(pointer(Int32.self)[at])
        case .int16: Double(pointer(Int16.self)[at])
        case .int8: Double(pointer(Int8.self)[at])
        case .uint8: Double(pointer(UInt8.self)[at])
        case .bool: pointer(UInt8.self)[at] == 0 ? 0 : 1
        }
    }

    fileprivate func integer(at index: [Int]) -> Int {
        pointer(Int.self)[zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
    }
}
