import Codec
import Support
import Tensors
import TestSupport
import XCTest

/// The decoder against the reference's numbers.
final class DecodingVectorTests: XCTestCase {
    func testClips() throws {
        for model in try FireflyModel.all() {
            let codec = try model.load(), expected = try Vectors.npz("firefly/\(model.name)/clips.npz")
            for i in 0 ..< model.clipCount {
                let codes = try XCTUnwrap(expected["clip\(i)_codes_saved"])
                let input = try codec.decoderInput(codes),
                    reference = try XCTUnwrap(expected["clip\(i)_decoder_input"]).batch(0)
                // decoder_input covers the padded last token too; the network is causal.
                XCTAssertEqual(input.shape[0], reference.shape[0])
                for c in 0 ..< input.shape[0] {
                    let ours = Array(
                        UnsafeBufferPointer(
                            start: input.pointer(Float.self) + c * input.shape[1], count: input.shape[1]))
                    let theirs = Array(
                        UnsafeBufferPointer(
                            start: reference.pointer(Float.self) + c * reference.shape[1], count: input.shape[1]))
                    assertClose(ours, theirs, abs: 1e-4, "\(model.name) clip \(i) decoder input, channel \(c)")
                }
                let wave = try XCTUnwrap(expected["clip\(i)_wave"])
                assertClose(try codec.decode(codes), try wave.floats(), abs: 1e-4, "\(model.name) clip \(i) wave")
            }
        }
    }

    /// In a batch the reference decodes all indices and zeroes what lies beyond each clip.
    func testRowsOfABatch() throws {
        for model in try FireflyModel.all() {
            let codec = try model.load(), expected = try Vectors.npz("firefly/\(model.name)/batch.npz")
            let indices = try XCTUnwrap(expected["batch_indices"]), waves = try XCTUnwrap(expected["batch_wave"])
            for row in 0 ..< waves.shape[0] {
                let tokens = model.clips[row].count / codec.samplesPerToken
                let all = indices.batch(row)
                let codes = Tensor(
                    storage: all.storage, offset: all.offset, shape: [all.shape[0], tokens], strides: all.strides,
                    dtype: .int32)
                let samples = try codec.decode(codes)
                XCTAssertEqual(samples.count, tokens * codec.samplesPerToken)
                let reference = Array(
                    UnsafeBufferPointer(start: waves.batch(row).pointer(Float.self), count: waves.shape[1]))
                assertClose(
                    samples + [Float](repeating: 0, count: reference.count - samples.count), reference, abs: 1e-4,
                    "\(model.name) row \(row)")
            }
        }
    }

    func testPiecesGiveTheSameSamplesAsTheWhole() throws {
        var wide = CodecConfiguration()   // wide enough for the fast convolutions, and short
        wide.backbone.depths = [1, 1, 1, 1]
        wide.head.initialChannels = 128
        let codec = try Codec.random(wide, seed: 5), tokens = 95
        var values: [Int] = []
        for i in 0 ..< (8 * tokens) { values.append(i * 7919 % 1000) }
        let codes = try Tensor(integers: values, [8, tokens], .int32)
        func pieces(_ lengths: [Int]) throws -> [Float] {
            let decoder = try CodecDecoder(codec)
            var samples: [Float] = [], start = 0
            for length in lengths {
                let piece = Tensor(
                    storage: codes.storage, offset: start, shape: [8, length], strides: [tokens, 1], dtype: .int32)
                samples += try decoder.append(piece)
                start += length
            }
            XCTAssertEqual(start, tokens)
            return samples
        }
        let threads = Parallel.threadCount
        defer { Parallel.setThreadCount(threads) }
        Parallel.setThreadCount(1)
        let whole = try codec.decode(codes)
        Parallel.setThreadCount(3)
        let stretch = try CodecDecoder(codec).stretch
        XCTAssertEqual(try pieces([stretch, 2 * stretch, tokens - 3 * stretch]), whole)
        assertClose(try pieces([1, 2, 30, 47, 1, 10, 4]), whole, abs: 1e-5)
    }

    func testCodesThatCannotBeDecoded() throws {
        let codec = try FireflyModel("a", 1).load()
        func codes(_ values: [Int], _ shape: Dims, _ dtype: DType = .int64) throws -> Tensor {
            try Tensor(integers: values, shape, dtype)
        }
        let good = try codes([Int](repeating: 5, count: 16), [8, 2])
        XCTAssertEqual(try codec.decode(good).count, 4096)
        XCTAssertEqual(try codec.decode(codes([], [8, 0])), [])
        for dtype in [DType.int32, .int16, .int8, .uint8] {
            XCTAssertEqual(
                try codec.decode(codes([Int](repeating: 5, count: 16), [8, 2], dtype)), try codec.decode(good))
        }
        assertThrows(.index, containing: "code 1000 of codebook 8, frame 2") {
            try codec.decode(codes([Int](repeating: 999, count: 15) + [1000], [8, 2]))
        }
        assertThrows(.index) { try codec.decode(codes([-1] + [Int](repeating: 0, count: 15), [8, 2])) }
        assertThrows(.shape, containing: "transposed") {
            try codec.decode(codes([Int](repeating: 0, count: 16), [2, 8]))
        }
        assertThrows(.shape) { try codec.decode(codes([Int](repeating: 0, count: 8), [8])) }
        assertThrows(.shape) { try codec.decode(codes([Int](repeating: 0, count: 12), [4, 3])) }
        assertThrows(.dtype) { try codec.decode(Tensor(zeros: [8, 2])) }
    }
}
