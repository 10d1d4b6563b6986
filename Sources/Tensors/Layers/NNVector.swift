// Rows of float32, eight at a time: what the kernels of `NN` are made of.
//
// A vector shorter than eight (the end of a row) is loaded with zeros behind it and goes through the
// same instructions, so an element's value never depends on where it lies.

/// Calls `body(start, lanes)` for 0..<count in steps of eight; `lanes` is 8 except perhaps at the end.
@inline(__always)
func eachVector(_ count: Int, _ body: (Int, Int) -> Void) {
    var i = 0
    while i &+ 8 <= count {
        body(i, 8)
        i &+= 8
    }
    if i < count { body(i, count &- i) }
}

@inline(__always)
func load(_ p: UnsafePointer<Float>, _ lanes: Int = 8, fill: Float = 0) -> Float8 {
    lanes == 8 ? UnsafeRawPointer(p).loadUnaligned(as: Float8.self) : loadFew(p, lanes, fill)
}

/// Out of line: the ends of rows, inlined everywhere, would be most of the code.
@inline(never)
private func loadFew(_ p: UnsafePointer<Float>, _ lanes: Int, _ fill: Float) -> Float8 {
    var v = Float8(repeating: fill)
    for i in 0 ..< lanes { v[i] = p[i] }
    return v
}

@inline(__always)
func store(_ v: Float8, _ p: UnsafeMutablePointer<Float>, _ lanes: Int = 8) {
    if lanes == 8 { UnsafeMutableRawPointer(p).storeBytes(of: v, as: Float8.self) } else { storeFew(v, p, lanes) }
}

@inline(never)
private func storeFew(_ v: Float8, _ p: UnsafeMutablePointer<Float>, _ lanes: Int) {
    for i in 0 ..< lanes { p[i] = v[i] }
}

extension SIMD8<Float> {
    @inline(__always) init(_ value: Float) { self.init(repeating: value) }

    /// The sum of the eight, always in the same order.
    @inline(__always) var total: Float {
        let four = lowHalf + highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    @inline(__always) var largest: Float {
        let four = lowHalf.replacing(with: highHalf, where: highHalf .> lowHalf)
        return Swift.max(Swift.max(four[0], four[1]), Swift.max(four[2], four[3]))
    }

    @inline(__always) func or(greater other: Float8) -> Float8 { replacing(with: other, where: other .> self) }

    /// e^x for what softmax needs, x <= 0 (NaN gives NaN): exactly 0 below -87, minus infinity included.
    /// Within 2 units in the last place; a third cheaper than the general function.
    @inline(__always) func exponentialOfNegative() -> Float8 {
        let x = replacing(with: Float8(-87.5), where: self .< Float8(-87.5))
        // x = n ln 2 + r, |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to an integer in the low bits.
        // The factor that is known earlier (a constant, the polynomial so far) comes first in each product: the other
        // way round the compiler makes some of them of single lanes, which took 1.6 times as long.
        let shifted = Float8(12_582_912).addingProduct(Float8(1.4426950408889634), x)
        let n = shifted - Float8(12_582_912)
        let r = x.addingProduct(Float8(-0.693359375), n).addingProduct(Float8(2.12194440e-4), n)
        // The polynomial of Cephes' expf.
        var p = Float8(1.3981999507e-3).addingProduct(Float8(1.9875691500e-4), r)
        p = Float8(8.3334519073e-3).addingProduct(p, r)
        p = Float8(4.1665795894e-2).addingProduct(p, r)
        p = Float8(1.6666665459e-1).addingProduct(p, r)
        p = Float8(5.0000001201e-1).addingProduct(p, r)
        let y = Float8(1) + r.addingProduct(p, r * r)
        // 2^n, n >= -126, from the low bits of the shifted number.
        let power = unsafeBitCast((unsafeBitCast(shifted, to: SIMD8<Int32>.self) &+ 127) &<< 23, to: Float8.self)
        return (y * power).replacing(with: Float8(0), where: self .< Float8(-87))
    }

    /// 1 / (1 + e^-x), by the exponential of -|x| on both sides.
    @inline(__always) func logistic() -> Float8 {
        let isNegative = self .< Float8(0)
        let e = replacing(with: -self, where: .!isNegative).exponentialOfNegative()
        return Float8(1).replacing(with: e, where: isNegative) / (Float8(1) + e)
    }
}

/// Sum of a[i] b[i], in a fixed order.
@inline(__always)
func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var s0 = Float8(0), s1 = Float8(0), i = 0
    while i &+ 16 <= count {
        s0 = s0.addingProduct(load(a + i), load(b + i))
        s1 = s1.addingProduct(load(a + (i &+ 8)), load(b + (i &+ 8)))
        i &+= 16
    }
    eachVector(count &- i) { j, lanes in s0 = s0.addingProduct(load(a + i + j, lanes), load(b + i + j, lanes)) }
    return (s0 + s1).total
}

/// y += f x
@inline(__always)
func addScaled(_ f: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int) {
    let factor = Float8(f)
    eachVector(count) { i, lanes in store(load(y + i, lanes).addingProduct(factor, load(x + i, lanes)), y + i, lanes) }
}
