import Support
import Tensors

/// A dilated convolution that sees only the present and the past, as a product without columns: the
/// kernel reads the rows of the taps where they lie.
///
/// Where it pays, whole blocks of rows go by minimal filtering (`FastConvolution`), and the rest by the product.
final class CausalConvolution: @unchecked Sendable {
    let inChannels: Int, kernel: Int, dilation: Int
    private let matrix: PackedMatrix
    private let fast: FastConvolution?

    /// The parameters `prefix.weight` [out, in, kernel] and `prefix.bias`.
    /// - Parameter isLong: it will see long signals, for which more preparation pays.
    init(
        _ weights: CodecWeights, _ prefix: String, in inChannels: Int, out outChannels: Int, kernel: Int,
        dilation: Int = 1,
        isLong: Bool = false
    ) throws {
        (self.inChannels, self.kernel, self.dilation) = (inChannels, kernel, dilation)
        let filters = try weights(prefix + ".weight"), bias = try weights(prefix + ".bias")
        matrix = PackedMatrix(taps: kernel, depth: inChannels, columns: outChannels) { tap, i, o in
            filters[(o * inChannels + i) * kernel + tap]
        } bias: {
            bias[$0]
        }
        fast =
            isLong && inChannels == outChannels && FastConvolution.suits(channels: inChannels, kernel: kernel)
            ? FastConvolution(filters, bias: bias, channels: inChannels, kernel: kernel, dilation: dilation) : nil
    }

    /// Rows of the past that it reads.
    var lead: Int { fast?.lead ?? (kernel - 1) * dilation }

    func makeHistory() -> History { History(channels: inChannels, rows: lead) }

    /// Rows `range` of the input, whose past must be in place; the epilogue counts rows from 0.
    @inline(__always)
    func callAsFunction<E: RowEpilogue>(_ input: Rows, _ range: Range<Int>, _ epilogue: E) {
        var done = 0
        if let fast {
            let blocks = range.count / fast.blockRows
            fast(input, from: range.lowerBound, blocks: blocks, epilogue)
            done = blocks * fast.blockRows
        }
        parallelRowProduct(
            done ..< range.count, input.row(range.lowerBound - (kernel - 1) * dilation), stride: input.width,
            tapStride: dilation * input.width, matrix, epilogue)
    }
}

/// A transposed convolution cropped on the right, as the product it is: `rate` output rows per input
/// row, each from the present input row and a few past ones.
final class CausalUpsampling: @unchecked Sendable {
    let inChannels: Int, outWidth: Int, rate: Int
    private let taps: Int
    private let matrix: PackedMatrix

    /// The parameters `prefix.weight` [in, out, kernel] and `prefix.bias`; the kernel is at least `rate` long.
    init(
        _ weights: CodecWeights, _ prefix: String, in inChannels: Int, out outChannels: Int, kernel: Int, rate: Int
    ) throws {
        (self.inChannels, self.rate) = (inChannels, rate)
        let width = Rows.width(outChannels), taps = (kernel + rate - 1) / rate
        (outWidth, self.taps) = (width, taps)
        let filters = try weights(prefix + ".weight"), bias = try weights(prefix + ".bias")
        matrix = PackedMatrix(taps: taps, depth: inChannels, columns: rate * width) { tap, i, column in
            let o = column % width, k = column / width + (taps - 1 - tap) * rate
            return o < outChannels && k < kernel ? filters[(i * outChannels + o) * kernel + k] : 0
        } bias: {
            $0 % width < outChannels ? bias[$0 % width] : 0
        }
    }

    var lead: Int { taps - 1 }

    func makeHistory() -> History { History(channels: inChannels, rows: lead) }

    /// Rows `range` of the input. To the epilogue, an input row is one row of `rate * outWidth` columns,
    /// which in memory are `rate` rows of the output.
    @inline(__always)
    func callAsFunction<E: RowEpilogue>(_ input: Rows, _ range: Range<Int>, _ epilogue: E) {
        parallelRowProduct(
            0 ..< range.count, input.row(range.lowerBound - lead), stride: input.width, tapStride: input.width, matrix,
            epilogue)
    }
}
