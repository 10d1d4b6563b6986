import Formats
import Support
import Synchronization
import Tensors

/// Makes the records of an index: reads each sentence of each shard once, on all threads, and keeps 32 bytes of it.
struct PackIndexing {
    private var groups: [PackIndex.Contents.Group] = []
    private var records: [UInt8] = []
    private var shards = 0
    private let digest = StoreDigest()

    /// - Parameter clips: where the sentences of all shards came from, in order; for messages.
    mutating func add(_ shard: PackedShard, clips: [String]) throws {
        var found: [PackedShard.Group] = []
        while let group = try shard.group(after: found.last) { found.append(group) }
        // A thread takes sentences of whichever groups.
        var starts = [0]
        for group in found { starts.append(starts[starts.count - 1] + group.sentences.count) }
        let first = records.count / ClipRecords.size, count = starts[found.count]
        var part = [UInt8](repeating: 0, count: count * ClipRecords.size)
        let failure = Mutex<(place: Int, error: any Error)?>(nil)
        part.withUnsafeMutableBytes { buffer in
            nonisolated(unsafe) let slots = buffer   // each is written once, by the thread that took it
            Parallel.forRange(count, grain: 32) { range in
                var group = starts.partition(above: range.lowerBound) - 1
                for place in range where !Interrupt.isRequested {
                    while place >= starts[group + 1] { group += 1 }
                    let slot = UnsafeMutableRawBufferPointer(rebasing: slots[place * ClipRecords.size ..< (place + 1) * ClipRecords.size])
                    do {
                        let clip = first + place < clips.count ? clips[first + place] : nil
                        try Self.record(place - starts[group], found[group], shard, clip, slot)
                    } catch {
                        failure.withLock { if $0.map({ place < $0.place }) ?? true { $0 = (place, error) } }
                    }
                }
            }
        }
        try Interrupt.check()
        if let failure = failure.withLock({ $0?.error }) { throw failure }
        records += part
        for (group, start) in zip(found, starts) {
            digest.begin(group.name, sentences: group.sentences.count)
            for (place, range) in group.sentences.enumerated() {
                let texts = try shard.texts(at: range) { OpahError(.format, "\(shard.path): a sentence \($0)", hint: "pack the dataset again") }
                digest.add(texts: texts, ClipRecords.memory(records)[first + start + place].facts)
            }
            groups.append(.init(source: group.source, name: group.name, shard: shards, first: first + start, count: group.sentences.count))
        }
        shards += 1
    }

    private static func record(_ place: Int, _ group: PackedShard.Group, _ shard: PackedShard, _ clip: String?,
                               _ slot: UnsafeMutableRawBufferPointer) throws {
        let packed = try shard.sentence(place, of: group), range = group.sentences[place]
        do {
            let sentence = Sentence(texts: packed.texts, codes: try SentenceCodes(rows: packed.codes))
            guard ClipRecords.write(ClipRecord(offset: range.lowerBound, length: range.count, facts: sentence.facts), to: slot) else {
                throw OpahError(.data, "\(packed.texts.count) texts and \(packed.codes.count) codebooks: each may have 65535", hint: "pack the dataset again")
            }
        } catch let error as OpahError {
            throw error.at(clip ?? "\(shard.path): sentence \(place + 1) of \(group.name)")
        }
    }

    /// Without shards and manifest, which the caller knows. Call it once.
    func finish() -> PackIndex.Contents {
        PackIndex.Contents(groups: groups, digest: digest.finish(), records: .memory(records))
    }
}

extension [Int] {
    /// The number of elements that are not above `value`, of ascending ones.
    func partition(above value: Int) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
