import Support
import Tensors

extension Vocoder {
    /// One sequence on its way through the vocoder.
    final class Pass {
        private let vocoder: Vocoder
        private let preHistory: History, postHistory: History
        private let preOutput: Rows
        private let stages: [StageState]

        /// - Parameter capacity: input rows per call at most.
        init(_ vocoder: Vocoder, capacity: Int) {
            self.vocoder = vocoder
            preHistory = vocoder.pre.makeHistory()
            postHistory = vocoder.post.makeHistory()
            preOutput = Rows(
                channels: vocoder.stages[0].up.inChannels, lead: vocoder.stages[0].up.lead, capacity: capacity)
            var rows = capacity
            stages = vocoder.stages.indices.map { i in
                let next = i + 1 < vocoder.stages.count ? vocoder.stages[i + 1].up.lead : vocoder.post.lead
                rows = min(rows, vocoder.stages[i].stretch) * vocoder.stages[i].up.rate
                return StageState(vocoder.stages[i], rows: rows, nextLead: next)
            }
        }

        /// Rows of the past for which the input needs room.
        var lead: Int { vocoder.pre.lead }

        /// The next `rows` rows; writes `rows * hopLength` samples.
        func callAsFunction(_ input: Rows, rows: Int, into samples: UnsafeMutablePointer<Float>) throws {
            preHistory.restore(into: input)
            vocoder.pre(input, 0 ..< rows, SiLUEpilogue(preOutput.first, stride: preOutput.width))
            preHistory.keep(from: input, length: rows)
            var samples = samples
            try run(0, preOutput, rows, &samples)
        }

        /// Takes `rows` rows through stage `index` and all that follow, a stretch at a time.
        private func run(_ index: Int, _ input: Rows, _ rows: Int, _ samples: inout UnsafeMutablePointer<Float>) throws
        {
            guard index < stages.count else {
                postHistory.restore(into: input)
                vocoder.post(input, 0 ..< rows, SampleEpilogue(out: samples))
                postHistory.keep(from: input, length: rows)
                samples += rows
                return
            }
            let state = stages[index], stage = state.stage
            state.upHistory.restore(into: input)
            for start in stride(from: 0, to: rows, by: stage.stretch) {
                let range = start ..< min(start + stage.stretch, rows)
                try state.run(input, range)
                try run(index + 1, state.output, range.count * stage.up.rate, &samples)
            }
            state.upHistory.keep(from: input, length: rows)
        }
    }

    /// The buffers and the pasts of one stage.
    final class StageState {
        let stage: Stage
        let upHistory: History
        /// What the next stage reads: silu of the mean of the blocks.
        let output: Rows
        /// The upsampled signal and its silu, which every block starts from.
        private let begin: Rows, beginActivated: Rows, beginHistory: History
        /// Inside a block: the residual stream, its silu, and the silu between two convolutions.
        private let stream: Rows, activated: Rows, between: Rows
        private let total: Rows
        private let histories: [[(first: History, second: History)]]

        init(_ stage: Stage, rows: Int, nextLead: Int) {
            self.stage = stage
            let firstLead = stage.blocks.map { $0[0].first.lead }.max() ?? 0
            let lead = stage.blocks.flatMap { $0.flatMap { [$0.first.lead, $0.second.lead] } }.max() ?? 0
            func buffer(_ lead: Int = 0) -> Rows { Rows(channels: stage.channels, lead: lead, capacity: rows) }
            upHistory = stage.up.makeHistory()
            output = buffer(nextLead)
            (begin, beginActivated) = (buffer(), buffer(firstLead))
            beginHistory = History(channels: stage.channels, rows: firstLead)
            (stream, activated, between, total) = (buffer(), buffer(lead), buffer(lead), buffer())
            histories = stage.blocks.map { $0.map { ($0.first.makeHistory(), $0.second.makeHistory()) } }
        }

        /// Rows `range` of the input, whose past is in place, to rows 0... of `output`.
        func run(_ input: Rows, _ range: Range<Int>) throws {
            let rows = range.count * stage.up.rate, width = output.width
            stage.up(
                input, range,
                BeginEpilogue(sum: begin.first, activated: beginActivated.first, stride: width * stage.up.rate))
            beginHistory.restore(into: beginActivated)
            if stage.blocks.count > 1 { total.clear(0 ..< rows) }
            for (b, block) in stage.blocks.enumerated() {
                for (k, unit) in block.enumerated() {
                    try Interrupt.check()
                    let history = histories[b][k], source = k == 0 ? beginActivated : activated
                    let residual = UnsafePointer(k == 0 ? begin.first : stream.first)
                    if k > 0 { history.first.restore(into: source) }
                    unit.first(source, 0 ..< rows, SiLUEpilogue(between.first, stride: width))
                    if k > 0 { history.first.keep(from: source, length: rows) }
                    history.second.restore(into: between)
                    if k + 1 < block.count {
                        unit.second(
                            between, 0 ..< rows,
                            ResidualSiLUEpilogue(residual, sum: stream.first, activated: activated.first, stride: width)
                        )
                    } else if b + 1 < stage.blocks.count {
                        unit.second(between, 0 ..< rows, AccumulateEpilogue(residual, into: total.first, stride: width))
                    } else {
                        unit.second(
                            between, 0 ..< rows,
                            MeanSiLUEpilogue(
                                total.first, residual, factor: 1 / Float(stage.blocks.count),
                                output.first, stride: width))
                    }
                    history.second.keep(from: between, length: rows)
                }
            }
            beginHistory.keep(from: beginActivated, length: rows)
        }
    }
}
