import Glibc

/// Eight numbers at a time.
typealias Float8 = SIMD8<Float>

/// Elementary functions of eight float32 numbers, within 2 units in the last place of the true value
/// (tests compare each with Double); NaN and infinities as in C. Polynomials for exp, log, tanh, sin
/// and cos are the classic single-precision ones of the Cephes library (S. Moshier, 1989).
///
/// A lane's result never depends on the other lanes, so results do not depend on where a tensor is cut.
enum VectorMath {
    private typealias Bits = SIMD8<UInt32>
    private typealias Integers = SIMD8<Int32>

    /// a * b + c, rounded once.
    @inline(__always) private static func fma(_ a: Float8, _ b: Float8, _ c: Float8) -> Float8 { c.addingProduct(a, b) }
    @inline(__always) private static func fma(_ a: Float8, _ b: Float8, _ c: Float) -> Float8 {
        Float8(repeating: c).addingProduct(a, b)
    }
    @inline(__always) private static func fma(_ a: Float8, _ b: Float, _ c: Float8) -> Float8 {
        c.addingProduct(a, Float8(repeating: b))
    }
    /// |x|
    @inline(__always) static func magnitude(_ x: Float8) -> Float8 {
        unsafeBitCast(unsafeBitCast(x, to: Bits.self) & 0x7FFF_FFFF, to: Float8.self)
    }
    /// `value`, not negative, with the sign of `sign`.
    @inline(__always) private static func copySign(_ value: Float8, _ sign: Float8) -> Float8 {
        unsafeBitCast(
            unsafeBitCast(value, to: Bits.self) | (unsafeBitCast(sign, to: Bits.self) & 0x8000_0000), to: Float8.self)
    }
    /// Adding this rounds to an integer, which is then in the low bits. For |x| < 2^22.
    @inline(__always) private static var roundingConstant: Float8 { Float8(repeating: 12_582_912) }
    /// 2^n for -126 <= n <= 127.
    @inline(__always) private static func power2(_ n: Integers) -> Float8 {
        unsafeBitCast((n &+ 127) &<< 23, to: Float8.self)
    }

    /// e^x. Underflows gradually; beyond 88.73 it is infinite.
    @inline(__always) static func exp(_ x: Float8) -> Float8 {
        // Above 89 the result is infinite all the same. Below -104 it is 0: by decree, as computing it would
        // pass through slow subnormals, and minus infinity is what masks are made of.
        let isZero = x .< -104
        let x = x.replacing(with: 89, where: x .> 89).replacing(with: 0, where: isZero)
        let shifted = fma(x, 1.4426950408889634, roundingConstant)
        let n = unsafeBitCast(shifted, to: Integers.self) &- 0x4B40_0000
        let whole = shifted - roundingConstant
        // r = x - n ln 2, in two parts
        let r = fma(whole, 2.12194440e-4, fma(whole, -0.693359375, x))
        var p = fma(Float8(repeating: 1.9875691500e-4), r, 1.3981999507e-3)
        p = fma(p, r, 8.3334519073e-3)
        p = fma(p, r, 4.1665795894e-2)
        p = fma(p, r, 1.6666665459e-1)
        p = fma(p, r, 5.0000001201e-1)
        p = fma(p, r * r, r) + 1
        // In two steps, as 2^128 and 2^-150 are no floats.
        let half = n &>> 1
        return (p * power2(half) * power2(n &- half)).replacing(with: 0, where: isZero)
    }

    /// The natural logarithm: -inf at 0, NaN below.
    @inline(__always) static func log(_ x: Float8) -> Float8 {
        // Subnormals are scaled by 2^23 first.
        let tiny = x .< 0x1p-126
        let scaled = x.replacing(with: x * 8_388_608, where: tiny)
        let bits = unsafeBitCast(scaled, to: Bits.self)
        // Mantissa in [sqrt(1/2), sqrt 2), less 1.
        let shifted = bits &- 0x3F35_04F3
        let exponent = unsafeBitCast(shifted, to: Integers.self) &>> 23
        let mantissa = unsafeBitCast((shifted & 0x007F_FFFF) &+ 0x3F35_04F3, to: Float8.self) - 1
        var n = float(exponent)
        n.replace(with: n - 23, where: tiny)
        let square = mantissa * mantissa
        var p = fma(Float8(repeating: 7.0376836292e-2), mantissa, -1.1514610310e-1)
        p = fma(p, mantissa, 1.1676998740e-1)
        p = fma(p, mantissa, -1.2420140846e-1)
        p = fma(p, mantissa, 1.4249322787e-1)
        p = fma(p, mantissa, -1.6668057665e-1)
        p = fma(p, mantissa, 2.0000714765e-1)
        p = fma(p, mantissa, -2.4999993993e-1)
        p = fma(p, mantissa, 3.3333331174e-1)
        p = p * mantissa * square
        p = fma(n, -2.12194440e-4, p)
        p = fma(square, -0.5, p)
        var result = fma(n, 0.693359375, mantissa + p)
        result.replace(with: x, where: .!(x .< .infinity))   // +inf and NaN
        result.replace(with: -Float8(repeating: .infinity), where: x .== 0)
        result.replace(with: Float8(repeating: .nan), where: x .< 0)
        return result
    }

    /// Integers of small size as floats (|n| < 2^22).
    @inline(__always) private static func float(_ n: Integers) -> Float8 {
        unsafeBitCast(n &+ 0x4B40_0000, to: Float8.self) - roundingConstant
    }

    @inline(__always) static func tanh(_ x: Float8) -> Float8 {
        let size = magnitude(x), square = x * x
        var p = fma(Float8(repeating: -5.70498872745e-3), square, 2.06390887954e-2)
        p = fma(p, square, -5.37397155531e-2)
        p = fma(p, square, 1.33314422036e-1)
        p = fma(p, square, -3.33332819422e-1)
        let near = fma(p * square, x, x)
        let far = copySign(1 - 2 / (exp(size + size) + 1), x)
        return near.replacing(with: far, where: size .> 0.625).replacing(with: x, where: x .!= x)
    }

    /// 1 / (1 + e^-x)
    @inline(__always) static func sigmoid(_ x: Float8) -> Float8 { 1 / (1 + exp(-x)) }

    /// The error function; two minimax polynomials, joined at 0.921875. Their coefficients, and the split of
    /// pi/2 in `sinCos`, are those that N. Juffa has published for single precision.
    @inline(__always) static func erf(_ x: Float8) -> Float8 {
        let square = x * x
        // From 4 on it is 1, as float32 goes; the exponential below would only become slow subnormals.
        let size = magnitude(x).replacing(with: 4, where: magnitude(x) .> 4), farSquare = size * size
        var p = fma(Float8(repeating: -5.96761703e-4), square, 4.99119423e-3)
        p = fma(p, square, -2.67681349e-2)
        p = fma(p, square, 1.12819925e-1)
        p = fma(p, square, -3.76125336e-1)
        p = fma(p, square, 1.28379166e-1)
        let near = fma(p, x, x)
        var q = fma(Float8(repeating: -1.72853470e-5), size, 3.83197126e-4)
        let even = fma(Float8(repeating: -3.88396438e-3), size, 2.42546219e-2)
        q = fma(q, farSquare, even)
        q = fma(q, size, -1.06777877e-1)
        q = fma(q, size, -6.34846687e-1)
        q = fma(q, size, -1.28717512e-1)
        q = fma(q, size, -size)
        let far = copySign(1 - exp(q), x)
        return near.replacing(with: far, where: size .> 0.921875)
    }

    /// x/2 (1 + erf(x / sqrt 2)): exact, not the tanh approximation.
    @inline(__always) static func gelu(_ x: Float8) -> Float8 { 0.5 * x * (1 + erf(x * 0.70710678)) }

    /// Largest |x| whose quarter turns are subtracted exactly enough in float32.
    private static var reducible: Float { 30_000 }

    @inline(__always) static func sin(_ x: Float8) -> Float8 { circular(x, cosine: false) }
    @inline(__always) static func cos(_ x: Float8) -> Float8 { circular(x, cosine: true) }

    @inline(__always) private static func circular(_ x: Float8, cosine: Bool) -> Float8 {
        let isLarge = .!(magnitude(x) .<= reducible)
        let both = sinCos(x.replacing(with: 0, where: isLarge)), result = cosine ? both.cos : both.sin
        let lanes = unsafeBitCast(isLarge, to: SIMD4<Int64>.self)
        if lanes[0] | lanes[1] | lanes[2] | lanes[3] == 0 { return result }
        return large(x, result, cosine: cosine)
    }

    /// `result`, with the lanes of large or no numbers from the C library.
    @inline(never) private static func large(_ x: Float8, _ result: Float8, cosine: Bool) -> Float8 {
        var result = result
        for i in 0 ..< 8 where !(Swift.abs(x[i]) <= reducible) {
            result[i] = Float(circularExact(Double(x[i]), cosine: cosine))
        }
        return result
    }

    /// Sine and cosine of |x| <= 30000.
    @inline(__always) static func sinCos(_ x: Float8) -> (sin: Float8, cos: Float8) {
        let shifted = fma(x, 0.63661977236758134, roundingConstant)
        let turns = unsafeBitCast(shifted, to: Bits.self) &- 0x4B40_0000
        let whole = shifted - roundingConstant
        // r = x - n pi/2, |r| <= pi/4, with pi/2 in three parts
        var r = fma(whole, -1.57079601287841796875, x)
        r = fma(whole, -3.13916473e-7, r)
        r = fma(whole, -5.39030253e-15, r)
        let square = r * r
        var s = fma(Float8(repeating: -1.9515295891e-4), square, 8.3321608736e-3)
        s = fma(s, square, -1.6666654611e-1)
        s = fma(s * square, r, r)
        var c = fma(Float8(repeating: 2.443315711809948e-5), square, -1.388731625493765e-3)
        c = fma(c, square, 4.166664568298827e-2)
        c = fma(c * square, square, fma(square, -0.5, Float8(repeating: 1)))
        // Quarter turns exchange the two and change signs: sin, cos, -sin, -cos, ...
        // (The mask is made by hand: integer comparisons are not vector instructions in Swift.)
        let isOdd = unsafeBitCast(Bits() &- (turns & 1), to: SIMDMask<Integers>.self)
        @inline(__always) func signed(_ value: Float8, _ quarter: Bits) -> Float8 {
            unsafeBitCast(unsafeBitCast(value, to: Bits.self) ^ ((quarter & 2) &<< 30), to: Float8.self)
        }
        return (
            signed(s.replacing(with: c, where: isOdd), turns), signed(c.replacing(with: s, where: isOdd), turns &+ 1)
        )
    }

    /// The larger of each pair; NaN if either is.
    @inline(__always) static func maximum(_ a: Float8, _ b: Float8) -> Float8 {
        a.replacing(with: b, where: a .< b).replacing(with: b, where: b .!= b)
    }

    /// The smaller of each pair; NaN if either is.
    @inline(__always) static func minimum(_ a: Float8, _ b: Float8) -> Float8 {
        a.replacing(with: b, where: a .> b).replacing(with: b, where: b .!= b)
    }

    /// x^y, one lane after the other, but for the powers that are products.
    @inline(__always) static func pow(_ x: Float8, _ y: Float8) -> Float8 {
        var result = Float8()
        for i in 0 ..< 8 { result[i] = powf(x[i], y[i]) }
        return result
    }
}

/// The C library's, which the names above hide.
private func circularExact(_ x: Double, cosine: Bool) -> Double { cosine ? cos(x) : sin(x) }

/// Loads and stores of up to eight elements of a row.
extension SIMD8 where Scalar == Float {
    @inline(__always) init(_ pointer: UnsafePointer<Float>) {
        self = UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
    }
    @inline(__always) func store(_ pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: SIMD8<Float>.self)
    }
    /// `count` < 8 elements, then zeros. Called once per row: not worth its code everywhere.
    @inline(never) init(_ pointer: UnsafePointer<Float>, count: Int) {
        self.init()
        for i in 0 ..< count { self[i] = pointer[i] }
    }
    @inline(never) func store(_ pointer: UnsafeMutablePointer<Float>, count: Int) {
        for i in 0 ..< count { pointer[i] = self[i] }
    }
}
