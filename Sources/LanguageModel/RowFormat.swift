/// How the streaming kernel reads one stored number format: one row after the other, front to back, which is
/// what the memory prefetcher is best at (four rows side by side were measured at half the speed).
protocol RowFormat {
    static var bytesPerElement: Int { get }
    /// The order of the vector's elements inside a block of 32: element `position(i)` goes to place i.
    static func position(_ place: Int) -> Int
    /// Adds the products of one block of 32 columns; four sums hide the adder's latency.
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ sums: inout (Lanes, Lanes, Lanes, Lanes))
    /// One weight.
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float
}

extension RowFormat {
    @inline(__always) static var block: Int { 32 }

    /// The vector in the order that `add` wants.
    static func arrange(_ x: UnsafePointer<Float>, _ columns: Int, into out: UnsafeMutablePointer<Float>) {
        let whole = columns / block * block
        for start in stride(from: 0, to: whole, by: block) {
            for i in 0..<block { out[start + i] = x[start + position(i)] }
        }
        for i in whole..<columns { out[i] = x[i] }
    }

    /// The product of a row and an arranged vector.
    @inline(__always)
    static func dot(_ row: UnsafeRawPointer, _ x: UnsafePointer<Float>, _ columns: Int) -> Float {
        let zero = Lanes(repeating: 0)
        var sums = (zero, zero, zero, zero)
        let whole = columns / block &* block
        var column = 0
        while column < whole {
            add(row + column &* bytesPerElement, UnsafeRawPointer(x + column), &sums)
            column &+= block
        }
        var sum = ((sums.0 + sums.1) + (sums.2 + sums.3)).sum()
        while column < columns {
            sum.addProduct(element(row, column), x[column])
            column &+= 1
        }
        return sum
    }
}

@inline(__always) private func lanes(_ x: UnsafeRawPointer, _ offset: Int) -> Lanes {
    (x + offset).loadUnaligned(as: Lanes.self)
}

enum Float32Rows: RowFormat {
    static var bytesPerElement: Int { 4 }
    static func position(_ place: Int) -> Int { place }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ sums: inout (Lanes, Lanes, Lanes, Lanes)) {
        sums.0.addProduct(lanes(w, 0), lanes(x, 0))
        sums.1.addProduct(lanes(w, 32), lanes(x, 32))
        sums.2.addProduct(lanes(w, 64), lanes(x, 64))
        sums.3.addProduct(lanes(w, 96), lanes(x, 96))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float { (row + 4 &* column).loadUnaligned(as: Float.self) }
}

/// Sixteen numbers are loaded as eight 32-bit lanes: the even ones lie in the lower halves, the odd ones in the
/// upper, and a shift or a mask makes them floats. The vector is put in the same order.
enum BFloat16Rows: RowFormat {
    static var bytesPerElement: Int { 2 }
    static func position(_ place: Int) -> Int { place / 16 * 16 + (place % 16 < 8 ? 2 * (place % 8) : 2 * (place % 8) + 1) }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ sums: inout (Lanes, Lanes, Lanes, Lanes)) {
        let first = w.loadUnaligned(as: SIMD8<UInt32>.self), second = (w + 32).loadUnaligned(as: SIMD8<UInt32>.self)
        sums.0.addProduct(unsafeBitCast(first &<< 16, to: Lanes.self), lanes(x, 0))
        sums.1.addProduct(unsafeBitCast(first & 0xFFFF_0000, to: Lanes.self), lanes(x, 32))
        sums.2.addProduct(unsafeBitCast(second &<< 16, to: Lanes.self), lanes(x, 64))
        sums.3.addProduct(unsafeBitCast(second & 0xFFFF_0000, to: Lanes.self), lanes(x, 96))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float {
        Float(bitPattern: UInt32((row + 2 &* column).loadUnaligned(as: UInt16.self)) << 16)
    }
}

enum Int8Rows: RowFormat {
    static var bytesPerElement: Int { 1 }
    static func position(_ place: Int) -> Int { place }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ sums: inout (Lanes, Lanes, Lanes, Lanes)) {
        sums.0.addProduct(widened(w, 0), lanes(x, 0))
        sums.1.addProduct(widened(w, 8), lanes(x, 32))
        sums.2.addProduct(widened(w, 16), lanes(x, 64))
        sums.3.addProduct(widened(w, 24), lanes(x, 96))
    }

    @inline(__always) private static func widened(_ w: UnsafeRawPointer, _ offset: Int) -> Lanes {
        Lanes(SIMD8<Int32>(truncatingIfNeeded: (w + offset).loadUnaligned(as: SIMD8<Int8>.self)))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float { Float((row + column).load(as: Int8.self)) }
}
