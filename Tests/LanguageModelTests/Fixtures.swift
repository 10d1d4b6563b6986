import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// A model of the vectors with its reference batch.
struct Fixture {
    let model: LanguageModel
    let vectors: [String: Tensor]
    let batch: Batch

    init(_ name: String, weights: LanguageModel.WeightForm = .asStored) throws {
        model = try LanguageModel.load(Vectors.path("dualar/\(name)"), weights: weights)
        vectors = try Vectors.npz("dualar/\(name)/forward.npz")
        batch = Batch(
            inputs: vectors["inputs"]!, attentionMasks: vectors["attention_masks"]!, labels: vectors["labels"]!)
    }

    func number(_ name: String) throws -> Double { try vectors[name]!.item() }
}

/// A copy of a model folder of the vectors that a test may change.
func withCopy(of name: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
        let copy = folder + "/model"
        try FileManager.default.copyItem(atPath: Vectors.path("dualar/\(name)"), toPath: copy)
        try body(copy)
    }
}

/// Changes settings in a folder's config.json.
func edit(_ folder: String, _ changes: [String: ConfigValue?]) throws {
    let path = folder + "/config.json"
    var map = try JSON.read(path).map!
    for (key, value) in changes { map[key] = value }
    try AtomicFile.write(path, JSON.encode(.map(map)))
}

func maxAbs(_ values: [Float]) -> Float { values.reduce(0) { max($0, abs($1)) } }

/// AdamW with the settings of the fine-tuning config and clipping by global norm, as plainly as it can be written.
final class PlainAdamW {
    private var m: [[Float]] = [], v: [[Float]] = []
    private var step = 0

    /// Returns the norm of all gradients before clipping.
    func update(_ parameters: [(name: String, tensor: Tensor)], rate: Double) throws -> Double {
        let gradients = try parameters.map { parameter in
            try XCTUnwrap(parameter.tensor.grad, "\(parameter.name) has no gradient").floats()
        }
        let norm = gradients.reduce(0.0) { $0 + $1.reduce(0.0) { $0 + Double($1) * Double($1) } }.squareRoot()
        let clip = Float(min(1, 1 / (norm + 1e-6)))
        if m.isEmpty { (m, v) = (gradients.map { $0.map { _ in 0 } }, gradients.map { $0.map { _ in 0 } }) }
        step += 1
        let bias1 = 1 - pow(0.9, Double(step)), bias2 = (1 - pow(0.95, Double(step))).squareRoot()
        for (i, parameter) in parameters.enumerated() {
            let p = parameter.tensor.pointer(Float.self)
            for j in 0 ..< parameter.tensor.count {
                let g = gradients[i][j] * clip
                m[i][j] += (g - m[i][j]) * 0.1
                v[i][j] = v[i][j] * 0.95 + g * g * 0.05
                p[j] -= Float(rate / bias1) * m[i][j] / (v[i][j].squareRoot() / Float(bias2) + 1e-5)
            }
            parameter.tensor.storage.didChange()
            parameter.tensor.grad = nil
        }
        return norm
    }
}
