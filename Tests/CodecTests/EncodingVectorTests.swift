import Codec
import Support
import Tensors
import TestSupport
import XCTest

/// The encoder against the reference's numbers, each clip alone and padded as in its batches.
final class EncodingVectorTests: XCTestCase {
    func testClipsAlone() throws {
        for model in try FireflyModel.all() {
            let codec = try model.load(), expected = try Vectors.npz("firefly/\(model.name)/clips.npz")
            for (i, clip) in model.clips.enumerated() {
                let features = try codec.features(clip)
                func vector(_ name: String) throws -> Tensor { try XCTUnwrap(expected["clip\(i)_\(name)"]) }
                try compare(
                    features, codec, "\(model.name) clip \(i)", mel: vector("mel").batch(0),
                    backbone: vector("backbone").batch(0),
                    latents: vector("pre_round"), row: 0, indices: vector("indices").batch(0),
                    margins: vector("index_margin").batch(0))

                let saved = try vector("codes_saved"), codes = try codec.encode(clip)
                XCTAssertEqual(codes.shape, saved.shape)
                XCTAssertEqual(codes.dtype, .int32)
                XCTAssertEqual(codes.codes, saved.codes, "\(model.name) clip \(i)")
                XCTAssertEqual(codec.tokenCount(samples: clip.count), saved.shape[1])
            }
        }
    }

    func testClipsOfAPaddedBatch() throws {
        for model in try FireflyModel.all() {
            let codec = try model.load(), expected = try Vectors.npz("firefly/\(model.name)/batch.npz")
            let longest = try XCTUnwrap(model.clips.map(\.count).max())
            for (i, clip) in model.clips.enumerated() {
                let padded = clip + [Float](repeating: 0, count: longest - clip.count)
                let features = try codec.features(padded, length: clip.count)
                func vector(_ name: String) throws -> Tensor { try XCTUnwrap(expected["batch_\(name)"]) }
                try compare(
                    features, codec, "\(model.name) row \(i)", mel: vector("mel").batch(i),
                    backbone: vector("backbone").batch(i),
                    latents: vector("pre_round"), row: i, indices: vector("indices").batch(i),
                    margins: vector("index_margin").batch(i))
            }
        }
    }

    /// `latents` is [groups, books, B, L, levels], of which row `row` is compared.
    private func compare(
        _ features: CodecFeatures, _ codec: Codec, _ what: String, mel: Tensor, backbone: Tensor, latents: Tensor,
        row: Int,
        indices: Tensor, margins: Tensor
    ) throws {
        XCTAssertEqual(features.mel.shape, mel.shape, what)
        XCTAssertEqual(features.backbone.shape, backbone.shape, what)
        try assertClose(features.mel.floats(), elements(mel), abs: 1e-3, "\(what) mel")
        try assertClose(features.backbone.floats(), elements(backbone), abs: 1e-3, "\(what) backbone")

        let groups = latents.shape[0], books = latents.shape[1], tokens = latents.shape[3], levels = latents.shape[4]
        XCTAssertEqual(features.latents.shape, [groups, books, tokens, levels], what)
        let ours = try features.latents.floats()
        for g in 0 ..< groups {
            for b in 0 ..< books {
                let place = ((g * books + b) * latents.shape[2] + row) * tokens * levels, count = tokens * levels
                let reference = Array(UnsafeBufferPointer(start: latents.pointer(Float.self) + place, count: count))
                assertClose(
                    Array(ours[(g * books + b) * count ..< (g * books + b + 1) * count]), reference,
                    abs: b == 0 ? 1e-3 : 5e-3, "\(what) latents of group \(g), book \(b)")
            }
        }

        XCTAssertEqual(features.indices.shape, indices.shape, what)
        let expected = Array(UnsafeBufferPointer(start: indices.pointer(Int32.self), count: indices.count))
        let distance = try elements(margins), ourDistance = try features.margins.floats()
        var compared = 0
        for i in expected.indices {
            let book = i / tokens % books
            if distance[i] > (book == 0 ? 1e-3 : 5e-3) {
                XCTAssertEqual(features.indices.codes[i], expected[i], "\(what) index \(i)")
                compared += 1
            }
            XCTAssertEqual(ourDistance[i], distance[i], accuracy: 5e-3, "\(what) margin \(i)")
        }
        XCTAssertGreaterThan(compared, expected.count * 9 / 10, what)
    }

    private func elements(_ view: Tensor) throws -> [Float] {
        Array(UnsafeBufferPointer(start: view.pointer(Float.self), count: view.count))
    }

    func testBatchesGiveTheSameBitsAsSingleClips() throws {
        let model = try FireflyModel("a", 3), codec = try model.load()
        let clips = model.clips + [Array(model.clips[0].prefix(5000)), model.clips[1] + model.clips[2]]
        let threads = Parallel.threadCount
        defer { Parallel.setThreadCount(threads) }
        Parallel.setThreadCount(1)
        let alone = try clips.map { try codec.features($0) }
        Parallel.setThreadCount(3)
        for (batched, expected) in zip(try codec.encodeBatch(clips), alone) {
            let tokens = batched.shape[1], all = expected.indices.shape[1]
            for c in 0 ..< codec.codebookCount {
                for t in 0 ..< tokens {
                    XCTAssertEqual(batched.codes[c * tokens + t], expected.indices.codes[c * all + t])
                }
            }
        }
        for (clip, expected) in zip(clips, alone) {
            let again = try codec.features(clip)
            XCTAssertEqual(try again.backbone.floats(), try expected.backbone.floats())
            XCTAssertEqual(try again.latents.floats(), try expected.latents.floats())
        }
    }

    func testClipsThatCannotBeEncoded() throws {
        let model = try FireflyModel("a", 1), codec = try model.load()
        for count in [0, 1, 700, 2047] {
            assertThrows(.audio, containing: "2048") { try codec.encode([Float](repeating: 0.1, count: count)) }
        }
        XCTAssertEqual(try codec.encode([Float](repeating: 0, count: 2048)).shape, [8, 1])
        var clip = model.clips[0]
        clip[777] = .nan
        assertThrows(.audio, containing: "sample 777") { try codec.encode(clip) }
        clip[777] = .infinity
        assertThrows(.audio, containing: "sample 777") { try codec.features(clip) }
        assertThrows(.audio) { try codec.encodeBatch([model.clips[0], []]) }
    }
}
