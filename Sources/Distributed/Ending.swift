import CMPI
import Glibc
import Support

/// How the processes end. Two ends: together, when all have come to theirs; or all at once, when somebody cannot wait
/// for the others, who may be in the middle of something that he will never join.
extension Ranks {
    /// Seconds in which all must have failed, if they fail of the same cause.
    private static let grace = 2.0, longGrace = 30.0

    /// To be asked before an error is shown: whether this process is to show it. What all failed of, one shows; what
    /// one failed of alone, he shows himself, and `end` ends all.
    public func isToShow(_ error: OpahError, code: Int32) -> Bool {
        if isBroken { return rank == 0 || error.message.contains(name(0)) }
        if agreed == error.message { return rank == 0 }
        guard let others = meet(code, error.message, limit: Self.grace) else { return true }
        return others.firstIndex { $0.text == error.message } == rank
    }

    /// The end of this process's part, with the exit code that the process is to have.
    public func end(_ code: Int32) -> Int32 {
        // Who was stopped alone, before anything was agreed, does not wait long; others may have much to do yet.
        if !hasMet, !isBroken {
            _ = meet(code, "", limit: code == 0 || code == 3 ? nil : code == 130 ? Self.longGrace : Self.grace)
        }
        guard hasMet else {
            fflush(nil)
            cmpi_abort(code == 0 ? 1 : code)
            return code == 0 ? 1 : code
        }
        cmpi_finalize()
        // A launcher that sees a process end with another code than 0 ends the others, who may still be writing: the
        // first speaks for all.
        return rank == 0 ? worst : 0
    }

    /// Waits for all to come to their ends; nil when they do not in time.
    private func meet(_ code: Int32, _ text: String, limit: Double?) -> [(code: Int32, text: String)]? {
        let line = "\(code) " + text
        guard let all = try? gather(Array(line.utf8), channel: MPI_CHANNEL_END, limit: limit) else {
            isBroken = true
            return nil
        }
        hasMet = true
        let ends = all.map { bytes in
            let parts = String(decoding: bytes, as: UTF8.self).split(
                separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            return (code: parts.first.flatMap { Int32($0) } ?? 1, text: parts.count > 1 ? String(parts[1]) : "")
        }
        // Their own failure first, then wrong usage, a stop, skipped inputs.
        let codes: [Int32] = ends.map(\.code), order: [Int32] = [1, 2, 130, 3]
        worst = order.first(where: codes.contains) ?? codes.first { $0 != 0 } ?? 0
        return ends
    }
}
