import Support

/// What extraction wrote down about codes (`MadeFiles`): whether they are still those of the recording beside them, and
/// of one codec. Codes of which nothing is known are taken as they are.
public enum CodesOrigin {
    /// The stage's name in records.
    public static let stage = "extract-vq"

    /// Why clips should not be trained on as they are, by place in `clips`.
    static func problems(_ clips: [Clip]) throws -> [Int: OpahError] {
        var look = MadeLook(), problems: [Int: OpahError] = [:], codecs: [(place: Int, codec: String)] = []
        for (place, clip) in clips.enumerated() {
            try Interrupt.check()
            guard let codes = clip.codes else { continue }
            let inputs = clip.audio.map { ["sound": $0] } ?? [:]
            let known: (isCurrent: Bool, settings: [String: ConfigValue])
            do {
                guard let found = try look.known(codes, from: inputs, stage: stage) else { continue }
                known = found
            } catch let error as OpahError {
                problems[place] = error   // a recording that cannot be read is no earlier one
                continue
            }
            guard known.isCurrent else {
                problems[place] = OpahError(
                    .data, "its codes are of an earlier recording, or were not finished", hint: "run extract-vq again")
                continue
            }
            if let codec = known.settings["codec"]?.string { codecs.append((place, codec)) }
        }
        let counts = Dictionary(grouping: codecs, by: \.codec).mapValues(\.count)
        guard counts.count > 1, let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else {
            return problems
        }
        for (place, codec) in codecs where codec != most.key {
            problems[place] = OpahError(
                .data, "its codes are of another codec than those of \(most.value) other clips",
                hint: "run extract-vq again, with the --checkpoint-path that the others had")
        }
        return problems
    }
}
