import Glibc
import Support

extension NN {
    /// Root-mean-square norm of the last dimension: x / sqrt(mean(x^2) + eps), then times weight.
    /// - Parameters: x: [..., D];  weight: [D], any floating dtype.
    public static func rmsNorm(_ x: Tensor, _ weight: Tensor, eps: Float) throws -> Tensor {
        let x = try x.single(), weight = try weight.single()
        let (rows, width) = try normShape(x, weight, "rmsNorm")
        let plain = try x.dense("rmsNorm"), plainW = try weight.dense("rmsNorm")
        let result = try Tensor(empty: x.shape), inverse = try Tensor(empty: [rows])
        let from = plain.pointer(Float.self), to = result.pointer(Float.self)
        let w = plainW.pointer(Float.self), r = inverse.pointer(Float.self)
        Parallel.forRange(rows, grain: grain(width)) { range in
            for n in range {
                let x = from + n &* width
                r[n] = 1 / (dot(x, x, width) / Float(width) + eps).squareRoot()
                scale(x, by: r[n], w, to + n &* width, width)
            }
        }
        let savedX = Saved(plain), savedW = Saved(plainW), wants = (x: x.requiresGrad, weight: weight.requiresGrad)
        Autograd.record(result, "rmsNorm", [x, weight]) { gradient in
            let g = try gradient.dense("rmsNorm")
            let gp = g.pointer(Float.self), xp = try savedX.pointer("rmsNorm")
            let w = try savedW.pointer("rmsNorm"), r = inverse.pointer(Float.self)
            var dx: Tensor?, dW: Tensor?
            if wants.x {
                dx = try Tensor(empty: g.shape)
                let out = dx!.pointer(Float.self)
                Parallel.forRange(rows, grain: grain(width)) { range in
                    for n in range {
                        let g = gp + n &* width, x = xp + n &* width, d = out + n &* width
                        var sum = Float8(0)
                        eachVector(width) { i, lanes in
                            sum = sum.addingProduct(load(g + i, lanes) * load(w + i, lanes), load(x + i, lanes))
                        }
                        let factor = r[n], along = -(sum.total / Float(width)) * factor * factor * factor
                        eachVector(width) { i, lanes in
                            let v = load(g + i, lanes) * load(w + i, lanes) * factor
                            store(v.addingProduct(load(x + i, lanes), Float8(along)), d + i, lanes)
                        }
                    }
                }
            }
            if wants.weight {
                dW = try columnReduction(rows, width) { n, i, lanes in
                    load(gp + n &* width + i, lanes) * load(xp + n &* width + i, lanes) * r[n]
                }
            }
            return [dx, dW]
        }
        let shape = x.shape
        result.node?.remake = {
            let again = try Tensor(empty: shape), to = again.pointer(Float.self)
            let from = try savedX.pointer("rmsNorm"), w = try savedW.pointer("rmsNorm"), r = inverse.pointer(Float.self)
            Parallel.forRange(rows, grain: grain(width)) { range in
                for n in range { scale(from + n &* width, by: r[n], w, to + n &* width, width) }
            }
            return again
        }
        return result
    }

    /// y = x factor w, elementwise.
    @inline(__always)
    private static func scale(
        _ x: UnsafePointer<Float>, by factor: Float, _ w: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
        _ width: Int
    ) {
        eachVector(width) { i, lanes in store(load(x + i, lanes) * factor * load(w + i, lanes), y + i, lanes) }
    }

    /// Layer norm of the last dimension: (x - mean) / sqrt(variance + eps), times weight, plus bias.
    /// - Parameters: x: [..., D];  weight, bias: [D], either may be absent.
    public static func layerNorm(
        _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, eps: Float = 1e-5
    ) throws -> Tensor {
        let x = try x.single(), weight = try weight?.single(), bias = try bias?.single()
        let (rows, width) = try normShape(x, weight, "layerNorm")
        _ = try normShape(x, bias, "layerNorm")
        let plain = try x.dense("layerNorm")
        let plainW = try weight?.dense("layerNorm") ?? Tensor.ones([width]),
            plainB = try bias?.dense("layerNorm") ?? Tensor(zeros: [width])
        let result = try Tensor(empty: x.shape), statistics = try Tensor(empty: [rows, 2])   // mean, 1 / deviation
        let from = plain.pointer(Float.self), to = result.pointer(Float.self), s = statistics.pointer(Float.self)
        let w = plainW.pointer(Float.self), b = plainB.pointer(Float.self)
        Parallel.forRange(rows, grain: grain(width)) { range in
            for n in range {
                let x = from + n &* width, y = to + n &* width
                var sum = Float8(0), squares = Float8(0)
                eachVector(width) { i, lanes in sum += load(x + i, lanes) }
                let mean = sum.total / Float(width)
                eachVector(width) { i, lanes in
                    var d = load(x + i, lanes) - mean
                    if lanes < 8 { for k in lanes ..< 8 { d[k] = 0 } }
                    squares = squares.addingProduct(d, d)
                }
                let factor = 1 / (squares.total / Float(width) + eps).squareRoot()
                s[2 &* n] = mean
                s[2 &* n &+ 1] = factor
                eachVector(width) { i, lanes in
                    let normal = (load(x + i, lanes) - mean) * factor
                    store(load(b + i, lanes).addingProduct(normal, load(w + i, lanes)), y + i, lanes)
                }
            }
        }
        let savedX = Saved(plain), savedW = Saved(plainW)
        let wants = (x: x.requiresGrad, weight: weight?.requiresGrad ?? false, bias: bias?.requiresGrad ?? false)
        let hasWeight = weight != nil, hasBias = bias != nil
        Autograd.record(result, "layerNorm", [x] + [weight, bias].compactMap { $0 }) { gradient in
            let g = try gradient.dense("layerNorm")
            let gp = g.pointer(Float.self), xp = try savedX.pointer("layerNorm")
            let w = try savedW.pointer("layerNorm"), s = statistics.pointer(Float.self)
            var dx: Tensor?
            if wants.x {
                dx = try Tensor(empty: g.shape)
                let out = dx!.pointer(Float.self)
                Parallel.forRange(rows, grain: grain(width)) { range in
                    for n in range {
                        let g = gp + n &* width, x = xp + n &* width, d = out + n &* width
                        let mean = s[2 &* n], factor = s[2 &* n &+ 1]
                        var sum = Float8(0), product = Float8(0)
                        eachVector(width) { i, lanes in
                            let v = load(g + i, lanes) * load(w + i, lanes)
                            sum += v
                            product = product.addingProduct(v, load(x + i, lanes) - mean)
                        }
                        let offset = -sum.total / Float(width) * factor
                        let along = -(product.total / Float(width)) * factor * factor * factor
                        eachVector(width) { i, lanes in
                            let v = (load(g + i, lanes) * load(w + i, lanes) * factor).addingProduct(
                                load(x + i, lanes) - mean, Float8(along))
                            store(v + offset, d + i, lanes)
                        }
                    }
                }
            }
            var parts: [Tensor?] = [dx]
            if hasWeight {
                parts.append(
                    wants.weight
                        ? try columnReduction(rows, width) { n, i, lanes in
                            load(gp + n &* width + i, lanes) * (load(xp + n &* width + i, lanes) - s[2 &* n])
                                * s[2 &* n &+ 1]
                        } : nil)
            }
            if hasBias { parts.append(wants.bias ? try columnSums(g, rows: rows, width: width) : nil) }
            return parts
        }
        return result
    }

    /// Rows per task of a kernel that passes once or twice over rows of this width.
    static func grain(_ width: Int) -> Int { max(1, 8192 / max(width, 1)) }

    private static func normShape(_ x: Tensor, _ weight: Tensor?, _ operation: String) throws -> (rows: Int, width: Int)
    {
        guard x.rank > 0, x.shape[x.rank - 1] > 0 else {
            throw OpahError(.shape, "\(operation): x of shape \(x.shape) has no last dimension to normalise")
        }
        let width = x.shape[x.rank - 1]
        if let weight, weight.shape != [width] {
            throw OpahError(
                .shape, "\(operation): a weight of shape \(weight.shape) for x of shape \(x.shape)",
                hint: "the weight must have one number for each of the \(width) elements of x's last dimension")
        }
        return (x.count / width, width)
    }

    /// out[i] = sum over n of body(n, i), n in order, threads sharing the columns.
    private static func columnReduction(_ rows: Int, _ width: Int, _ body: (Int, Int, Int) -> Float8) throws -> Tensor {
        let sums = try Tensor(zeros: [width])
        let to = sums.pointer(Float.self)
        Parallel.forRange((width + 63) / 64) { blocks in
            let lower = blocks.lowerBound * 64, upper = min(blocks.upperBound * 64, width)
            for n in 0 ..< rows {
                eachVector(upper - lower) { j, lanes in
                    store(load(to + lower + j, lanes) + body(n, lower + j, lanes), to + lower + j, lanes)
                }
            }
        }
        return sums
    }
}
