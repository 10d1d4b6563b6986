import Codec
import Formats
import Support
import Tensors
import TestSupport
import XCTest

/// Loading, saving, and files that are not this codec.
final class CodecFileTests: XCTestCase {
    /// A small codec, so that tests of files need no time.
    private var small: CodecConfiguration {
        get throws { try FireflyModel("b", 1).configuration }
    }

    func testSavedCodecIsTheSame() throws {
        let model = try FireflyModel("b", 1), codec = try model.load()
        try withTemporaryFolder { folder in
            for name in ["codec.pth", "codec.safetensors"] {
                try codec.save(folder + "/" + name)
                let again = try Codec.load(configuration: model.configuration, checkpoint: folder + "/" + name)
                let codes = try codec.encode(model.clips[0])
                XCTAssertEqual(try again.encode(model.clips[0]).codes, codes.codes)
                XCTAssertEqual(try again.decode(codes), try codec.decode(codes))
            }
        }
    }

    /// The reference's state_dict, name by name.
    func testSavedNamesAreTheReferences() throws {
        for model in try FireflyModel.all() {
            let keys = try XCTUnwrap(Vectors.json("firefly/\(model.name)/keys.json") as? [String: Any])
            let shapes = try XCTUnwrap(keys["keys"] as? [String: [Int]])
            try withTemporaryFolder { folder in
                try Codec.random(model.configuration, seed: 3).save(folder + "/x.pth")
                let state = try Checkpoint.stateDict(folder + "/x.pth")
                XCTAssertEqual(state.names.sorted(), shapes.keys.sorted())
                for (name, tensor) in state { XCTAssertEqual(Array(tensor.shape), shapes[name], name) }
            }
        }
    }

    func testRandomCodecs() throws {
        let clip = try FireflyModel("b", 1).clips[0]
        let codes = try (1 ... 3).map { try Codec.random(small, seed: UInt64($0 / 2)).encode(clip).codes }
        XCTAssertNotEqual(codes[0], codes[1])
        XCTAssertEqual(codes[1], codes[2])
        let codec = try Codec.random(small, seed: 1), wave = try codec.decode(codec.encode(clip))
        XCTAssertGreaterThan(wave.map { abs($0) }.max() ?? 0, 0.01)
        XCTAssertLessThanOrEqual(wave.map { abs($0) }.max() ?? 9, 1)
    }

    /// Weight norm in its older form, folded already, and wrapped.
    func testOtherFormsOfTheSameWeights() throws {
        let model = try FireflyModel("a", 1), state = try Checkpoint.stateDict(model.checkpoint)
        let expected = try model.load(), codes = try expected.encode(model.clips[0]), wave = try expected.decode(codes)
        var older = StateDict(), folded = StateDict()
        for (name, tensor) in state {
            let parts = name.components(separatedBy: ".parametrizations.weight.original")
            older[parts.count == 1 ? name : parts[0] + (parts[1] == "0" ? ".weight_g" : ".weight_v")] = tensor
            guard parts.count == 2 else { folded[name] = tensor; continue }
            guard parts[1] == "1", let magnitude = state[parts[0] + ".parametrizations.weight.original0"] else {
                continue
            }
            var values = try tensor.floats()
            let g = try magnitude.floats(), length = values.count / g.count
            for row in g.indices {
                let range = row * length ..< (row + 1) * length
                let norm = values[range].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                for i in range { values[i] = Float(Double(values[i]) * Double(g[row]) / norm) }
            }
            folded[parts[0] + ".weight"] = try Tensor(values, tensor.shape)
        }
        let prefixed = StateDict(
            state.map { (name: "generator." + $0.name, tensor: $0.tensor) }
                + [(name: "discriminator.conv.weight", tensor: try Tensor(zeros: [3]))])
        try withTemporaryFolder { folder in
            let path = folder + "/x.pth"
            for (what, value) in [
                ("older", CheckpointValue.tensors(older)), ("folded", .tensors(folded)),
                ("wrapped", ["state_dict": .tensors(prefixed), "epoch": 3])
            ] {
                try Checkpoint.save(value, to: path)
                let codec = try Codec.load(configuration: model.configuration, checkpoint: path)
                XCTAssertEqual(try codec.encode(model.clips[0]).codes, codes.codes, what)
                assertClose(try codec.decode(codes), wave, abs: 1e-5, what)
            }
        }
    }

    /// Saved from DDP, torch.compile or a training state: taken, with a note.
    func testWrappedNamesAndTables() throws {
        let model = try FireflyModel("b", 1)
        try withTemporaryFolder { folder in
            try model.load().save(folder + "/plain.pth")
            XCTAssertEqual(
                try Codec.load(configuration: model.configuration, checkpoint: folder + "/plain.pth").notes, [])
            let state = try Checkpoint.stateDict(folder + "/plain.pth")
            for (prefix, key) in [
                ("module.", nil), ("_orig_mod.generator.", nil), ("", "generator"), ("module.", "ema")
            ] as [(String, String?)] {
                let table = CheckpointValue.tensors(state.map { (name: prefix + $0.name, tensor: $0.tensor) })
                try Checkpoint.save(key.map { .table([($0, table), ("step", 3)]) } ?? table, to: folder + "/x.pth")
                let codec = try Codec.load(configuration: model.configuration, checkpoint: folder + "/x.pth")
                XCTAssertTrue(
                    codec.notes.contains { $0.contains(key.map { "'\($0)'" } ?? "was removed") },
                    "\(prefix) \(codec.notes)")
                try codec.save(folder + "/y.pth")
                XCTAssertTrue(Set(try Checkpoint.stateDict(folder + "/y.pth").names) == Set(state.names))
            }
        }
    }

    func testFilesThatAreNotThisCodec() throws {
        let a = try FireflyModel("a", 1), b = try FireflyModel("b", 1)
        assertThrows(.checkpoint, containing: "looks like a language model: it has embeddings.weight") {
            try Codec.load(configuration: a.configuration, checkpoint: Vectors.path("dualar/dual_bf16/model.pth"))
        }
        assertThrows(.checkpoint, containing: "LoRA") {
            try Codec.load(
                configuration: a.configuration, checkpoint: Vectors.path("lora/dual_bf16_r8_alpha16/lora_after8.ckpt"))
        }
        let error = assertThrows(.checkpoint, containing: "another shape") {
            try Codec.load(configuration: a.configuration, checkpoint: b.checkpoint)
        }
        XCTAssertLessThan(error?.description.count ?? 9999, 1200)
        XCTAssertTrue(error?.message.hasPrefix(b.checkpoint) ?? false)
        assertThrows(.file) { try Codec.load(configuration: a.configuration, checkpoint: "/nowhere/x.pth") }
        assertThrows(.format) {
            try Codec.load(configuration: a.configuration, checkpoint: Vectors.path("firefly/clip0.wav"))
        }

        var deeper = a.configuration, shallower = a.configuration
        deeper.backbone.depths[3] = 2
        shallower.backbone.depths[2] = 1
        assertThrows(.checkpoint, containing: "backbone.stages.3.1.gamma") {
            try Codec.load(configuration: deeper, checkpoint: a.checkpoint)
        }
        assertThrows(.checkpoint, containing: "no place for: backbone.stages.2.1") {
            try Codec.load(configuration: shallower, checkpoint: a.checkpoint)
        }
    }
}
