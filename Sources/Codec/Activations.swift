/// Elementwise functions on eight values at a time, without branches.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).load(as: SIMD8<Float>.self)
}

@inline(__always)
func write(_ value: SIMD8<Float>, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD8<Float>.self)
}

/// a * b + c, rounded once. Written in this order everywhere: with the constant as the second factor the
/// compiler takes vectors apart into single numbers (seen in Swift 6.3; six times slower).
@inline(__always)
func fma(_ a: SIMD8<Float>, _ b: SIMD8<Float>, _ c: Float) -> SIMD8<Float> { SIMD8(repeating: c).addingProduct(a, b) }

/// e^x for x from -87 to 88 (clamped): x = (n + f) ln 2, a polynomial for 2^f (our own least-maximum fit
/// for |f| <= 1/2, relative error 1e-7), and n put into the exponent. The relative error grows with |x|,
/// from 2e-7 to 5e-6.
@inline(__always)
func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let x = x.replacing(with: 88, where: x .> 88).replacing(with: -87, where: x .< -87)
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest bits.
    let magic: Float = 12_582_912
    let scaled = x * 1.442_695_04, shifted = scaled + magic, f = scaled - (shifted - magic)
    var p = SIMD8<Float>(repeating: 0.001_326_472_69)
    p = fma(p, f, 0.009_671_512_7)
    p = fma(p, f, 0.055_507_337_4)
    p = fma(p, f, 0.240_222_421)
    p = fma(p, f, 0.693_146_978)
    p = fma(p, f, 1)
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< SIMD8(repeating: 23)
    return unsafeBitCast(unsafeBitCast(p, to: SIMD8<UInt32>.self) &+ bits, to: SIMD8<Float>.self)
}

/// x * sigmoid(x).
@inline(__always)
func silu(_ x: SIMD8<Float>) -> SIMD8<Float> { x / (exponential(x * -1) + 1) }

/// Absolute error about 1e-7.
@inline(__always)
func hyperbolicTangent(_ x: SIMD8<Float>) -> SIMD8<Float> {
    SIMD8<Float>(repeating: 1) - SIMD8<Float>(repeating: 2) / (exponential(x * 2) + 1)
}

/// x/2 * (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7).
@inline(__always)
func gelu(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let isNegative = x .< 0, z = x.replacing(with: x * -1, where: isNegative) * 0.707_106_781
    let t = SIMD8<Float>(repeating: 1) / (z * 0.327_591_1 + 1)
    var p = SIMD8<Float>(repeating: 1.061_405_429)
    p = fma(p, t, -1.453_152_027)
    p = fma(p, t, 1.421_413_741)
    p = fma(p, t, -0.284_496_736)
    p = fma(p, t, 0.254_829_592) * t
    let tail = p * exponential(z * z * -1) * 0.5   // half of erfc(|z|)
    return x * (SIMD8<Float>(repeating: 1) - tail).replacing(with: tail, where: isNegative)
}
