import Support

/// float32 rounded to bfloat16, half to even; NaN stays NaN.
package enum Rounding {
    /// Numbers as bfloat16 bits.
    package struct Bits {
        package let start: UnsafePointer<UInt16>
        private let owner: Storage

        /// What lies there already.
        init(_ start: UnsafePointer<UInt16>, _ owner: Storage) { (self.start, self.owner) = (start, owner) }

        /// The same without the first `count`.
        func from(_ count: Int) -> Bits { Bits(start + count, owner) }

        /// `count` numbers, rounded.
        package init(of x: UnsafePointer<Float>, _ count: Int) throws {
            owner = try Storage(byteCount: count * 2)
            let out = owner.pointer.assumingMemoryBound(to: UInt16.self)
            Rounding.bits(x, count, to: out)
            start = UnsafePointer(out)
        }
    }

    /// Numbers as float32, which bfloat16 factors are rounded to where nothing multiplies their bits.
    package struct Floats {
        package let start: UnsafePointer<Float>
        private let owner: Storage?

        package init(of x: UnsafePointer<Float>, _ count: Int, _ precision: ProductPrecision) throws {
            guard precision == .bfloat16 else {
                (start, owner) = (x, nil)
                return
            }
            let copy = try Storage(byteCount: count * 4), out = copy.pointer.assumingMemoryBound(to: Float.self)
            Rounding.floats(x, count, to: out)
            (start, owner) = (UnsafePointer(out), copy)
        }
    }

    static func bits(_ x: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<UInt16>) {
        Parallel.forRange(count, grain: 65536) { range in
            var i = range.lowerBound
            while i &+ 8 <= range.upperBound {
                let upper = SIMD8<UInt16>(truncatingIfNeeded: rounded(load(x + i)) &>> SIMD8(repeating: 16))
                UnsafeMutableRawPointer(out + i).storeBytes(of: upper, as: SIMD8<UInt16>.self)
                i &+= 8
            }
            while i < range.upperBound { out[i] = BFloat16(x[i]).bits; i &+= 1 }
        }
    }

    /// The rounded numbers as float32; `out` may be `x`.
    static func floats(_ x: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<Float>) {
        Parallel.forRange(count, grain: 65536) { range in
            var i = range.lowerBound
            while i &+ 8 <= range.upperBound {
                store(unsafeBitCast(rounded(load(x + i)) & SIMD8(repeating: 0xFFFF_0000), to: Float8.self), out + i)
                i &+= 8
            }
            while i < range.upperBound { out[i] = BFloat16(x[i]).float; i &+= 1 }
        }
    }

    /// The upper half of each element is the result.
    @inline(__always)
    private static func rounded(_ x: Float8) -> SIMD8<UInt32> {
        let raw = unsafeBitCast(x, to: SIMD8<UInt32>.self)
        let nearest = raw &+ SIMD8(repeating: 0x7FFF) &+ ((raw &>> SIMD8(repeating: 16)) & SIMD8(repeating: 1))
        return nearest.replacing(with: raw | SIMD8(repeating: 0x40_0000), where: x .!= x)
    }
}
