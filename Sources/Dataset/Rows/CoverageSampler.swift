/// Every clip once per pass.
///
/// A pass shuffles each speaker's clips, fills rows with them one after the other (never beyond
/// `maxLength`), and shuffles the rows across speakers. It is a function of the seed and its own number,
/// so the state of the sampler is two integers.
struct CoverageSampler: Sendable {
    let source: RowSource
    private(set) var pass = 0
    private(set) var position = 0
    private(set) var plans: [RowPlan]

    init(source: RowSource) {
        self.source = source
        plans = Self.plan(source, pass: 0)
    }

    mutating func next() throws -> TrainingRow {
        if position == plans.count {
            pass += 1
            position = 0
            plans = Self.plan(source, pass: pass)
        }
        let row = try source.row(plans[position])
        position += 1
        return row
    }

    /// Rows of so many passes from the beginning of a run. Each pass has its own number of them; beyond the 64th as
    /// many as those had on average.
    static func rows(_ source: RowSource, inPasses passes: Double) -> Int {
        let whole = Int(passes), counted = min(whole, 64)
        let counts = (0 ..< counted).map { plan(source, pass: $0).count }
        let sum = counts.reduce(0, +)
        if whole > counted { return Int((Double(sum) / Double(counted) * passes).rounded(.up)) }
        let part = passes - Double(whole)
        return sum + (part > 0 ? Int((Double(plan(source, pass: whole).count) * part).rounded(.up)) : 0)
    }

    mutating func restore(pass: Int, position: Int) {
        self.pass = pass
        plans = Self.plan(source, pass: pass)
        self.position = min(position, plans.count)
    }

    /// How often each sentence has been used, per group.
    func counts() -> [[Int]] {
        var counts = source.groups.map { Array(repeating: pass, count: $0.count) }
        for plan in plans.prefix(position) {
            for sentence in plan.sentences { counts[plan.group][Int(sentence)] += 1 }
        }
        return counts
    }

    private static func plan(_ source: RowSource, pass: Int) -> [RowPlan] {
        let settings = source.settings
        var random = ShuffleRandom(seed: settings.seed, purpose: 1, index: UInt64(pass))
        var plans: [RowPlan] = []
        for (group, lengths) in source.groups.lazy.map(\.lengths).enumerated() {
            var order = Array(0 ..< Int32(lengths.count))
            random.shuffle(&order)
            var next = 0
            while next < order.count {
                let interactive = random.uniform() < settings.interactiveProbability
                let budget = interactive ? settings.maxLength : max(10, source.drawBudget(&random))
                let first = next
                var used = 0
                // Lengths are those of turns of their own; joined into one turn, the same sentences are shorter.
                while next < order.count, next == first || used + Int(lengths[Int(order[next])]) <= budget {
                    used += Int(lengths[Int(order[next])])
                    next += 1
                }
                plans.append(
                    RowPlan(
                        group: group, sentences: Array(order[first ..< next]), interactive: interactive,
                        useSpeaker: random.uniform() < settings.speakerProbability, seed: random.next()))
            }
        }
        random.shuffle(&plans)
        return plans
    }
}
