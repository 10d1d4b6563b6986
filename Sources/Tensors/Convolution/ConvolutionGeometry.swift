import Support

/// How a one-dimensional convolution maps its input (the long side) to its output (the short side).
///
/// output[o] reads input[o * stride + k * dilation - padding.left] for each tap k; reads outside the
/// input are zeros. A transposed convolution is the same map run backwards, so the same geometry
/// serves it, with long and short side swapped.
public struct ConvolutionGeometry: Sendable {
    public let batch: Int
    /// Channels and length of the long side: the input of a convolution, the output of a transposed one.
    public let longChannels: Int, longLength: Int
    /// Channels and length of the short side.
    public let shortChannels: Int, shortLength: Int
    public let kernel: Int, stride: Int, dilation: Int, groups: Int
    /// Zeros before and after the long side.
    public let left: Int, right: Int

    var longPerGroup: Int { longChannels / groups }
    var shortPerGroup: Int { shortChannels / groups }
    /// One filter per channel.
    var isDepthwise: Bool { longPerGroup == 1 && shortPerGroup == 1 }
    /// Whether the columns of the product are the input itself.
    var isPointwise: Bool { kernel == 1 && stride == 1 && left == 0 && right == 0 }

    /// Output positions for which tap `k` reads inside the input.
    @inline(__always)
    func inside(_ k: Int, _ outputs: Range<Int>) -> Range<Int> {
        let shift = left - k * dilation
        let first = shift > 0 ? (shift + stride - 1) / stride : 0
        let last = longLength - 1 + shift
        let end = last < 0 ? 0 : last / stride + 1
        let lower = min(max(first, outputs.lowerBound), outputs.upperBound)
        return lower ..< min(max(end, lower), outputs.upperBound)
    }

    /// Taps and steps far beyond any signal would only overflow the index arithmetic.
    private static let largest = 1 << 30

    static func check(_ name: String, stride: Int, padding: (left: Int, right: Int), dilation: Int, groups: Int) throws
    {
        for (what, value, least) in [
            ("stride", stride, 1), ("dilation", dilation, 1), ("groups", groups, 1),
            ("padding", padding.left, 0), ("padding", padding.right, 0)
        ]
        where value < least || value > largest {
            throw OpahError(.argument, "\(name): \(what) must be from \(least) to \(largest), not \(value)")
        }
    }

    static func checkTaps(_ name: String, _ kernel: Int, dilation: Int) throws {
        guard kernel >= 1, kernel <= largest / dilation else {
            throw OpahError(.shape, "\(name): a kernel of \(kernel) taps with dilation \(dilation) cannot be used")
        }
    }
}
