/// Layer normalisation of one row over its channels, with the scale and the offset that follow it.
final class RowNorm: @unchecked Sendable {
    private let channels: Int, width: Int
    /// Scale, offset, and ones where there are channels: [3, width].
    private let table: Rows
    private let epsilon: Float = 1e-6

    init(_ weights: CodecWeights, _ prefix: String, channels: Int) throws {
        self.channels = channels
        table = Rows(channels: channels, capacity: 3)
        width = table.width
        let scale = try weights(prefix + ".weight"), offset = try weights(prefix + ".bias")
        for c in 0 ..< channels { (table.row(0)[c], table.row(1)[c], table.row(2)[c]) = (scale[c], offset[c], 1) }
    }

    /// `input` and `output` may be the same row.
    @inline(__always)
    func callAsFunction(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>) {
        let scale = table.row(0), offset = table.row(1), mask = table.row(2)
        var sum = SIMD8<Float>.zero
        for c in stride(from: 0, to: width, by: 8) { sum += load(input + c) }
        let mean = SIMD8<Float>(repeating: sum.sum() / Float(channels))
        var squares = SIMD8<Float>.zero
        for c in stride(from: 0, to: width, by: 8) {
            let d = (load(input + c) - mean) * load(mask + c)
            squares.addProduct(d, d)
        }
        let inverse = SIMD8<Float>(repeating: 1 / (squares.sum() / Float(channels) + epsilon).squareRoot())
        for c in stride(from: 0, to: width, by: 8) {
            write(load(offset + c).addingProduct((load(input + c) - mean) * inverse, load(scale + c)), output + c)
        }
    }
}
