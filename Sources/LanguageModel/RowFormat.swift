/// How the streaming kernel reads one stored number format.
///
/// A block of weights is loaded as eight 32-bit lanes, and shifts and masks turn the parts of each lane
/// into floats; the vector is rearranged once per call so that its elements meet the right parts.
protocol RowFormat {
    static var bytesPerElement: Int { get }
    /// Columns per block.
    static var block: Int { get }
    /// The order of the vector's elements inside a block: element `position(i)` of the block goes to place i.
    static func position(_ place: Int) -> Int
    /// Adds the products of one block.
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ first: inout SIMD8<Float>, _ second: inout SIMD8<Float>)
    /// One weight.
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float
}

extension RowFormat {
    static func arrange(_ x: UnsafePointer<Float>, _ columns: Int, into out: UnsafeMutablePointer<Float>) {
        let whole = columns / block * block
        for start in stride(from: 0, to: whole, by: block) {
            for i in 0..<block { out[start + i] = x[start + position(i)] }
        }
        for i in whole..<columns { out[i] = x[i] }
    }

    /// Four rows at once: the vector is read once for all of them, and eight sums hide the adder's latency.
    @inline(__always)
    static func dot4(_ rows: UnsafeRawPointer, _ rowBytes: Int, _ x: UnsafePointer<Float>, _ columns: Int) -> SIMD4<Float> {
        let row1 = rows + rowBytes, row2 = row1 + rowBytes, row3 = row2 + rowBytes
        var a0 = SIMD8<Float>(repeating: 0), b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0
        let whole = columns / block &* block
        var column = 0
        while column < whole {
            let at = column &* bytesPerElement, vector = UnsafeRawPointer(x + column)
            add(rows + at, vector, &a0, &b0)
            add(row1 + at, vector, &a1, &b1)
            add(row2 + at, vector, &a2, &b2)
            add(row3 + at, vector, &a3, &b3)
            column &+= block
        }
        var sums = SIMD4((a0 + b0).sum(), (a1 + b1).sum(), (a2 + b2).sum(), (a3 + b3).sum())
        while column < columns {
            sums.addProduct(SIMD4(element(rows, column), element(row1, column), element(row2, column), element(row3, column)),
                            SIMD4(repeating: x[column]))
            column &+= 1
        }
        return sums
    }

    @inline(__always)
    static func dot(_ row: UnsafeRawPointer, _ x: UnsafePointer<Float>, _ columns: Int) -> Float {
        var a = SIMD8<Float>(repeating: 0), b = a
        let whole = columns / block &* block
        var column = 0
        while column < whole {
            add(row + column &* bytesPerElement, UnsafeRawPointer(x + column), &a, &b)
            column &+= block
        }
        var sum = (a + b).sum()
        while column < columns {
            sum.addProduct(element(row, column), x[column])
            column &+= 1
        }
        return sum
    }
}

@inline(__always) private func lanes(_ x: UnsafeRawPointer, _ offset: Int) -> SIMD8<Float> {
    (x + offset).loadUnaligned(as: SIMD8<Float>.self)
}

enum Float32Rows: RowFormat {
    static var bytesPerElement: Int { 4 }
    static var block: Int { 16 }
    static func position(_ place: Int) -> Int { place }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ first: inout SIMD8<Float>, _ second: inout SIMD8<Float>) {
        first.addProduct(lanes(w, 0), lanes(x, 0))
        second.addProduct(lanes(w, 32), lanes(x, 32))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float { (row + 4 &* column).loadUnaligned(as: Float.self) }
}

/// Two numbers per lane: the even ones in the lower halves, the odd ones in the upper.
enum BFloat16Rows: RowFormat {
    static var bytesPerElement: Int { 2 }
    static var block: Int { 16 }
    static func position(_ place: Int) -> Int { place < 8 ? 2 * place : 2 * (place - 8) + 1 }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ first: inout SIMD8<Float>, _ second: inout SIMD8<Float>) {
        let pairs = w.loadUnaligned(as: SIMD8<UInt32>.self)
        first.addProduct(unsafeBitCast(pairs &<< 16, to: SIMD8<Float>.self), lanes(x, 0))
        second.addProduct(unsafeBitCast(pairs & 0xFFFF_0000, to: SIMD8<Float>.self), lanes(x, 32))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float {
        Float(bitPattern: UInt32((row + 2 &* column).loadUnaligned(as: UInt16.self)) << 16)
    }
}

/// Four numbers per lane, the first in the lowest byte.
enum Int8Rows: RowFormat {
    static var bytesPerElement: Int { 1 }
    static var block: Int { 32 }
    static func position(_ place: Int) -> Int { place % 8 * 4 + place / 8 }

    @inline(__always)
    static func add(_ w: UnsafeRawPointer, _ x: UnsafeRawPointer, _ first: inout SIMD8<Float>, _ second: inout SIMD8<Float>) {
        let quads = w.loadUnaligned(as: SIMD8<Int32>.self)
        first.addProduct(SIMD8<Float>((quads &<< 24) &>> 24), lanes(x, 0))
        second.addProduct(SIMD8<Float>((quads &<< 16) &>> 24), lanes(x, 32))
        first.addProduct(SIMD8<Float>((quads &<< 8) &>> 24), lanes(x, 64))
        second.addProduct(SIMD8<Float>(quads &>> 24), lanes(x, 96))
    }

    @inline(__always)
    static func element(_ row: UnsafeRawPointer, _ column: Int) -> Float { Float((row + column).load(as: Int8.self)) }
}
