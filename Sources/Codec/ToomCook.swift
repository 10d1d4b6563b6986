/// Minimal filtering (Toom-Cook, Winograd): four outputs of a four-tap filter from seven products
/// instead of sixteen. Input and filter are evaluated at seven points as polynomials, multiplied point
/// by point, and the outputs interpolated: points 0, 1, -1, 2, -2, 1/2 and infinity.
///
/// y[j] = sum over k of x[j + k] * w[k]. In float32 the result is about five times less exact than the
/// sums written out (1e-6 of the signal).
struct SevenPoints {
    var zero: SIMD8<Float>, one: SIMD8<Float>, minusOne: SIMD8<Float>, two: SIMD8<Float>, minusTwo: SIMD8<Float>
    var half: SIMD8<Float>, infinity: SIMD8<Float>

    static let count = 7

    /// Seven inputs `stride` floats apart, evaluated.
    @inline(__always)
    init(evaluating x: UnsafePointer<Float>, stride: Int) {
        let x0 = load(x), x1 = load(x + stride), x2 = load(x + 2 * stride), x3 = load(x + 3 * stride)
        let x4 = load(x + 4 * stride), x5 = load(x + 5 * stride), x6 = load(x + 6 * stride)
        let four = SIMD8<Float>(repeating: 4), five = SIMD8<Float>(repeating: 5), double = SIMD8<Float>(repeating: 2)
        // The factor 2p - 1, common to all points but 1/2.
        let e0 = (-x0).addingProduct(double, x1), e1 = (-x1).addingProduct(double, x2),
            e2 = (-x2).addingProduct(double, x3)
        let e3 = (-x3).addingProduct(double, x4), e4 = (-x4).addingProduct(double, x5),
            e5 = (-x5).addingProduct(double, x6)
        let a = e4.addingProduct(-four, e2), b = e3.addingProduct(-four, e1)
        one = a + b
        minusOne = a - b
        let c = e4 - e2, d = (e3 - e1) * 2
        two = c + d
        minusTwo = c - d
        zero = e4.addingProduct(four, e0).addingProduct(-five, e2)
        infinity = e5.addingProduct(four, e1).addingProduct(-five, e3)
        half = x5.addingProduct(four, x1).addingProduct(-five, x3)
    }

    /// What four taps become: one factor per point, with the normalisation that `init(evaluating:)` leaves out.
    static func factors(_ w: (Double, Double, Double, Double)) -> [Double] {
        func at(_ p: Double, _ norm: Double) -> Double { (w.0 + p * (w.1 + p * (w.2 + p * w.3))) / norm }
        return [at(0, -4), at(1, -6), at(-1, 18), at(2, 72), at(-2, -120), at(0.5, 45 / 32), w.3 / 2]
    }

    /// The four outputs.
    @inline(__always)
    var interpolated: (SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>) {
        let evenOne = one + minusOne, oddOne = one - minusOne, evenTwo = two + minusTwo, oddTwo = two - minusTwo
        let y0 = zero + evenOne + (evenTwo + half)
        let y1 = oddOne.addingProduct(SIMD8(repeating: 2), oddTwo).addingProduct(SIMD8(repeating: 0.5), half)
        let y2 = evenOne.addingProduct(SIMD8(repeating: 4), evenTwo).addingProduct(SIMD8(repeating: 0.25), half)
        let y3 = (oddOne + infinity).addingProduct(SIMD8(repeating: 8), oddTwo).addingProduct(
            SIMD8(repeating: 0.125), half)
        return (y0, y1, y2, y3)
    }

    @inline(__always)
    init(
        _ zero: SIMD8<Float>, _ one: SIMD8<Float>, _ minusOne: SIMD8<Float>, _ two: SIMD8<Float>,
        _ minusTwo: SIMD8<Float>,
        _ half: SIMD8<Float>, _ infinity: SIMD8<Float>
    ) {
        (self.zero, self.one, self.minusOne, self.two, self.minusTwo, self.half, self.infinity) = (
            zero, one, minusOne, two, minusTwo, half, infinity
        )
    }

    @inline(__always)
    static func + (a: SevenPoints, b: SevenPoints) -> SevenPoints {
        SevenPoints(
            a.zero + b.zero, a.one + b.one, a.minusOne + b.minusOne, a.two + b.two, a.minusTwo + b.minusTwo,
            a.half + b.half, a.infinity + b.infinity)
    }

    @inline(__always)
    static func - (a: SevenPoints, b: SevenPoints) -> SevenPoints {
        SevenPoints(
            a.zero - b.zero, a.one - b.one, a.minusOne - b.minusOne, a.two - b.two, a.minusTwo - b.minusTwo,
            a.half - b.half, a.infinity - b.infinity)
    }

    /// Seven vectors, `stride` floats apart.
    @inline(__always)
    init(_ p: UnsafePointer<Float>, stride: Int) {
        self.init(
            load(p), load(p + stride), load(p + 2 * stride), load(p + 3 * stride), load(p + 4 * stride),
            load(p + 5 * stride), load(p + 6 * stride))
    }

    @inline(__always)
    func store(_ p: UnsafeMutablePointer<Float>, stride: Int) {
        write(zero, p)
        write(one, p + stride)
        write(minusOne, p + 2 * stride)
        write(two, p + 3 * stride)
        write(minusTwo, p + 4 * stride)
        write(half, p + 5 * stride)
        write(infinity, p + 6 * stride)
    }
}
