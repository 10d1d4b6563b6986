import Codec
import Formats
import Support
import Tensors
import TestSupport
import XCTest

/// The vocoder at widths that the small reference codecs do not reach, where whole blocks of rows go by
/// minimal filtering: against the same network written with the tensor library's convolutions.
final class VocoderReferenceTests: XCTestCase {
    func testWideVocoder() throws {
        var configuration = CodecConfiguration()
        configuration.backbone.depths = [0, 0, 0, 1]
        configuration.head.initialChannels = 160   // 80, 40, 20, ... channels: rows are padded too
        // Kernels of one, two and three groups of taps, and one that is too long for the fast way.
        configuration.head.resblockKernelSizes = [3, 8, 11, 13]
        configuration.head.resblockDilations = [[1, 3, 5], [1, 2, 5], [1, 3, 4], [1, 1, 2]]
        let codec = try Codec.random(configuration, seed: 9), tokens = 9
        let codes = try Tensor(integers: (0 ..< (8 * tokens)).map { $0 * 7919 % 1000 }, [8, tokens], .int32)
        let wave = try codec.decode(codes)
        try withTemporaryFolder { folder in
            try codec.save(folder + "/x.safetensors")
            let head = try Head(configuration.head, Checkpoint.stateDict(folder + "/x.safetensors"))
            let expected = try head(codec.decoderInput(codes))
            XCTAssertGreaterThan(expected.map { abs($0) }.max() ?? 0, 0.05)
            assertClose(wave, expected, abs: 2e-5)
        }
    }

    /// The HiFi-GAN generator as a chain of tensor operations, [C, T].
    private struct Head {
        let configuration: CodecConfiguration.Head, state: StateDict

        init(_ configuration: CodecConfiguration.Head, _ state: StateDict) throws {
            (self.configuration, self.state) = (configuration, state)
        }

        /// Magnitude times direction over its length, per entry of the first dimension.
        private func weight(_ name: String) throws -> Tensor {
            let g = try XCTUnwrap(state[name + ".conv.parametrizations.weight.original0"])
            let v = try XCTUnwrap(state[name + ".conv.parametrizations.weight.original1"])
            let length = try v.mul(v).sum(dims: [1, 2], keepDim: true).sqrt()
            return try v.mul(g).div(length)
        }

        private func convolve(_ x: Tensor, _ name: String, dilation: Int = 1) throws -> Tensor {
            let w = try weight(name)
            return try NN.conv1d(
                x, w, bias: state[name + ".conv.bias"], padding: ((w.shape[2] - 1) * dilation, 0), dilation: dilation)
        }

        func callAsFunction(_ z: Tensor) throws -> [Float] {
            var x = try convolve(z, "head.conv_pre")
            for (i, rate) in configuration.upsampleRates.enumerated() {
                let name = "head.ups.\(i)", w = try weight(name)
                x = try NN.convTranspose1d(
                    x.silu(), w, bias: state[name + ".conv.bias"], stride: rate, padding: (0, w.shape[2] - rate))
                var sum: Tensor?
                for (j, dilations) in configuration.resblockDilations.enumerated() {
                    var y = x
                    for (k, dilation) in dilations.enumerated() {
                        let block = "head.resblocks.\(i).blocks.\(j)"
                        let middle = try convolve(y.silu(), "\(block).convs1.\(k)", dilation: dilation)
                        y = try y.add(convolve(middle.silu(), "\(block).convs2.\(k)", dilation: dilation))
                    }
                    sum = try sum?.add(y) ?? y
                }
                let count = try Tensor([Float(configuration.resblockDilations.count)], [1])
                x = try sum!.div(count)
            }
            return try convolve(x.silu(), "head.conv_post").tanh().floats()
        }
    }
}
