import Glibc
import Support

/// Grouped residual finite scalar quantization: each group of channels is projected to a few values
/// that are rounded to a few levels each; the levels of one rounding make one code.
///
/// `bound` squashes the projected values once before the residual loop and once more inside each
/// layer; layer r works on the residual divided by (levels - 1)^-r. Rounding is half to even.
final class ScalarQuantization: Sendable {
    let levels: [Int], groups: Int, layers: Int
    /// Codes per book.
    let codebookSize: Int
    private let channels: Int
    /// [groups][levels, channels / groups] and biases; empty when the group has as many channels as levels.
    private let projectIn: [[Float]], biasIn: [[Float]]
    private let projectOut: [[Float]], biasOut: [[Float]]
    private let halfLength: [Float], offset: [Float], shift: [Float]

    init(_ weights: CodecWeights, _ configuration: CodecConfiguration.Quantizer) throws {
        levels = configuration.levels
        groups = configuration.groups
        layers = configuration.codebooksPerGroup
        codebookSize = configuration.codebookSize
        channels = configuration.dims.last!
        let isProjected = channels / groups != levels.count
        func parameters(_ name: String) throws -> [[Float]] {
            isProjected
                ? try (0 ..< configuration.groups).map { try weights("quantizer.residual_fsq.rvqs.\($0).\(name)") } : []
        }
        projectIn = try parameters("project_in.weight")
        biasIn = try parameters("project_in.bias")
        projectOut = try parameters("project_out.weight")
        biasOut = try parameters("project_out.bias")
        halfLength = levels.map { Float($0 - 1) * (1 + 1e-3) / 2 }
        offset = levels.map { $0 % 2 == 0 ? 0.5 : 0 }
        shift = zip(offset, halfLength).map { atanhf($0 / $1) }
    }

    var codebookCount: Int { groups * layers }

    private func bound(_ z: Float, _ d: Int) -> Float { tanhf(z + shift[d]) * halfLength[d] - offset[d] }

    /// (levels - 1)^-layer.
    private func scale(_ layer: Int, _ d: Int) -> Float { powf(Float(levels[d] - 1), Float(-layer)) }

    /// Quantizes one row of latents. For each book (group-major) it reports the code, the bounded values
    /// right before rounding, and the distance to a rounding boundary, the least so far in the group.
    func encode(
        _ row: UnsafePointer<Float>, _ report: (_ book: Int, _ code: Int32, _ values: [Float], _ margin: Float) -> Void
    ) {
        let perGroup = channels / groups, dims = levels.count
        for group in 0 ..< groups {
            let input = row + group * perGroup
            var residual = (0 ..< dims).map { d -> Float in
                guard !projectIn.isEmpty else { return bound(input[d], d) }
                var sum = Double(biasIn[group][d])
                for c in 0 ..< perGroup { sum += Double(projectIn[group][d * perGroup + c]) * Double(input[c]) }
                return bound(Float(sum), d)
            }
            var margin = Float.infinity   // a wrong code spoils the later books of its group too
            for layer in 0 ..< layers {
                var code = 0, basis = 1, values = [Float](repeating: 0, count: dims)
                for d in 0 ..< dims {
                    let scale = scale(layer, d), halfWidth = levels[d] / 2
                    values[d] = bound(residual[d] / scale, d)
                    let rounded = values[d].rounded(.toNearestOrEven)
                    margin = min(margin, abs(abs(values[d] - rounded) - 0.5))
                    // NaN input rounds to the middle level: the clip's error is raised before this.
                    code += (rounded.isFinite ? Int(rounded) + halfWidth : 0) * basis
                    basis *= levels[d]
                    residual[d] -= rounded / Float(halfWidth) * scale
                }
                report(group * layers + layer, Int32(code), values, margin)
            }
        }
    }

    /// The latents [channels] of one column of codes, which must be in range.
    func decode(_ codes: (_ book: Int) -> Int, into row: UnsafeMutablePointer<Float>) {
        let perGroup = channels / groups, dims = levels.count
        for group in 0 ..< groups {
            var values = [Float](repeating: 0, count: dims)
            for layer in 0 ..< layers {
                var code = codes(group * layers + layer)
                for d in 0 ..< dims {
                    let halfWidth = levels[d] / 2
                    values[d] += Float(code % levels[d] - halfWidth) / Float(halfWidth) * scale(layer, d)
                    code /= levels[d]
                }
            }
            let output = row + group * perGroup
            guard !projectOut.isEmpty else {
                for d in 0 ..< dims { output[d] = values[d] }
                continue
            }
            for c in 0 ..< perGroup {
                var sum = biasOut[group][c]
                for d in 0 ..< dims { sum += projectOut[group][c * dims + d] * values[d] }
                output[c] = sum
            }
        }
    }
}
