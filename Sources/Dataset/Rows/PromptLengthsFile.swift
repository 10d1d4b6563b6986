import Support

/// Prompt lengths kept beside an index, in `.packs.lengths`, for the tokenizer and the roles that were last used:
/// 4 bytes a clip.
///
///     8 bytes   "OPAHLEN1"
///     32 bytes  the digest of all that follows, in hexadecimal digits
///     32 bytes  what they were made from (`key`)
///     values    int32, little-endian, in the order of the clips
///
/// Some of them are measured again each time: a program that cleans or splits texts otherwise makes them anew.
struct PromptLengthsFile {
    private static let magic = Array("OPAHLEN1".utf8), digestSize = 32
    private let place: String, key: String

    /// nil where none is worth its while.
    init?(_ index: PackIndex, _ measure: PromptLengths.Measure) {
        let own = PackIndexFile.place(beside: index.path)
        guard index.contents.records.count >= PackIndex.smallest, FileKind.isFile(own),
            let tokenizer = try? measure.packer.tokenizerDigest()
        else { return nil }
        place = own.dropLast("index".count) + "lengths"
        let digest = Digest()
        // The store's digest stands for all names and texts in their order.
        for fact in [
            index.contents.digest, tokenizer, measure.packer.format.release, "\(measure.hasAssistant)",
            "\(measure.hasSpeaker)",
            "\(measure.skipsTexts)"
        ] { digest.update(fact + "\n") }
        key = digest.finish()
    }

    /// By group; nil when there are none that fit.
    func read(_ groups: [SentenceGroup], _ measure: PromptLengths.Measure) throws -> [[Int32]]? {
        let count = groups.reduce(0) { $0 + $1.count }, start = Self.magic.count + Self.digestSize,
            first = start + Self.digestSize
        guard let file = try? MappedFile(place), file.bytes.count == first + 4 * count else { return nil }
        let values: [[Int32]]? = file.withBytes { bytes in
            guard bytes.starts(with: Self.magic), bytes[start ..< first].elementsEqual(key.utf8),
                Digest.of(UnsafeRawBufferPointer(rebasing: bytes[start...])).utf8.elementsEqual(
                    bytes[Self.magic.count ..< start])
            else { return nil }
            var next = first
            return groups.map { group in
                defer { next += 4 * group.count }
                return (0 ..< group.count).map {
                    Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: next + 4 * $0, as: Int32.self))
                }
            }
        }
        guard let values else { return nil }
        // 64 clips, spread over all.
        var before = 0, wanted = 0
        for (group, lengths) in zip(groups, values) {
            while wanted < 64, wanted * count / 64 < before + lengths.count {
                let place = max(wanted * count / 64 - before, 0)
                wanted += 1
                let skipped = try measure.skipped(group)
                guard try measure.length(place, of: group, skipped: skipped) == lengths[place] else { return nil }
            }
            before += lengths.count
        }
        return values
    }

    /// Where the folder cannot be written, the next start measures again.
    func write(_ lengths: [[Int32]]) {
        let digest = Digest()
        digest.update(key)
        for group in lengths { group.withUnsafeBytes { digest.update($0) } }
        guard let file = try? AtomicFile(place) else { return }
        do {
            try file.write(Self.magic + Array((digest.finish() + key).utf8))
            for group in lengths { try group.withUnsafeBytes { try file.write($0) } }
            try file.commit()
        } catch { return }
    }
}
