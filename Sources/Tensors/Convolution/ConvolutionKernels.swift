import Support

/// The three linear maps of a convolution on raw C-order float32 arrays:
/// long [B, longChannels, longLength], short [B, shortChannels, shortLength],
/// weight [shortChannels, longChannels / groups, kernel].
///
/// With many channels, each is a matrix product with the columns of the input (one row per channel and tap, one column
/// per output position), of which only a block of a bounded size exists at a time.
enum ConvolutionKernels {
    /// Floats in one block of columns: half of a common second-level cache.
    private static let blockSize = 1 << 17

    private static func blockLength(_ g: ConvolutionGeometry) -> Int {
        let depth = max(g.longPerGroup * g.kernel, 1)
        return min(max(blockSize / depth, 48), max(g.shortLength, 1))
    }

    /// One piece of the work: a batch entry, a group, and a range of output positions.
    private struct Piece {
        let longBase: Int, shortBase: Int, weightBase: Int, outputs: Range<Int>
    }

    private static func pieces(_ g: ConvolutionGeometry) -> [Piece] {
        let block = blockLength(g)
        var result: [Piece] = []
        for b in 0 ..< g.batch {
            for group in 0 ..< g.groups {
                let long = (b * g.longChannels + group * g.longPerGroup) * g.longLength
                let short = (b * g.shortChannels + group * g.shortPerGroup) * g.shortLength
                let weight = group * g.shortPerGroup * g.longPerGroup * g.kernel
                for start in stride(from: 0, to: g.shortLength, by: block) {
                    result.append(
                        Piece(
                            longBase: long, shortBase: short, weightBase: weight,
                            outputs: start ..< min(start + block, g.shortLength)))
                }
            }
        }
        return result
    }

    /// short = W * columns(long) + bias.
    static func forward(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, short: UnsafeMutablePointer<Float>
    ) throws {
        if g.isDepthwise { return try depthwiseForward(g, long: long, weight: weight, bias: bias, short: short) }
        if isDirect(g) { return try directForward(g, long: long, weight: weight, bias: bias, short: short) }
        let rows = g.shortPerGroup, depth = g.longPerGroup * g.kernel
        let all = pieces(g)
        Parallel.forEach(all.count) { index in
            guard !Interrupt.isStopping else { return }
            let piece = all[index], n = piece.outputs.count
            let out = short + piece.shortBase + piece.outputs.lowerBound
            let firstChannel = piece.shortBase / max(g.shortLength, 1) % g.shortChannels
            for row in 0 ..< rows {
                (out + row * g.shortLength).update(repeating: bias?[firstChannel + row] ?? 0, count: n)
            }
            withColumns(g, piece, long) { columns, ld in
                matrixProduct(
                    rows, n, depth, weight + piece.weightBase, lda: depth, columns, ldb: ld,
                    beta: 1, out, ldc: g.shortLength)
            }
        }
        try Interrupt.check()
    }

    /// long = adjoint of `forward` with respect to its input: a transposed convolution.
    static func inputGradient(
        _ g: ConvolutionGeometry, short: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        long: UnsafeMutablePointer<Float>
    ) throws {
        if isDirect(g) { return try directInputGradient(g, short: short, weight: weight, long: long) }
        long.update(repeating: 0, count: g.batch * g.longChannels * g.longLength)
        if g.isDepthwise { return try depthwiseInputGradient(g, short: short, weight: weight, long: long) }
        let rows = g.shortPerGroup, depth = g.longPerGroup * g.kernel
        let block = blockLength(g)
        let columns = Scratch(depth * block)
        for piece in pieces(g) {
            try Interrupt.check()
            let n = piece.outputs.count
            matrixProduct(
                depth, n, rows, weight + piece.weightBase, lda: depth, transposeA: true,
                short + piece.shortBase + piece.outputs.lowerBound, ldb: g.shortLength,
                columns.pointer, ldc: n)
            let target = long + piece.longBase, source = columns.pointer
            Parallel.forRange(g.longPerGroup) { channels in
                for channel in channels {
                    for k in 0 ..< g.kernel {
                        let inside = g.inside(k, piece.outputs)
                        let column = source + (channel * g.kernel + k) * n - piece.outputs.lowerBound
                        let row = target + channel * g.longLength + k * g.dilation - g.left
                        if g.stride == 1 {
                            addScaled(1, column + inside.lowerBound, to: row + inside.lowerBound, inside.count)
                        } else {
                            for o in inside { row[o * g.stride] += column[o] }
                        }
                    }
                }
            }
        }
    }

    /// weight += short * columns(long)^T, summed over the batch. `weight` starts as zeros.
    static func weightGradient(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, short: UnsafePointer<Float>,
        weight: UnsafeMutablePointer<Float>
    ) throws {
        if g.isDepthwise { return try depthwiseWeightGradient(g, long: long, short: short, weight: weight) }
        if isDirect(g) { return try directWeightGradient(g, long: long, short: short, weight: weight) }
        let rows = g.shortPerGroup, depth = g.longPerGroup * g.kernel
        for piece in pieces(g) {
            try Interrupt.check()
            withColumns(g, piece, long) { columns, ld in
                matrixProduct(
                    rows, depth, piece.outputs.count,
                    short + piece.shortBase + piece.outputs.lowerBound, lda: g.shortLength,
                    columns, ldb: ld, transposeB: true, beta: 1, weight + piece.weightBase, ldc: depth)
            }
        }
    }

    /// bias += sums of `values` [B, channels, length] over batch and time.
    static func biasGradient(
        batch: Int, channels: Int, length: Int, _ values: UnsafePointer<Float>,
        bias: UnsafeMutablePointer<Float>
    ) {
        Parallel.forRange(channels, grain: max(1, 4096 / max(length * batch, 1))) { range in
            for channel in range {
                var sum = 0.0
                for b in 0 ..< batch {
                    let row = values + (b * channels + channel) * length
                    for t in 0 ..< length { sum += Double(row[t]) }
                }
                bias[channel] = Float(sum)
            }
        }
    }

    /// Runs `body` with the columns [longPerGroup * kernel, outputs] of one piece and their row stride.
    private static func withColumns(
        _ g: ConvolutionGeometry, _ piece: Piece, _ long: UnsafePointer<Float>,
        _ body: (UnsafePointer<Float>, Int) -> Void
    ) {
        let source = long + piece.longBase
        if g.isPointwise { return body(source + piece.outputs.lowerBound, g.longLength) }
        let n = piece.outputs.count
        let columns = Scratch(g.longPerGroup * g.kernel * n)
        let target = columns.pointer
        Parallel.forRange(g.longPerGroup) { channels in
            for channel in channels {
                for k in 0 ..< g.kernel {
                    let inside = g.inside(k, piece.outputs)
                    let column = target + (channel * g.kernel + k) * n
                    let row = source + channel * g.longLength + k * g.dilation - g.left
                    column.update(repeating: 0, count: inside.lowerBound - piece.outputs.lowerBound)
                    let first = column + (inside.lowerBound - piece.outputs.lowerBound)
                    if g.stride == 1 {
                        first.update(from: row + inside.lowerBound, count: inside.count)
                    } else {
                        for (i, o) in inside.enumerated() { first[i] = row[o * g.stride] }
                    }
                    (first + inside.count).update(repeating: 0, count: piece.outputs.upperBound - inside.upperBound)
                }
            }
        }
        body(UnsafePointer(target), n)
    }
}

/// Working memory that lives for one kernel call.
final class Scratch {
    let pointer: UnsafeMutablePointer<Float>

    init(_ count: Int) {
        pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(count, 1))
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
