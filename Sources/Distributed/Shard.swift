import Foundation
import Support

/// A part of many independent inputs: each belongs to one of `count` parts by its name, wherever and in whatever order
/// the inputs are listed.
public struct Shard: Equatable, Sendable {
    /// From 0.
    public let index: Int, count: Int

    public init(index: Int, count: Int) { (self.index, self.count) = (index, count) }

    /// `3/16`: the third of sixteen. Nil when it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]), count > 0, count <= 1_000_000,
            1 ... count ~= number
        else { return nil }
        self.init(index: number - 1, count: count)
    }

    /// The same from a person, who is told how to write it.
    public init(parsing text: String) throws {
        guard let shard = Shard(text) else {
            throw OpahError(
                .usage, "\u{201C}\(text)\u{201D} is no shard", hint: "write K/N, as in 3/16 for the third of sixteen")
        }
        self = shard
    }

    public var text: String { "\(index + 1)/\(count)" }

    /// - Parameter name: as all processes see it: a path below the folder that is worked through, not an absolute one.
    public func owns(_ name: String) -> Bool {
        count == 1 || Self.number(name) % UInt64(count) == UInt64(index)
    }

    /// XXH3 of the name's composed form: file systems differ in how they write accents.
    private static func number(_ name: String) -> UInt64 {
        let digest = Digest()
        digest.update(name.precomposedStringWithCanonicalMapping)
        return UInt64(digest.finish().suffix(16), radix: 16) ?? 0
    }

    /// This process's part where a launcher started several: by rank, or as a task of a SLURM step. In a batch script
    /// outside of a step, SLURM's variables count the tasks that could be: everything is its part.
    public static func ofThisProcess(environment value: (String) -> String? = Launcher.variable) -> Shard {
        if let ranks = Ranks.shared { return Shard(index: ranks.rank, count: ranks.size) }
        return slurmStep(environment: value) ?? Shard(index: 0, count: 1)
    }

    /// Nil outside of a step, and in one of a single task.
    public static func slurmStep(environment value: (String) -> String? = Launcher.variable) -> Shard? {
        guard value("SLURM_STEP_ID") != nil, let count = value("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }), count > 1,
            let index = value("SLURM_PROCID").flatMap({ Int($0) }), 0 ..< count ~= index
        else { return nil }
        return Shard(index: index, count: count)
    }
}
