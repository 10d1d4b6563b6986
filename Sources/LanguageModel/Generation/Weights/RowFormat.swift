import CByteProducts

/// How the streaming kernel reads one stored number format: one row after the other, front to back, which is
/// what the memory prefetcher is best at.
protocol RowFormat {
    static var bytesPerElement: Int { get }
    /// 32 neighbours of a row as floats, in the order that `arrange` gives the vector.
    static func block(_ w: UnsafeRawPointer) -> (Lanes, Lanes, Lanes, Lanes)
    /// One weight of a row's end that fills no block.
    static func element(_ w: UnsafeRawPointer) -> Float
}

extension RowFormat {
    /// The products of one row with up to three vectors, `stride` floats apart. Per vector the sums are the same, to
    /// the last bit, however many there are: samples must not depend on their company.
    ///
    /// Three, because four sums for each of them fill the sixteen registers.
    @inline(__always)
    static func products(
        _ row: UnsafeRawPointer, _ x: UnsafePointer<Float>, stride: Int, count: Int, columns: Int
    ) -> (Float, Float, Float) {
        let zero = Lanes(repeating: 0)
        var a = (zero, zero, zero, zero), b = a, c = a
        let y = count > 1 ? x + stride : x, z = count > 2 ? x + 2 &* stride : x
        let whole = columns & ~31
        var i = 0
        while i < whole {
            // A single row comes from memory one line after the other, and the processor looks no further than its page.
            if count == 1 {
                let ahead = row + (i &* bytesPerElement &+ Int(CBYTE_PREFETCH_DISTANCE))
                cbyte_prefetch(ahead)
                if bytesPerElement == 4 { cbyte_prefetch(ahead + 64) }
            }
            let w = block(row + i &* bytesPerElement)
            add(w, x + i, &a)
            if count > 1 { add(w, y + i, &b) }
            if count > 2 { add(w, z + i, &c) }
            i &+= 32
        }
        var sums = (total(a), count > 1 ? total(b) : 0, count > 2 ? total(c) : 0)
        while i < columns {
            let w = element(row + i &* bytesPerElement)
            sums.0.addProduct(w, x[i])
            if count > 1 { sums.1.addProduct(w, y[i]) }
            if count > 2 { sums.2.addProduct(w, z[i]) }
            i &+= 1
        }
        return sums
    }

    @inline(__always)
    private static func add(
        _ w: (Lanes, Lanes, Lanes, Lanes), _ x: UnsafePointer<Float>, _ sums: inout (Lanes, Lanes, Lanes, Lanes)
    ) {
        sums.0.addProduct(w.0, loadLanes(x))
        sums.1.addProduct(w.1, loadLanes(x + 8))
        sums.2.addProduct(w.2, loadLanes(x + 16))
        sums.3.addProduct(w.3, loadLanes(x + 24))
    }

    @inline(__always)
    private static func total(_ s: (Lanes, Lanes, Lanes, Lanes)) -> Float { lanesTotal((s.0 + s.1) + (s.2 + s.3)) }
}

enum Float32Rows: RowFormat {
    static var bytesPerElement: Int { 4 }

    @inline(__always)
    static func block(_ w: UnsafeRawPointer) -> (Lanes, Lanes, Lanes, Lanes) {
        (lanes(w, 0), lanes(w, 32), lanes(w, 64), lanes(w, 96))
    }
    @inline(__always) private static func lanes(_ w: UnsafeRawPointer, _ offset: Int) -> Lanes {
        (w + offset).loadUnaligned(as: Lanes.self)
    }

    @inline(__always) static func element(_ w: UnsafeRawPointer) -> Float { w.loadUnaligned(as: Float.self) }
}

/// Sixteen numbers are loaded as eight 32-bit lanes: the even ones lie in the lower halves, the odd ones in the
/// upper, and a shift or a mask makes them floats. The vector is put in the same order.
enum BFloat16Rows: RowFormat {
    static var bytesPerElement: Int { 2 }

    @inline(__always)
    static func block(_ w: UnsafeRawPointer) -> (Lanes, Lanes, Lanes, Lanes) {
        let first = w.loadUnaligned(as: SIMD8<UInt32>.self), second = (w + 32).loadUnaligned(as: SIMD8<UInt32>.self)
        return (
            unsafeBitCast(first &<< 16, to: Lanes.self), unsafeBitCast(first & 0xFFFF_0000, to: Lanes.self),
            unsafeBitCast(second &<< 16, to: Lanes.self), unsafeBitCast(second & 0xFFFF_0000, to: Lanes.self)
        )
    }

    @inline(__always)
    static func element(_ w: UnsafeRawPointer) -> Float {
        Float(bitPattern: UInt32(w.loadUnaligned(as: UInt16.self)) << 16)
    }

    static func arrange(_ x: UnsafePointer<Float>, _ columns: Int, into out: UnsafeMutablePointer<Float>) {
        let whole = columns & ~31
        for i in stride(from: 0, to: whole, by: 16) {
            let pair = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
            storeLanes(pair.evenHalf, out + i)
            storeLanes(pair.oddHalf, out + i + 8)
        }
        for i in whole ..< columns { out[i] = x[i] }
    }
}
