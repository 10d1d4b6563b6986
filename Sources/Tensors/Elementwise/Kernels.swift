import Glibc

/// What an elementwise operation does to one element, in the three types that arithmetic runs in:
/// float32 (eight at a time), float64, and int64 for every integer type.
protocol UnaryKernel {
    static func apply(_ x: Float8) -> Float8
    static func apply(_ x: Double) -> Double
    static func apply(_ x: Int) -> Int
}

protocol BinaryKernel {
    static func apply(_ a: Float8, _ b: Float8) -> Float8
    static func apply(_ a: Double, _ b: Double) -> Double
    static func apply(_ a: Int, _ b: Int) -> Int
}

/// Integers never reach these: the operation turns them into float32 before.
protocol FloatingUnaryKernel: UnaryKernel {}
extension FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Int) -> Int { x }
}
protocol FloatingBinaryKernel: BinaryKernel {}
extension FloatingBinaryKernel {
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { a }
}

// MARK: Two operands

enum Add: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { a + b }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a + b }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { a &+ b }
}

enum Subtract: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { a - b }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a - b }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { a &- b }
}

enum Multiply: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { a * b }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a * b }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { a &* b }
}

enum Divide: FloatingBinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { a / b }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a / b }
}

/// What is left of a - b floor(a / b): it has the sign of b. Integers by 0 are refused before.
enum Remainder: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 {
        var result = Float8()
        for i in 0 ..< 8 { result[i] = floored(fmodf(a[i], b[i]), b[i]) }
        return result
    }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { floored(fmod(a, b), b) }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int {
        if b == 0 || b == -1 { return 0 }
        let rest = a % b
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
    }
    @inline(__always) private static func floored<T: BinaryFloatingPoint>(_ rest: T, _ b: T) -> T {
        rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
    }
}

enum Power: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { VectorMath.pow(a, b) }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { pow(a, b) }
    /// b >= 0; wraps like the other integer operations.
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int {
        var result = 1, square = a, exponent = b
        while exponent > 0 {
            if exponent & 1 == 1 { result = result &* square }
            square = square &* square
            exponent >>= 1
        }
        return result
    }
}

/// NaN if either is.
enum Maximum: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { VectorMath.maximum(a, b) }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a < b || b != b ? b : a }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { Swift.max(a, b) }
}

enum Minimum: BinaryKernel {
    @inline(__always) static func apply(_ a: Float8, _ b: Float8) -> Float8 { VectorMath.minimum(a, b) }
    @inline(__always) static func apply(_ a: Double, _ b: Double) -> Double { a > b || b != b ? b : a }
    @inline(__always) static func apply(_ a: Int, _ b: Int) -> Int { Swift.min(a, b) }
}

// MARK: One operand

enum Negate: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { -x }
    @inline(__always) static func apply(_ x: Double) -> Double { -x }
    @inline(__always) static func apply(_ x: Int) -> Int { 0 &- x }
}

enum Magnitude: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.magnitude(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { Swift.abs(x) }
    @inline(__always) static func apply(_ x: Int) -> Int { x < 0 ? 0 &- x : x }
}

enum Rectify: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x.replacing(with: 0, where: x .< 0) }
    @inline(__always) static func apply(_ x: Double) -> Double { x < 0 ? 0 : x }
    @inline(__always) static func apply(_ x: Int) -> Int { Swift.max(x, 0) }
}

/// Halves go to the even neighbour.
enum RoundEven: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x.rounded(.toNearestOrEven) }
    @inline(__always) static func apply(_ x: Double) -> Double { x.rounded(.toNearestOrEven) }
    @inline(__always) static func apply(_ x: Int) -> Int { x }
}

enum RoundDown: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x.rounded(.down) }
    @inline(__always) static func apply(_ x: Double) -> Double { x.rounded(.down) }
    @inline(__always) static func apply(_ x: Int) -> Int { x }
}

enum RoundUp: UnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x.rounded(.up) }
    @inline(__always) static func apply(_ x: Double) -> Double { x.rounded(.up) }
    @inline(__always) static func apply(_ x: Int) -> Int { x }
}

enum Exponential: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.exp(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { exp(x) }
}

enum Logarithm: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.log(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { log(x) }
}

enum SquareRoot: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x.squareRoot() }
    @inline(__always) static func apply(_ x: Double) -> Double { x.squareRoot() }
}

enum ReciprocalRoot: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { 1 / x.squareRoot() }
    @inline(__always) static func apply(_ x: Double) -> Double { 1 / x.squareRoot() }
}

enum HyperbolicTangent: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.tanh(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { tanh(x) }
}

enum Sigmoid: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.sigmoid(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}

/// x sigmoid(x)
enum SigmoidLinear: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { x / (1 + VectorMath.exp(-x)) }
    @inline(__always) static func apply(_ x: Double) -> Double { x / (1 + exp(-x)) }
}

/// x/2 (1 + erf(x / sqrt 2))
enum GaussianLinear: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.gelu(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { 0.5 * x * (1 + erf(x * 0.5.squareRoot())) }
}

enum Sine: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.sin(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { sin(x) }
}

enum Cosine: FloatingUnaryKernel {
    @inline(__always) static func apply(_ x: Float8) -> Float8 { VectorMath.cos(x) }
    @inline(__always) static func apply(_ x: Double) -> Double { cos(x) }
}

// MARK: Gradients: a is the gradient of the result; b is what the operation saved

/// |x|: g sign(x)
enum MagnitudeGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ x: Float8) -> Float8 {
        g.replacing(with: -g, where: x .< 0).replacing(with: 0, where: x .== 0)
    }
    @inline(__always) static func apply(_ g: Double, _ x: Double) -> Double { x == 0 ? 0 : x < 0 ? -g : g }
}

/// relu, with y its result
enum RectifyGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { g.replacing(with: 0, where: y .<= 0) }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { y <= 0 ? 0 : g }
}

/// round, floor, ceil: flat everywhere
enum NoGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { Float8() }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { 0 }
}

/// -x
enum NegateGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { -g }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { -g }
}

/// sqrt, with y its result: g / 2y
enum SquareRootGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { g / (y + y) }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { g / (y + y) }
}

/// rsqrt, with y its result: -g y^3 / 2
enum ReciprocalRootGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { -0.5 * g * (y * y * y) }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { -0.5 * g * (y * y * y) }
}

/// tanh, with y its result: g (1 - y^2)
enum HyperbolicTangentGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { g * (1 - y * y) }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { g * (1 - y * y) }
}

/// sigmoid, with y its result: g y (1 - y)
enum SigmoidGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ y: Float8) -> Float8 { g * y * (1 - y) }
    @inline(__always) static func apply(_ g: Double, _ y: Double) -> Double { g * y * (1 - y) }
}

/// silu: g s (1 + x (1 - s)), with s = sigmoid(x)
enum SigmoidLinearGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ x: Float8) -> Float8 {
        let s = VectorMath.sigmoid(x)
        return g * s * (1 + x * (1 - s))
    }
    @inline(__always) static func apply(_ g: Double, _ x: Double) -> Double {
        let s = Sigmoid.apply(x)
        return g * s * (1 + x * (1 - s))
    }
}

/// gelu: g (Phi(x) + x phi(x)), the normal distribution and its density
enum GaussianLinearGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ x: Float8) -> Float8 {
        let density = 0.39894228 * VectorMath.exp(-0.5 * x * x)
        return g * (0.5 * (1 + VectorMath.erf(x * 0.70710678)) + x * density)
    }
    @inline(__always) static func apply(_ g: Double, _ x: Double) -> Double {
        let density = exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
        return g * (0.5 * (1 + erf(x * 0.5.squareRoot())) + x * density)
    }
}

/// sin: g cos(x)
enum SineGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ x: Float8) -> Float8 { g * VectorMath.cos(x) }
    @inline(__always) static func apply(_ g: Double, _ x: Double) -> Double { g * cos(x) }
}

/// cos: -g sin(x)
enum CosineGradient: FloatingBinaryKernel {
    @inline(__always) static func apply(_ g: Float8, _ x: Float8) -> Float8 { -g * VectorMath.sin(x) }
    @inline(__always) static func apply(_ g: Double, _ x: Double) -> Double { -g * sin(x) }
}
