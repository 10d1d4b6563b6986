import Glibc
import Support

/// A second-order filter y[t] = b0 x[t] + b1 x[t-1] + b2 x[t-2] - a1 y[t-1] - a2 y[t-2], with its state.
public struct Biquad: Sendable {
    /// [b0, b1, b2] and [1, a1, a2].
    public let b: [Double], a: [Double]
    private let (b0, b1, b2, a1, a2): (Double, Double, Double, Double, Double)
    private var z1 = 0.0, z2 = 0.0

    init(b: [Double], a: [Double]) {
        self.b = b.map { $0 / a[0] }
        self.a = a.map { $0 / a[0] }
        (b0, b1, b2, a1, a2) = (self.b[0], self.b[1], self.b[2], self.a[1], self.a[2])
    }

    @inline(__always)
    mutating func next(_ x: Double) -> Double {
        let y = b0 * x + z1
        z1 = b1 * x - a1 * y + z2
        z2 = b2 * x - a2 * y
        return y
    }

    /// The state of a filter that blocks what is constant, when `x` has come in for ever and nothing has come out.
    mutating func settle(at x: Double) { (z1, z2) = (-b0 * x, b2 * x) }

    /// After R. Bristow-Johnson's audio EQ cookbook; a Butterworth filter when q is 1/√2.
    static func highPass(q: Double, frequency: Double, sampleRate: Double) -> Biquad {
        let w = 2 * Double.pi * frequency / sampleRate, c = cos(w), alpha = sin(w) / (2 * q)
        return Biquad(b: [(1 + c) / 2, -(1 + c), (1 + c) / 2], a: [1 + alpha, -2 * c, 1 - alpha])
    }

    /// Lets a decayed state be zero: subnormal numbers are very slow.
    mutating func flush() {
        if abs(z1) < 1e-200 { z1 = 0 }
        if abs(z2) < 1e-200 { z2 = 0 }
    }
}

/// The two filters of BS.1770's K weighting for any sampling rate, designed as pyloudnorm does (with the formulas of
/// R. Bristow-Johnson's audio EQ cookbook): a shelf of +4 dB above 1500 Hz (Q 1/√2), then a high pass at 38 Hz (Q 0.5).
public enum KWeighting {
    /// The filters shape what lies up to 1.5 kHz and above; at lower rates they mean nothing.
    public static let lowestRate = 4000

    /// The filters in the order in which they are applied.
    public static func filters(sampleRate: Int) throws -> (highShelf: Biquad, highPass: Biquad) {
        guard sampleRate >= lowestRate else {
            throw OpahError(
                .audio, "loudness is not defined at \(sampleRate) Hz", hint: "use at least \(lowestRate) Hz")
        }
        return (
            highShelf(gain: 4, q: 1 / 2.0.squareRoot(), frequency: 1500, sampleRate: Double(sampleRate)),
            Biquad.highPass(q: 0.5, frequency: 38, sampleRate: Double(sampleRate))
        )
    }

    private static func highShelf(gain: Double, q: Double, frequency: Double, sampleRate: Double) -> Biquad {
        let a = pow(10, gain / 40), w = 2 * Double.pi * frequency / sampleRate
        let c = cos(w), s = 2 * a.squareRoot() * sin(w) / (2 * q)
        return Biquad(
            b: [a * (a + 1 + (a - 1) * c + s), -2 * a * (a - 1 + (a + 1) * c), a * (a + 1 + (a - 1) * c - s)],
            a: [a + 1 - (a - 1) * c + s, 2 * (a - 1 - (a + 1) * c), a + 1 - (a - 1) * c - s])
    }
}
