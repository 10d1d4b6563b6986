/// Eight floats at a time, for the kernels of generation.
typealias Lanes = SIMD8<Float>

@inline(__always) func loadLanes(_ p: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(p).loadUnaligned(as: Lanes.self)
}
@inline(__always) func storeLanes(_ v: Lanes, _ p: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: Lanes.self)
}

/// The sum of the eight, by halves. In terms of 64-bit lanes, because the compiler takes halves of vectors of floats
/// apart into single elements, which costs a sixth of a row's product.
@inline(__always) func lanesTotal(_ v: Lanes) -> Float {
    let pairs = unsafeBitCast(v, to: SIMD4<UInt64>.self)
    let four =
        unsafeBitCast(SIMD2(pairs[0], pairs[1]), to: SIMD4<Float>.self)
        + unsafeBitCast(SIMD2(pairs[2], pairs[3]), to: SIMD4<Float>.self)
    let rest = unsafeBitCast(four, to: SIMD2<UInt64>.self)
    let two = unsafeBitCast(rest[0], to: SIMD2<Float>.self) + unsafeBitCast(rest[1], to: SIMD2<Float>.self)
    return two.x + two.y
}

/// e^x, within 2 units in the last place; 0 below -87 (the polynomial of the Cephes library).
@inline(__always) func exponential(_ x: Lanes) -> Lanes {
    let isTiny = x .< Lanes(repeating: -87.3)
    let bounded = x.replacing(with: -87.3, where: isTiny).replacing(with: 88, where: x .> Lanes(repeating: 88))
    // Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
    let shifted = Lanes(repeating: 12_582_912).addingProduct(bounded, 1.44269504088896341)
    let n = shifted - 12_582_912
    let r = bounded.addingProduct(n, Lanes(repeating: -0.693359375)).addingProduct(n, Lanes(repeating: 2.12194440e-4))
    var p = Lanes(repeating: 1.9875691500e-4)
    p = Lanes(repeating: 1.3981999507e-3).addingProduct(p, r)
    p = Lanes(repeating: 8.3334519073e-3).addingProduct(p, r)
    p = Lanes(repeating: 4.1665795894e-2).addingProduct(p, r)
    p = Lanes(repeating: 1.6666665459e-1).addingProduct(p, r)
    p = Lanes(repeating: 5.0000001201e-1).addingProduct(p, r)
    let y = (r + 1).addingProduct(p * r, r)
    let power = (unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- 0x4B40_0000 &+ 127) &<< 23
    return (y * unsafeBitCast(power, to: Lanes.self)).replacing(with: 0, where: isTiny)
}

/// Calls `body` for whole groups of eight, and the rest through zero-padded copies.
@inline(__always)
func mapLanes(_ count: Int, from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ body: (Lanes) -> Lanes) {
    var i = 0
    while i &+ 8 <= count {
        storeLanes(body(loadLanes(x + i)), y + i)
        i &+= 8
    }
    guard i < count else { return }
    var rest = Lanes(repeating: 0)
    for j in i ..< count { rest[j - i] = x[j] }
    let result = body(rest)
    for j in i ..< count { y[j] = result[j - i] }
}

/// The sum of a[i] b[i].
@inline(__always)
func dotProduct(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var first = Lanes(repeating: 0), second = first
    var i = 0
    while i &+ 16 <= count {
        first.addProduct(loadLanes(a + i), loadLanes(b + i))
        second.addProduct(loadLanes(a + i + 8), loadLanes(b + i + 8))
        i &+= 16
    }
    var sum = lanesTotal(first + second)
    while i < count {
        sum.addProduct(a[i], b[i])
        i &+= 1
    }
    return sum
}

/// y += factor x
@inline(__always)
func accumulate(_ factor: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int) {
    var i = 0
    while i &+ 8 <= count {
        storeLanes(loadLanes(y + i).addingProduct(Lanes(repeating: factor), loadLanes(x + i)), y + i)
        i &+= 8
    }
    while i < count {
        y[i].addProduct(factor, x[i])
        i &+= 1
    }
}

/// The largest of x; no NaN may be among them.
func maximum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = Lanes(repeating: -.infinity), i = 0
    while i &+ 8 <= count {
        let next = loadLanes(x + i)
        lanes.replace(with: next, where: next .> lanes)
        i &+= 8
    }
    var result = lanes.max()
    while i < count {
        result = max(result, x[i])
        i &+= 1
    }
    return result
}

/// The sum of x.
func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = Lanes(repeating: 0), i = 0
    while i &+ 8 <= count {
        lanes += loadLanes(x + i)
        i &+= 8
    }
    var result = lanesTotal(lanes)
    while i < count {
        result += x[i]
        i &+= 1
    }
    return result
}
