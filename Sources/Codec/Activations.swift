/// Elementwise functions on eight values at a time, without branches.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).load(as: SIMD8<Float>.self)
}

@inline(__always)
func write(_ value: SIMD8<Float>, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD8<Float>.self)
}

/// e^x for x from -87 to 88 (clamped), relative error about 2e-7: x = n ln 2 + r, a polynomial in r,
/// and n put into the exponent.
@inline(__always)
func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let x = x.replacing(with: 88, where: x .> 88).replacing(with: -87, where: x .< -87)
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest bits.
    let magic = SIMD8<Float>(repeating: 12_582_912)
    let shifted = magic.addingProduct(x, SIMD8(repeating: 1.442_695_04))
    let n = shifted - magic
    // ln 2 in two parts, the first with few enough bits for exact products.
    let r = x.addingProduct(n, SIMD8(repeating: -0.693_359_375)).addingProduct(n, SIMD8(repeating: 2.121_944_4e-4))
    var p = SIMD8<Float>(repeating: 1 / 720).addingProduct(r, SIMD8(repeating: 1 / 5040))
    p = SIMD8<Float>(repeating: 1 / 120).addingProduct(r, p)
    p = SIMD8<Float>(repeating: 1 / 24).addingProduct(r, p)
    p = SIMD8<Float>(repeating: 1 / 6).addingProduct(r, p)
    p = SIMD8<Float>(repeating: 0.5).addingProduct(r, p)
    p = SIMD8<Float>(repeating: 1).addingProduct(r, p)
    p = SIMD8<Float>(repeating: 1).addingProduct(r, p)
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< SIMD8(repeating: 23)
    return unsafeBitCast(unsafeBitCast(p, to: SIMD8<UInt32>.self) &+ bits, to: SIMD8<Float>.self)
}

/// x * sigmoid(x).
@inline(__always)
func silu(_ x: SIMD8<Float>) -> SIMD8<Float> {
    x / (SIMD8<Float>(repeating: 1) + exponential(-x))
}

/// Absolute error about 1e-7.
@inline(__always)
func hyperbolicTangent(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let one = SIMD8<Float>(repeating: 1)
    return one - (one + one) / (one + exponential(x + x))
}

/// x/2 * (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7).
@inline(__always)
func gelu(_ x: SIMD8<Float>) -> SIMD8<Float> {
    let one = SIMD8<Float>(repeating: 1), zero = SIMD8<Float>.zero
    let z = x.replacing(with: -x, where: x .< zero) * SIMD8(repeating: 0.707_106_781)
    let t = one / one.addingProduct(z, SIMD8(repeating: 0.327_591_1))
    var p = SIMD8<Float>(repeating: -1.453_152_027).addingProduct(t, SIMD8(repeating: 1.061_405_429))
    p = SIMD8<Float>(repeating: 1.421_413_741).addingProduct(t, p)
    p = SIMD8<Float>(repeating: -0.284_496_736).addingProduct(t, p)
    p = SIMD8<Float>(repeating: 0.254_829_592).addingProduct(t, p) * t
    let tail = p * exponential(-z * z) * SIMD8(repeating: 0.5)   // half of erfc(|z|)
    return x * (one - tail).replacing(with: tail, where: x .< zero)
}
