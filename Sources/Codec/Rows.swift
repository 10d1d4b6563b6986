/// A stretch of a sequence, channels last: row t holds the channels of time step t, padded with
/// zeros to a multiple of 16 so that kernels never meet half a vector.
///
/// `lead` rows before the first one belong to the past: causal filters read them.
final class Rows: @unchecked Sendable {
    let width: Int, lead: Int, capacity: Int
    private let base: UnsafeMutablePointer<Float>
    /// Row 0.
    let first: UnsafeMutablePointer<Float>

    init(channels: Int, lead: Int = 0, capacity: Int) {
        width = Rows.width(channels)
        self.lead = lead
        self.capacity = capacity
        let count = max((lead + capacity) * width, 16)
        base = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64).bindMemory(
            to: Float.self, capacity: count)
        base.initialize(repeating: 0, count: count)
        first = base + lead * width
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    static func width(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

    /// Row `t`; the past has negative numbers.
    @inline(__always)
    func row(_ t: Int) -> UnsafeMutablePointer<Float> { first + t * width }

    func clear(_ rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        row(rows.lowerBound).update(repeating: 0, count: rows.count * width)
    }
}

/// The last rows that a causal filter has seen, kept from one stretch of a sequence to the next.
/// A sequence starts with zeros: the reference pads on the left.
final class History {
    private let rows: Rows, count: Int

    init(channels: Int, rows count: Int) {
        self.count = count
        rows = Rows(channels: channels, capacity: count)
    }

    /// Puts the past before the first row of `input`.
    func restore(into input: Rows) {
        guard count > 0 else { return }
        input.row(-count).update(from: rows.first, count: count * rows.width)
    }

    /// Keeps the past of the stretch that follows the first `length` rows of `input`.
    func keep(from input: Rows, length: Int) {
        guard count > 0 else { return }
        rows.first.update(from: input.row(length - count), count: count * rows.width)
    }
}
