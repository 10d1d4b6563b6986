import Codec
import Formats
import Tensors
import TestSupport
import XCTest

/// The closed form of the cost against the checkpoint itself: every weight matrix is applied once per row at its rate.
final class CodecCostTests: XCTestCase {
    func testOperationsAreThoseOfTheWeights() throws {
        var narrow = CodecConfiguration()
        narrow.backbone.depths = [1, 2, 0, 1]
        narrow.backbone.dims = [32, 48, 64, 80]
        narrow.quantizer.inputDim = 80
        narrow.head.inputChannels = 80
        narrow.head.initialChannels = 64
        narrow.quantizer.downsampleDims = [64, 96]
        for configuration in [narrow, CodecConfiguration()] {
            let codec = try Codec.random(configuration), tokens = 50, samples = tokens * codec.samplesPerToken
            let frames = samples / codec.hopLength
            var encoding = 0, decoding = 0
            try withTemporaryFolder { folder in
                try codec.save(folder + "/x.pth")
                for (name, tensor) in try Checkpoint.stateDict(folder + "/x.pth")
                where tensor.rank > 1 && !name.hasSuffix("original0") {
                    let parts = name.split(separator: ".").map(String.init)
                    // Rows that the matrix sees: a transposed convolution's counts its input rows.
                    switch (parts[0], parts[1]) {
                    case ("backbone", _): encoding += frames * tensor.count
                    case ("quantizer", "downsample"): encoding += frames >> (Int(parts[2])! + 1) * tensor.count
                    case ("quantizer", "upsample"):
                        let isTransposed = parts[3] == "0"
                        decoding += (tokens << (Int(parts[2])! + (isTransposed ? 0 : 1))) * tensor.count
                    case ("head", "conv_pre"): decoding += frames * tensor.count
                    case ("head", "conv_post"): decoding += samples * tensor.count
                    case ("head", let part):
                        let stage = Int(parts[2])!, rates = configuration.head.upsampleRates
                        decoding += frames * rates.prefix(part == "ups" ? stage : stage + 1).reduce(1, *) * tensor.count
                    default: XCTAssertTrue(name.contains("residual_fsq"), name)
                    }
                }
            }
            XCTAssertEqual(codec.cost.encodeOperations(samples: samples), Double(2 * encoding))
            XCTAssertEqual(codec.cost.decodeOperations(tokens: tokens), Double(2 * decoding))
        }
        // The figures that the documentation gives for ten seconds.
        let cost = CodecCost(CodecConfiguration())
        XCTAssertEqual(cost.encodeOperations(samples: 441_000), 36.8e9, accuracy: 0.1e9)
        XCTAssertEqual(cost.decodeOperations(tokens: 215), 569e9, accuracy: 1e9)
        XCTAssertEqual(cost.encodeOperations(samples: 0), 0)
        XCTAssertEqual(cost.decodeOperations(tokens: -3), 0)
    }

    func testPiecesAndWholeTokens() throws {
        let model = try FireflyModel("a", 3), codec = try model.load(), clip = model.clips[0] + model.clips[1]
        let whole = try codec.encode(clip, whole: true), features = try codec.features(clip)
        XCTAssertEqual(whole.shape, features.indices.shape)
        XCTAssertEqual(whole.codes, features.indices.codes)
        XCTAssertGreaterThanOrEqual(whole.shape[1], try codec.encode(clip).shape[1])
        XCTAssertEqual(
            try codec.encodeBatch([clip, model.clips[2]], whole: true).map(\.shape[1]),
            [whole.shape[1], codec.tokenCount(samples: model.clips[2].count, whole: true)])

        let tokens = 130
        let codes = try Tensor(integers: (0 ..< (8 * tokens)).map { $0 * 7919 % 1000 }, [8, tokens], .int32)
        let expected = try codec.decode(codes)
        var streamed: [Float] = [], pieces = 0
        try codec.decode(codes) {
            streamed += $0; pieces += 1
        }
        XCTAssertEqual(streamed, expected)
        XCTAssertGreaterThan(pieces, 3)
        XCTAssertEqual(try codec.decodeTensor(codes).floats(), expected)
    }
}
