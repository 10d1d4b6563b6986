import Formats
import Support

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
        let places = ClipPlaces(counts: found.lazy.map(\.sentences.count)), first = records.count / ClipRecords.size
        var part = [UInt8](repeating: 0, count: places.count * ClipRecords.size)
        try part.withUnsafeMutableBytes { buffer in
            nonisolated(unsafe) let slots = buffer   // each is written once, by the thread that took it
            try places.forEach(0 ..< places.count) { number, group, place in
                let slot = slots[number * ClipRecords.size ..< (number + 1) * ClipRecords.size]
                let clip = first + number < clips.count ? clips[first + number] : nil
                try Self.record(place, found[group], shard, clip, UnsafeMutableRawBufferPointer(rebasing: slot))
            }
        }
        records += part
        let all = ClipRecords.memory(records)
        for (number, group) in found.enumerated() {
            let start = first + places[number].lowerBound
            digest.begin(group.name, sentences: group.sentences.count)
            for (place, range) in group.sentences.enumerated() {
                let texts = try shard.texts(at: range) {
                    OpahError(.format, "\(shard.path): a sentence \($0)", hint: "pack the dataset again")
                }
                digest.add(texts: texts, all[start + place].facts)
            }
            groups.append(
                .init(
                    source: group.source, name: group.name, shard: shards, first: start,
                    count: group.sentences.count))
        }
        shards += 1
    }

    private static func record(
        _ place: Int, _ group: PackedShard.Group, _ shard: PackedShard, _ clip: String?,
        _ slot: UnsafeMutableRawBufferPointer
    ) throws {
        let packed = try shard.sentence(place, of: group), range = group.sentences[place]
        do {
            let sentence = Sentence(texts: packed.texts, codes: try SentenceCodes(rows: packed.codes))
            guard
                ClipRecords.write(
                    ClipRecord(offset: range.lowerBound, length: range.count, facts: sentence.facts), to: slot)
            else {
                throw OpahError(
                    .data, "\(packed.texts.count) texts and \(packed.codes.count) codebooks: each may have 65535",
                    hint: "pack the dataset again")
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
