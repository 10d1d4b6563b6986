import Support

/// One filter per channel: too little arithmetic for a matrix product, so each tap is one pass of
/// multiply-and-add over the channel, in blocks of time that stay in the first-level cache.
extension ConvolutionKernels {
    private static let block = 2048

    /// Runs `body(weight row, long row, short row)` for every batch entry and channel, as offsets.
    private static func forEachChannel(
        _ g: ConvolutionGeometry, _ body: (_ channel: Int, _ long: Int, _ short: Int) -> Void
    ) throws {
        Parallel.forRange(g.batch * g.longChannels, grain: max(1, 8192 / max(g.shortLength, 1))) { rows in
            for row in rows {
                guard !Interrupt.isStopping else { return }
                body(row % g.longChannels, row * g.longLength, row * g.shortLength)
            }
        }
        try Interrupt.check()
    }

    static func depthwiseForward(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, short: UnsafeMutablePointer<Float>
    ) throws {
        try forEachChannel(g) { channel, longRow, shortRow in
            for start in stride(from: 0, to: g.shortLength, by: block) {
                let outputs = start ..< min(start + block, g.shortLength)
                (short + shortRow + start).update(repeating: bias?[channel] ?? 0, count: outputs.count)
                for k in 0 ..< g.kernel {
                    let inside = g.inside(k, outputs), tap = weight[channel * g.kernel + k]
                    let x = long + longRow + k * g.dilation - g.left, y = short + shortRow
                    if g.stride == 1 {
                        addScaled(tap, x + inside.lowerBound, to: y + inside.lowerBound, inside.count)
                    } else {
                        for o in inside { y[o].addProduct(tap, x[o * g.stride]) }
                    }
                }
            }
        }
    }

    static func depthwiseInputGradient(
        _ g: ConvolutionGeometry, short: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        long: UnsafeMutablePointer<Float>
    ) throws {
        try forEachChannel(g) { channel, longRow, shortRow in
            for k in 0 ..< g.kernel {
                let inside = g.inside(k, 0 ..< g.shortLength), tap = weight[channel * g.kernel + k]
                let x = long + longRow + k * g.dilation - g.left, y = short + shortRow
                if g.stride == 1 {
                    addScaled(tap, y + inside.lowerBound, to: x + inside.lowerBound, inside.count)
                } else {
                    for o in inside { x[o * g.stride].addProduct(tap, y[o]) }
                }
            }
        }
    }

    static func depthwiseWeightGradient(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, short: UnsafePointer<Float>,
        weight: UnsafeMutablePointer<Float>
    ) throws {
        Parallel.forRange(g.longChannels) { channels in
            for channel in channels {
                guard !Interrupt.isStopping else { return }
                for k in 0 ..< g.kernel {
                    let inside = g.inside(k, 0 ..< g.shortLength)
                    var sum = 0.0
                    for b in 0 ..< g.batch {
                        let row = b * g.longChannels + channel
                        let x = long + row * g.longLength + k * g.dilation - g.left, y = short + row * g.shortLength
                        if g.stride == 1 {
                            sum += Double(dotProduct(inside.count, x + inside.lowerBound, y + inside.lowerBound))
                        } else {
                            for o in inside { sum += Double(x[o * g.stride]) * Double(y[o]) }
                        }
                    }
                    weight[channel * g.kernel + k] += Float(sum)
                }
            }
        }
        try Interrupt.check()
    }
}

/// Sum of x[i] * y[i].
@inline(__always)
private func dotProduct(_ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> Float {
    let rx = UnsafeRawPointer(x), ry = UnsafeRawPointer(y)
    var sums = (SIMD8<Float>.zero, SIMD8<Float>.zero), i = 0
    while i + 16 <= count {
        sums.0.addProduct(
            rx.loadUnaligned(fromByteOffset: i * 4, as: SIMD8<Float>.self),
            ry.loadUnaligned(fromByteOffset: i * 4, as: SIMD8<Float>.self))
        sums.1.addProduct(
            rx.loadUnaligned(fromByteOffset: i * 4 + 32, as: SIMD8<Float>.self),
            ry.loadUnaligned(fromByteOffset: i * 4 + 32, as: SIMD8<Float>.self))
        i += 16
    }
    var sum = (sums.0 + sums.1).sum()
    while i < count { sum.addProduct(x[i], y[i]); i += 1 }
    return sum
}
