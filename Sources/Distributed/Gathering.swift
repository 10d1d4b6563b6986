import CMPI
import Support

/// Small things that all hear of.
extension Ranks {
    /// Returns when all have come here.
    public func barrier() throws { _ = try gather([UInt8]()) }

    /// Everybody's bytes, of any lengths, in the order of ranks.
    public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try gather(bytes, channel: MPI_CHANNEL_WORK, limit: nil)
    }

    /// Everybody's numbers, in the order of ranks.
    public func gather(_ values: [Double]) throws -> [[Double]] {
        try gather(values.withUnsafeBytes { Array($0) }).map { bytes in
            bytes.withUnsafeBytes { raw in
                (0 ..< raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }
        }
    }

    func gather(_ bytes: [UInt8], channel: Int, limit: Double?) throws -> [[UInt8]] {
        try beforeCall()
        let channel = Int32(channel)
        let length = withUnsafeBytes(of: Int64(bytes.count)) { Array($0) }
        let lengths = try gather(length, each: Array(repeating: 8, count: size), channel, limit).withUnsafeBytes {
            raw in
            (0 ..< size).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        }
        let total = lengths.reduce(0, +)
        guard total < Int(Int32.max) else {
            throw OpahError(
                .memory, "the processes have \(ByteCount.text(total)) to tell each other at once, and 2 GB are the most"
            )
        }
        let all = total == 0 ? [] : try gather(bytes, each: lengths, channel, limit)
        var start = 0
        return lengths.map { length in
            defer { start += length }
            return Array(all[start ..< start + length])
        }
    }

    /// - Parameter each: bytes of each rank.
    private func gather(_ bytes: [UInt8], each lengths: [Int], _ channel: Int32, _ limit: Double?) throws -> [UInt8] {
        let counts = lengths.map(Int32.init), places = Blocks.places(lengths)
        let from = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        let into = UnsafeMutablePointer<UInt8>.allocate(capacity: max(lengths.reduce(0, +), 1))
        from.update(from: bytes, count: bytes.count)
        var requests = [mpi_request()]
        try check(cmpi_all_gather(channel, from, Int32(bytes.count), into, counts, places, &requests[0]))
        // What never comes may still be written, so nothing is freed when the wait fails; MPI reads counts meanwhile,
        // too.
        try withExtendedLifetime((counts, places)) { try wait(&requests, limit: limit) }
        defer {
            from.deallocate()
            into.deallocate()
        }
        return Array(UnsafeBufferPointer(start: into, count: lengths.reduce(0, +)))
    }

    /// The bytes of one rank, on all.
    /// - Parameter bytes: nil on the others.
    public func broadcast(_ bytes: [UInt8]?, from root: Int = 0) throws -> [UInt8] {
        var length = [Int64(bytes?.count ?? 0)]
        try length.withUnsafeMutableBytes { try broadcast(in: $0, from: root) }
        var all = rank == root ? bytes ?? [] : [UInt8](repeating: 0, count: Int(length[0]))
        try all.withUnsafeMutableBytes { try broadcast(in: $0, from: root) }
        return all
    }

    /// Memory of the same size everywhere gets what lies in that of `root`.
    public func broadcast(in memory: UnsafeMutableRawBufferPointer, from root: Int = 0) throws {
        try beforeCall()
        var start = 0
        while start < memory.count {
            let count = min(Blocks.bytes, memory.count - start)
            var requests = [mpi_request()]
            try check(
                cmpi_broadcast(
                    Int32(MPI_CHANNEL_WORK), memory.baseAddress! + start, Int32(count), Int32(root), &requests[0]))
            try wait(&requests)
            start += count
        }
    }
}

/// How large things travel: in pieces, since MPI counts bytes in 32 bits.
enum Blocks {
    static let bytes = 2 << 20

    /// Where each begins when they lie one after the other.
    static func places(_ lengths: [Int]) -> [Int32] {
        var place = 0
        return lengths.map { length in
            defer { place += length }
            return Int32(place)
        }
    }
}
