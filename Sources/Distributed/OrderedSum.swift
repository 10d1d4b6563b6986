import CMPI
import Support

/// Sums whose bits do not depend on how many processes there are, on their network or on the MPI library.
///
/// MPI's own reductions add in an order that they choose. Here each process gets a slice of every piece, adds the
/// pieces in their order, ((p0 + p1) + p2) + ..., and gives its slice of the sum to all: the traffic of a ring, 2 (N -
/// 1) / N of the data per process when each has one piece. Blocks follow each other, so that while one is added others
/// are under way.
extension Ranks {
    public enum Reduction: String, Sendable { case sum, max }

    /// Blocks under way at a time.
    private static let slots = 3

    /// - Parameters:
    ///   - pieces: those of this rank, by number; `count` floats each.
    ///   - owners: the rank of each piece, the same list everywhere; at least one.
    ///   - into: `count` floats; may be one of the pieces.
    public func reduce(
        _ pieces: [Int: UnsafeMutablePointer<Float>], owners: [Int], count: Int,
        into result: UnsafeMutablePointer<Float>,
        by reduction: Reduction = .sum
    ) throws {
        try beforeCall()
        precondition(!owners.isEmpty && owners.indices.allSatisfy { (owners[$0] == rank) == (pieces[$0] != nil) })
        let length = Blocks.bytes / MemoryLayout<Float>.size, blocks = (count + length - 1) / length
        let own = owners.indices.filter { owners[$0] == rank }.map { pieces[$0]! }
        var slots = (0 ..< min(Self.slots, blocks)).map { _ in
            Slot(ranks: self, owners: owners, own: own, length: length)
        }
        func range(_ block: Int) -> Range<Int> { block * length ..< min((block + 1) * length, count) }
        for block in slots.indices.dropLast(blocks > Self.slots - 1 ? 1 : 0) { try slots[block].deal(range(block)) }
        for block in 0 ..< blocks {
            // The slot of the block before is free for one to come when that has been given to all.
            let coming = block + Self.slots - 1
            if block > 0 { try slots[(block - 1) % Self.slots].finish() }
            if coming < blocks { try slots[coming % Self.slots].deal(range(coming)) }
            try slots[block % Self.slots].add(reduction)
            try slots[block % Self.slots].share(into: result)
        }
        if blocks > 0 { try slots[(blocks - 1) % Self.slots].finish() }
        slots.removeAll()
    }

    /// A block on its way. Its memory stays when a wait fails, since what is late may still be written.
    private final class Slot {
        private unowned let ranks: Ranks
        private let owners: [Int], own: [UnsafeMutablePointer<Float>]
        private let sent: UnsafeMutablePointer<Float>, received: UnsafeMutablePointer<Float>,
            sum: UnsafeMutablePointer<Float>
        private var requests: [mpi_request] = []
        private var block = 0 ..< 0
        /// Floats of each rank's slice.
        private var slices: [Int] = []
        /// What MPI reads until a request is done.
        private var numbers: [UnsafeMutablePointer<Int32>] = []

        init(ranks: Ranks, owners: [Int], own: [UnsafeMutablePointer<Float>], length: Int) {
            (self.ranks, self.owners, self.own) = (ranks, owners, own)
            let slice = length / ranks.size + 1
            sent = .allocate(capacity: max(own.count * length, 1))
            received = .allocate(capacity: owners.count * slice)
            sum = .allocate(capacity: slice)
            numbers = (0 ..< 4).map { _ in .allocate(capacity: ranks.size) }
        }

        deinit {
            guard !ranks.isBroken else { return }
            for pointer in [sent, received, sum] { pointer.deallocate() }
            for pointer in numbers { pointer.deallocate() }
        }

        /// Sends every rank its slice of this rank's pieces.
        func deal(_ block: Range<Int>) throws {
            self.block = block
            let size = ranks.size, count = block.count
            slices = (0 ..< size).map { count * ($0 + 1) / size - count * $0 / size }
            var place = 0, start = block.lowerBound
            for slice in slices {
                for piece in own {
                    (sent + place).update(from: piece + start, count: slice)
                    place += slice
                }
                start += slice
            }
            let lengths = slices.map { 4 * own.count * $0 }
            let incoming = (0 ..< size).map { rank in 4 * slices[ranks.rank] * owners.count { $0 == rank } }
            for (pointer, values) in zip(
                numbers,
                [lengths.map(Int32.init), Blocks.places(lengths), incoming.map(Int32.init), Blocks.places(incoming)])
            {
                pointer.update(from: values, count: size)
            }
            requests = [mpi_request()]
            try ranks.check(
                cmpi_all_to_all(
                    Int32(MPI_CHANNEL_WORK), sent, numbers[0], numbers[1], received, numbers[2], numbers[3],
                    &requests[0]))
        }

        /// Adds this rank's slices of all pieces, in the order of pieces.
        func add(_ reduction: Reduction) throws {
            try ranks.wait(&requests)
            let slice = slices[ranks.rank]
            // They came in the order of ranks, and of each rank in the order of its pieces.
            var seen = [Int](repeating: 0, count: ranks.size), first = [Int](repeating: 0, count: ranks.size)
            for rank in 1 ..< max(ranks.size, 1) { first[rank] = first[rank - 1] + owners.count { $0 == rank - 1 } }
            for (number, owner) in owners.enumerated() {
                let piece = received + (first[owner] + seen[owner]) * slice
                seen[owner] += 1
                if number == 0 {
                    sum.update(from: piece, count: slice)
                } else if reduction == .sum {
                    for i in 0 ..< slice { sum[i] += piece[i] }
                } else {
                    // NaN wins, as in a comparison of tensors.
                    for i in 0 ..< slice where piece[i] > sum[i] || piece[i].isNaN { sum[i] = piece[i] }
                }
            }
        }

        /// Gives this rank's slice of the sum to all.
        func share(into result: UnsafeMutablePointer<Float>) throws {
            let lengths = slices.map { 4 * $0 }
            numbers[2].update(from: lengths.map(Int32.init), count: ranks.size)
            numbers[3].update(from: Blocks.places(lengths), count: ranks.size)
            requests = [mpi_request()]
            try ranks.check(
                cmpi_all_gather(
                    Int32(MPI_CHANNEL_WORK), sum, Int32(lengths[ranks.rank]), result + block.lowerBound, numbers[2],
                    numbers[3], &requests[0]))
        }

        func finish() throws {
            try ranks.wait(&requests)
            requests = []
        }
    }
}
