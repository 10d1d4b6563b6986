import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Plans of training steps: what they cost, that they fit, and that they change nothing but rounding.
final class StepPlanTests: XCTestCase {
    private let configuration = try! ModelConfiguration([
        "model_type": "dual_ar", "dim": 256, "n_layer": 6, "n_fast_layer": 2, "n_head": 4, "n_local_heads": 2,
        "intermediate_size": 1024,
        "vocab_size": 2000, "num_codebooks": 4, "codebook_size": 128, "tie_word_embeddings": false
    ])

    private func model() throws -> LanguageModel {
        let model = try LanguageModel.random(configuration, seed: 1)
        try model.applyLoRA(LoRAConfiguration(rank: 4, alpha: 8), generator: Random(seed: 1))
        return model
    }

    private let rows = [200, 500, 900, 1400].map { RowSize(tokens: $0) }

    func testPlansFitTheirBudget() throws {
        let model = try model(), shape = model.stepShape
        var planner = StepPlanner(memoryBudget: 1 << 40)
        let free = planner.plan(shape, rows: rows)
        XCTAssertEqual(free.parts, [.init(rows: 0 ..< 4)])
        var seenParts = false, seenLayers = false, refused = false, lastCost = 0.0
        for budget in stride(from: free.bytes, to: 60_000_000, by: -5_000_000) {
            planner.memoryBudget = budget
            let plan = planner.plan(shape, rows: rows)
            XCTAssertEqual(plan.parts.flatMap { Array($0.rows) }, [0, 1, 2, 3])
            let cost = TrainingCost(shape, rows: rows, plan: plan)
            XCTAssertGreaterThanOrEqual(cost.operations, lastCost)
            lastCost = cost.operations
            if plan.bytes > budget {
                XCTAssertEqual(plan.parts.last?.recomputedLayers, 6)
                assertThrows(.memory, containing: "1400 tokens") { _ = try planner.fittingPlan(shape, rows: rows) }
                refused = true
            } else {
                XCTAssertFalse(refused)
                XCTAssertEqual(try planner.fittingPlan(shape, rows: rows), plan)
                seenParts = seenParts || plan.parts.count > 1
                seenLayers = seenLayers || plan.recomputedLayers > 0
            }
        }
        XCTAssertTrue(seenParts && seenLayers && refused)
    }

    func testLossRefusesWhatCannotFit() throws {
        let fixture = try Fixture("dual_bf16")
        try fixture.model.applyLoRA(.stock, generator: Random(seed: 1))
        assertThrows(.memory, containing: "memory_budget") {
            _ = try fixture.model.loss(fixture.batch, memoryBudget: 2_000_000)
        }
        XCTAssertEqual(
            try fixture.model.loss(fixture.batch, memoryBudget: 2_000_000_000).loss.item(),
            try fixture.model.loss(fixture.batch).loss.item())
    }

    /// Operations counted by hand.
    func testOperations() throws {
        let model = try model(), n = 10.0, frames = 7.0, labels = 9.0
        let row = RowSize(tokens: 10, frames: 7, labels: 9), cost = model.trainingCost(rows: [row])
        // wqkv, wo, w1, w3, w2
        let layer: [(Double, Double)] = [(256, 512), (256, 256), (256, 1024), (256, 1024), (1024, 256)]
        let weights = layer.reduce(0) { $0 + $1.0 * $1.1 }, ranks = layer.reduce(0) { $0 + 4 * ($1.0 + $1.1) }
        let products = 4 * (weights * (6 * n + 2 * frames * 4) + labels * 256 * 2000 + frames * 4 * 256 * 128)
        XCTAssertEqual(cost.floorOperations, products)
        XCTAssertEqual(cost.adapters, 6 * (ranks * (6 * n + 2 * frames * 4) + labels * 4 * 2256 + frames * 4 * 4 * 384))
        XCTAssertEqual(cost.attention, 7 * 256 * (6 * n * (n + 1) + 2 * frames * 4 * 5))
        XCTAssertEqual(cost.recomputation, 0)
        XCTAssertEqual(cost.operations, cost.products + cost.adapters + cost.attention)

        model.planner.fixed = .init(recomputedLayers: 2)
        let again = model.trainingCost(rows: [row])
        XCTAssertEqual(again.floorOperations, products)
        XCTAssertEqual(again.recomputation, 2 * (2 * n * (weights - 256 * 1024) + 2 * n * (n + 1) * 256))
        model.planner.fixed = nil

        try model.unfreeze()
        XCTAssertEqual(model.trainingCost(rows: [row]).floorOperations, products * 1.5)
    }

    /// The same gradients whatever the plan, dropout included: parts and blocks round sums differently, recomputed
    /// layers nothing.
    func testPlansChangeNothing() throws {
        func run(_ fixed: StepPlanner.Fixed, adapted: Bool = true) throws -> (loss: [Double], gradients: [[Float]]) {
            let fixture = try Fixture("dual_bf16", weights: .float32)
            if adapted {
                let adapter = try fixture.model.applyLoRA(
                    LoRAConfiguration(rank: 8, alpha: 16, dropout: 0.3), generator: Random(seed: 1))
                let noise = Random(seed: 9)
                for (_, tensor) in adapter.namedParameters {
                    let random = try Tensor.randn(tensor.shape, std: 0.02, generator: noise)
                    for i in 0 ..< tensor.count { tensor.pointer(Float.self)[i] += random.pointer(Float.self)[i] }
                }
            } else {
                try fixture.model.unfreeze()
            }
            fixture.model.planner.fixed = fixed
            let result = try fixture.model.loss(fixture.batch, dropoutSeed: 7)
            // A second batch's gradients are added to the first's.
            try result.loss.backward(seed: Tensor([0.5], []))
            try fixture.model.loss(fixture.batch, dropoutSeed: 8).loss.backward(seed: Tensor([0.5], []))
            return (
                [try result.loss.item(), result.base, result.semantic, result.topFiveAccuracy],
                try fixture.model.trainableParameters.map { try XCTUnwrap($0.tensor.grad).floats() }
            )
        }
        for adapted in [true, false] {
            let whole = try run(.init(), adapted: adapted)
            for fixed in [StepPlanner.Fixed(rows: 1), .init(frames: 2), .init(rows: 1, frames: 3, recomputedLayers: 1)]
            {
                let found = try run(fixed, adapted: adapted)
                for (a, b) in zip(found.loss, whole.loss) { XCTAssertEqual(a, b, accuracy: 1e-6 * abs(b)) }
                for (a, b) in zip(found.gradients, whole.gradients) {
                    assertClose(a, b, abs: 2e-5 * maxAbs(b) + 1e-8, "\(fixed)")
                }
            }
            XCTAssertEqual(try run(.init(recomputedLayers: 2), adapted: adapted).gradients, whole.gradients)
        }
    }

    func testGradientsNeedNoPart() throws {
        let fixture = try Fixture("naive_bf16")
        try fixture.model.applyLoRA(LoRAConfiguration(rank: 2, alpha: 4), generator: Random(seed: 1))
        let whole = try fixture.model.loss(fixture.batch)
        fixture.model.planner.fixed = .init(rows: 1)
        let parts = try fixture.model.loss(fixture.batch)
        XCTAssertEqual(try parts.loss.item(), try whole.loss.item(), accuracy: 1e-6 * (try whole.loss.item()))
        try parts.loss.backward()
        let found = try fixture.model.trainableParameters.map { try XCTUnwrap($0.tensor.grad).floats() }
        for (_, tensor) in fixture.model.trainableParameters { tensor.grad = nil }
        try whole.loss.backward()
        for (a, parameter) in zip(found, fixture.model.trainableParameters) {
            let b = try XCTUnwrap(parameter.tensor.grad).floats()
            assertClose(a, b, abs: 2e-5 * maxAbs(b) + 1e-8, parameter.name)
        }
    }
}
