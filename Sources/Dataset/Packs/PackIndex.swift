import Formats
import Support

/// The clips of one path of packs, read through its index: what is known of each without reading it, and each when it
/// is asked for.
///
/// The index is a file beside the packs (`PackIndexFile`). Where the stamps of shards and manifest are those that it
/// noted, they are as they were when they were checked, and nothing else is read at the start. Where stamps differ and
/// the content is the same (a copy), the index stays; anything else makes it anew. A folder that cannot be written has
/// none, and the packs are read from end to end at each start.
final class PackIndex: Sendable {
    /// What an index holds.
    struct Contents: Sendable {
        struct Shard: Equatable, Sendable {
            /// As seen from the folder of the packs.
            var name: String, bytes: Int
            /// As in `PackManifest`.
            var digest: String
            /// Empty when a change of the file might not have shown in it.
            var stamp: String
        }

        struct Group: Equatable, Sendable {
            var source: String, name: String
            /// Which shard, and which clips of all.
            var shard: Int, first: Int, count: Int
        }

        var shards: [Shard] = []
        /// The stamp of `packs.json`; nil where there is none.
        var manifest: String?
        var groups: [Group] = []
        /// As `SentenceStore.digest`.
        var digest: String
        var records: ClipRecords
    }

    /// Packs of fewer clips are read in a moment, and have no file beside them.
    static let smallest = 256

    let path: String
    let contents: Contents
    private let shards: [PackedShard]

    /// - Throws: when packs are damaged, unfinished or not those of their manifest.
    static func open(_ path: String) throws -> PackIndex {
        let place = PackIndexFile.place(beside: path), stored = PackIndexFile.read(place)
        let seen = try Seen(path)
        if let stored, seen.matches(stored) { return try PackIndex(path, stored) }
        let (names, manifest) = try PackFolder.checked(path)
        var shards: [Contents.Shard] = []
        for (number, name) in names.enumerated() {
            try Interrupt.check()
            let found = try manifest?.shards[number] ?? PackManifest.shard(PackFolder.place(of: name, in: path))
            shards.append(
                Contents.Shard(name: name, bytes: found.bytes, digest: found.digest, stamp: seen.stamps[name] ?? ""))
        }
        var contents: Contents
        if let stored,
            stored.shards.elementsEqual(
                shards, by: { $0.name == $1.name && $0.bytes == $1.bytes && $0.digest == $1.digest })
        {
            contents = stored
        } else {
            var indexing = PackIndexing()
            for name in names {
                try indexing.add(PackedShard(PackFolder.place(of: name, in: path)), clips: manifest?.clips ?? [])
            }
            contents = indexing.finish()
        }
        (contents.shards, contents.manifest) = (shards, seen.manifest)
        // Without the file all goes on, only slower.
        if contents.records.count >= smallest { try? PackIndexFile.write(contents, to: place) }
        return try PackIndex(path, contents)
    }

    private init(_ path: String, _ contents: Contents) throws {
        (self.path, self.contents) = (path, contents)
        shards = try contents.shards.map { shard in
            let file = try PackedShard(PackFolder.place(of: shard.name, in: path))
            guard file.size == shard.bytes else {
                throw OpahError(
                    .data, "\(name: file.path): has \(file.size) bytes, and had \(shard.bytes) a moment ago",
                    hint: "try again when nobody writes it")
            }
            return file
        }
    }

    /// What is there now, by stamps alone.
    private struct Seen {
        /// By name; those that would show every change from now on.
        var stamps: [String: String] = [:]
        let names: [String]
        let manifest: String?

        init(_ path: String) throws {
            names = try PackFolder.names(path)
            for name in names {
                if let stamp = FileStamp(PackFolder.place(of: name, in: path)), stamp.isSettled {
                    stamps[name] = stamp.text
                }
            }
            let manifest = PathName.join(path, PackManifest.name)
            // One that is not settled is taken for another each time.
            self.manifest =
                FileKind.isFolder(path) && FileKind.exists(manifest)
                ? FileStamp(manifest).flatMap { $0.isSettled ? $0.text : nil } ?? "" : nil
        }

        func matches(_ contents: Contents) -> Bool {
            manifest == contents.manifest && manifest != "" && contents.shards.map(\.name).sorted() == names.sorted()
                && contents.shards.allSatisfy { stamps[$0.name] == $0.stamp && $0.stamp.hasPrefix("\($0.bytes) ") }
        }
    }

    /// The clips that the sentences came from, in order; empty where that is not known.
    func clips() -> [String] { FileKind.isFolder(path) ? (try? PackManifest(folder: path))?.clips ?? [] : [] }

    /// Gives back the memory of what was read of the shards.
    func release() { for shard in shards { shard.release() } }

    // MARK: Clips

    func record(_ place: Int, of group: Int) -> ClipRecord {
        let group = contents.groups[group]
        precondition(place >= 0 && place < group.count)
        return contents.records[group.first + place]
    }

    func texts(_ place: Int, of group: Int) throws -> [String] {
        let (shard, record, problem) = try find(place, group)
        let texts = try shard.texts(
            at: record.offset ..< record.offset + record.length, limit: record.facts.texts, problem)
        guard texts.count == record.facts.texts else { throw problem("has \(texts.count) texts") }
        return texts
    }

    func sentence(_ place: Int, of group: Int) throws -> Sentence {
        let (shard, record, problem) = try find(place, group)
        let range = record.offset ..< record.offset + record.length
        // Counted before they are made: empty ones would take many times their bytes.
        let parts = try shard.parts(at: range, problem)
        guard parts == record.facts.texts + record.facts.codebooks else {
            throw problem("has \(parts) texts and codebooks")
        }
        let found = try shard.sentence(at: range, problem)
        guard let codes = try? SentenceCodes(rows: found.codes) else { throw problem("has codes that cannot be") }
        let sentence = Sentence(texts: found.texts, codes: codes)
        guard sentence.facts == record.facts else { throw problem("holds another clip") }
        return sentence
    }

    private func find(_ place: Int, _ group: Int) throws -> (PackedShard, ClipRecord, (String) -> OpahError) {
        let found = contents.groups[group], record = record(place, of: group), shard = shards[found.shard]
        let index = PackIndexFile.place(beside: path)
        func problem(_ what: String) -> OpahError {
            OpahError(
                .data,
                "\(shard.path): sentence \(place + 1) of \(found.name) is not as the index of the packs says: "
                    + "it \(what)",
                hint: FileKind.exists(index)
                    ? "remove \(index): it is made again" : "were the packs replaced during the run? start it again")
        }
        guard record.offset <= shard.size, record.length <= shard.size - record.offset else {
            throw problem("would be at byte \(record.offset) of \(shard.size)")
        }
        return (shard, record, problem)
    }
}
