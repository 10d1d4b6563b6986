import CRowProducts

/// out = value.
struct StoreEpilogue: RowEpilogue {
    let out: UnsafeMutablePointer<Float>, stride: Int

    init(_ out: UnsafeMutablePointer<Float>, stride: Int) { (self.out, self.stride) = (out, stride) }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let target = out + row * stride + column
        write(a, target)
        write(b, target + 8)
    }

    @inline(__always)
    var plain: (target: UnsafeMutablePointer<Float>, stride: Int)? { (out, stride) }
}

/// out = silu(value).
struct SiLUEpilogue: RowEpilogue {
    let out: UnsafeMutablePointer<Float>, stride: Int

    init(_ out: UnsafeMutablePointer<Float>, stride: Int) { (self.out, self.stride) = (out, stride) }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let target = out + row * stride + column
        write(silu(a), target)
        write(silu(b), target + 8)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int) {
        crow_silu(values, Int64(count), out + row * stride + column)
    }
}

/// out = gelu(value).
struct GELUEpilogue: RowEpilogue {
    let out: UnsafeMutablePointer<Float>, stride: Int

    init(_ out: UnsafeMutablePointer<Float>, stride: Int) { (self.out, self.stride) = (out, stride) }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let target = out + row * stride + column
        write(gelu(a), target)
        write(gelu(b), target + 8)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int) {
        crow_gelu(values, Int64(count), out + row * stride + column)
    }
}

/// out = residual + value.
struct ResidualEpilogue: RowEpilogue {
    let residual: UnsafePointer<Float>, out: UnsafeMutablePointer<Float>, stride: Int

    init(_ residual: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, stride: Int) {
        (self.residual, self.out, self.stride) = (residual, out, stride)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let place = row * stride + column
        write(load(residual + place) + a, out + place)
        write(load(residual + place + 8) + b, out + place + 8)
    }
}

/// x = residual + value, and silu(x) for the layer that follows.
struct ResidualSiLUEpilogue: RowEpilogue {
    let residual: UnsafePointer<Float>, sum: UnsafeMutablePointer<Float>, activated: UnsafeMutablePointer<Float>,
        stride: Int

    init(
        _ residual: UnsafePointer<Float>, sum: UnsafeMutablePointer<Float>, activated: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        (self.residual, self.sum, self.activated, self.stride) = (residual, sum, activated, stride)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let place = row * stride + column
        let x0 = load(residual + place) + a, x1 = load(residual + place + 8) + b
        write(x0, sum + place)
        write(x1, sum + place + 8)
        write(silu(x0), activated + place)
        write(silu(x1), activated + place + 8)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int) {
        let place = row * stride + column
        crow_silu_of_sum(values, residual + place, Int64(count), sum + place, activated + place)
    }
}

/// value, and silu(value): where a residual stream begins.
struct BeginEpilogue: RowEpilogue {
    let sum: UnsafeMutablePointer<Float>, activated: UnsafeMutablePointer<Float>, stride: Int

    init(sum: UnsafeMutablePointer<Float>, activated: UnsafeMutablePointer<Float>, stride: Int) {
        (self.sum, self.activated, self.stride) = (sum, activated, stride)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let place = row * stride + column
        write(a, sum + place)
        write(b, sum + place + 8)
        write(silu(a), activated + place)
        write(silu(b), activated + place + 8)
    }
}

/// total += residual + value: one of several parallel branches.
struct AccumulateEpilogue: RowEpilogue {
    let residual: UnsafePointer<Float>, total: UnsafeMutablePointer<Float>, stride: Int

    init(_ residual: UnsafePointer<Float>, into total: UnsafeMutablePointer<Float>, stride: Int) {
        (self.residual, self.total, self.stride) = (residual, total, stride)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let place = row * stride + column
        write(load(total + place) + (load(residual + place) + a), total + place)
        write(load(total + place + 8) + (load(residual + place + 8) + b), total + place + 8)
    }
}

/// out = silu((total + residual + value) * factor): the last of the branches; every stage goes on with its SiLU.
struct MeanSiLUEpilogue: RowEpilogue {
    let total: UnsafePointer<Float>, residual: UnsafePointer<Float>, factor: Float
    let out: UnsafeMutablePointer<Float>, stride: Int

    init(
        _ total: UnsafePointer<Float>, _ residual: UnsafePointer<Float>, factor: Float,
        _ out: UnsafeMutablePointer<Float>, stride: Int
    ) {
        (self.total, self.residual, self.factor, self.out, self.stride) = (total, residual, factor, out, stride)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        let place = row * stride + column
        write(silu((load(total + place) + (load(residual + place) + a)) * factor), out + place)
        write(silu((load(total + place + 8) + (load(residual + place + 8) + b)) * factor), out + place + 8)
    }

    @inline(__always)
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int) {
        let place = row * stride + column
        crow_silu_of_mean(values, residual + place, total + place, factor, Int64(count), out + place)
    }
}

/// out[row] = tanh(value in column 0): one sample per row.
struct SampleEpilogue: RowEpilogue {
    let out: UnsafeMutablePointer<Float>

    @inline(__always)
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>) {
        out[row] = hyperbolicTangent(a)[0]
    }
}
