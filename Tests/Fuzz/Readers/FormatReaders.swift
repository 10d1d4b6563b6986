import Formats
import Support
import Tensors

extension FuzzReader {
    static let formats: [FuzzReader] = [
        FuzzReader(
            "npy", maxLength: 2000, dictionary: npyWords,
            seeds: { try Seeds.vectors("dataset/npy_variants", suffixes: [".npy"]) }
        ) {
            let path = Scratch.file("a.npy", $0)
            touch(try Npy.load(path))
        },
        FuzzReader(
            "npz", maxLength: 30_000, dictionary: zipWords,
            seeds: { try Seeds.vectors("dualar/rope_real_size.npz") + [archive(.npz)] }
        ) {
            for (_, tensor) in try Npz.load(Scratch.file("a.npz", $0)) { touch(tensor) }
        },
        // Arrays inside an archive whose checksums are right.
        FuzzReader(
            "npz-entry", maxLength: 2000, dictionary: npyWords,
            seeds: { try Seeds.vectors("dataset/npy_variants", suffixes: [".npy"]) }
        ) {
            for (_, tensor) in try Npz.load(zip("b.npz", [StoredZip.Entry("a.npy", $0)])) { touch(tensor) }
        },
        FuzzReader(
            "zip", maxLength: 4000, dictionary: zipWords,
            seeds: {
                try Seeds.vectors(
                    "ckpt/torch_files/nested_zip.pth", "ckpt/malicious", suffixes: ["_zip.pth"], limit: 4000) + [
                        archive(.npz)
                    ]
            }
        ) {
            let archive = try ZipArchive(Scratch.file("a.zip", $0))
            for entry in archive.entries.prefix(100) { try? archive.verify(entry) }
        },
        FuzzReader(
            "checkpoint", maxLength: 30_000, dictionary: zipWords + pickleWords,
            seeds: {
                try Seeds.vectors(
                    "ckpt/torch_files", "ckpt/malicious", suffixes: [".pth", ".safetensors"], limit: 30_000)
            }
        ) {
            touch(try Checkpoint.load(Scratch.file("a.pth", $0)))
        },
        // Pickles inside an archive whose checksums are right, with storages for their tensors.
        FuzzReader("pickle", maxLength: 8000, dictionary: pickleWords, seeds: pickleSeeds) {
            let path = zip("b.pth", [StoredZip.Entry("archive/data.pkl", $0)] + storages)
            touch(try Checkpoint.load(path))
            _ = try? Checkpoint.stateDict(path)
        },
        FuzzReader(
            "safetensors", maxLength: 8000, dictionary: safeTensorsWords,
            seeds: { try Seeds.vectors("ckpt/malicious", suffixes: [".safetensors"]) + [archive(.safetensors)] }
        ) {
            let (tensors, _) = try SafeTensors.read(Scratch.file("a.safetensors", $0))
            for (_, tensor) in tensors { touch(tensor) }
        },
        FuzzReader(
            "protos", maxLength: 12_000, dictionary: ["\u{0A}", "\u{12}", "\u{1A}", "\u{22}", "folder", "filelist"],
            seeds: { try Seeds.vectors("dataset", suffixes: [".protos"]) }
        ) {
            let reader = try ProtosReader(Scratch.file("a.protos", $0))
            while let group = try reader.next() {
                for sentence in group.sentences { _ = try? sentence.codesTensor() }
            }
        },
        FuzzReader(
            "json", maxLength: 4000,
            dictionary: [
                "null", "true", "false", "1e999", "-0", "\\u", "\\ud800", "[[[[", "123456789012345678901234567890"
            ],
            seeds: {
                try Seeds.vectors("dualar", suffixes: ["config.json", "special_tokens_map.json"], limit: 4000)
                    + Seeds.texts(#"{"a": [1, -2.5e3, null, true, "\u00e9\n\ud83d\ude00"], "b": {}}"#)
            }
        ) { bytes in
            let value = try bytes.withUnsafeBytes { try JSON.decode($0) }
            // What was read and written is read as the same.
            guard !hasInfinity(value) else { return }
            let again = try JSON.decode(JSON.encode(value))
            precondition(again == value || hasNaN(value), "json: \(value) is written as \(again)")
        },
        FuzzReader("events", maxLength: 4000, seeds: { [try eventSeed()] }) {
            _ = try EventFileWriter.read(Scratch.file("events.out.tfevents.1.a", $0))
            let folder = Scratch.folder("events", ["events.out.tfevents.1.a": $0])
            let writer = try EventFileWriter(folder: folder, resumingAfter: 1)
            try writer.add([("loss", 1)], step: 2, wallTime: 0)
            try writer.flush()
        }
    ]

    // MARK: what is done with what was read

    /// Reads every element: mappings that end too soon show here.
    static func touch(_ tensor: Tensor) {
        guard tensor.count < 1 << 20 else { return }
        _ = try? tensor.to(.float64).doubles()
    }

    static func touch(_ value: CheckpointValue) {
        switch value {
        case .list(let items), .tuple(let items): items.forEach(touch)
        case .dict(let pairs):
            pairs.forEach {
                touch($0.key)
                touch($0.value)
            }
        case .tensor(let tensor): touch(tensor)
        default: break
        }
    }

    private static func hasInfinity(_ value: ConfigValue) -> Bool {
        switch value {
        case .double(let number): number.isInfinite
        case .list(let items): items.contains(where: hasInfinity)
        case .map(let map): map.contains { hasInfinity($0.value) }
        default: false
        }
    }

    private static func hasNaN(_ value: ConfigValue) -> Bool {
        switch value {
        case .double(let number): number.isNaN
        case .list(let items): items.contains(where: hasNaN)
        case .map(let map): map.contains { hasNaN($0.value) }
        default: false
        }
    }

    // MARK: archives

    private static func zip(_ name: String, _ entries: [StoredZip.Entry]) -> String {
        // Not ZipWriter, which syncs: a million syncs take hours.
        Scratch.file(name, StoredZip.bytes(entries))
    }

    private enum Kind { case npz, safetensors }

    private static func archive(_ kind: Kind) throws -> [UInt8] {
        let tensors = try [
            (name: "a", tensor: Tensor([1, 2, 3, 4] as [Float], [2, 2])),
            (name: "b", tensor: Tensor([5, 6] as [Float], [2]))
        ]
        let path = Scratch.folder + "/seed"
        switch kind {
        case .npz: try Npz.save(tensors, to: path + ".npz")
        case .safetensors:
            try SafeTensors.save(StateDict(tensors), to: path + ".safetensors", metadata: ["format": "pt"])
        }
        return try RegularFile.contents(path + (kind == .npz ? ".npz" : ".safetensors"))
    }

    /// What the tensors of a pickle lie in.
    private static let storages = (0 ..< 24).map { index in
        StoredZip.Entry("archive/data/\(index)", (0 ..< 1024).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ index) })
    }

    private static let pickleSeeds: @Sendable () throws -> [[UInt8]] = {
        let folder = Seeds.checkout + "/Tests/Vectors/ckpt/"
        let files = try FolderWalk(folder).files.filter {
            ($0.hasSuffix("zip.pth") || $0.hasSuffix("protocol4.pth")) && !$0.contains("truncated")
        }
        return files.compactMap { path in
            guard let archive = try? ZipArchive(path),
                let entry = archive.entries.first(where: { $0.name.hasSuffix("data.pkl") })
            else { return nil }
            return try? archive.withBytes(of: entry) { Array($0) }
        }.filter { $0.count <= 8000 }
    }

    private static func eventSeed() throws -> [UInt8] {
        let folder = Scratch.folder("events-seed", [:])
        let writer = try EventFileWriter(folder: folder)
        for step in 0 ..< 3 { try writer.add([("train/loss", 2.5), ("lr", 1e-4)], step: step, wallTime: 0) }
        try writer.flush()
        return try RegularFile.contents(writer.path)
    }

    // MARK: words

    private static let npyWords = [
        "\u{93}NUMPY", "{'descr': '<f4', 'fortran_order': False, 'shape': (", "'|O'", "'>i2'", "'|b1'", "'<f8'", "True",
        "(4611686018427387904,)",
        "(-1,)", "(0, 9223372036854775807)", "()", "1L"
    ]
    private static let zipWords = [
        "PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "PK\u{6}\u{6}", "PK\u{6}\u{7}", "archive/data.pkl",
        "archive/version", "a.npy", "../"
    ]
    private static let pickleWords = [
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n",
        "ccollections\nOrderedDict\n",
        "cbuiltins\nset\n", "cposix\nsystem\n", "X\u{3}\0\0\0cpu", "X\u{7}\0\0\0storage", "(K\u{1}t", "R", "b", "a",
        "e", "0", "1", "2", "Q", "u",
        "\u{5D}q\0h\0a", "h\0", "j\0\0\0\0", "]", "}", ")", "(", "."
    ]
    private static let safeTensorsWords = [
        #""dtype":"F32""#, #""dtype":"BF16""#, #""dtype":"I64""#, #""shape":["#, #""data_offsets":[0,8]"#,
        #""__metadata__":{"#, "-1",
        "9223372036854775807", "4611686018427387904", "1e400", "0"
    ]
}

/// An archive of stored entries, made without a file.
enum StoredZip {
    struct Entry: Sendable {
        let name: String, bytes: [UInt8], checksum: UInt32
        init(_ name: String, _ bytes: [UInt8]) { (self.name, self.bytes, checksum) = (name, bytes, crc32(bytes)) }
    }

    static func bytes(_ entries: [Entry]) -> [UInt8] {
        var body: [UInt8] = []
        var directory: [UInt8] = []
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        for entry in entries {
            let name = Array(entry.name.utf8)
            let size = little(entry.bytes.count, 4)
            var core = little(20, 2) + little(0, 8) + little(Int(entry.checksum), 4) + size + size
            core += little(name.count, 2) + little(0, 2)
            directory += Array("PK\u{1}\u{2}".utf8) + little(20, 2) + core
            directory += little(0, 10) + little(body.count, 4) + name
            body += Array("PK\u{3}\u{4}".utf8) + core + name + entry.bytes
        }
        let end =
            Array("PK\u{5}\u{6}".utf8) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
            + little(directory.count, 4) + little(body.count, 4)
        return body + directory + end + little(0, 2)
    }

    private static let table: [UInt32] = (0 ..< 256).map { index in
        (0 ..< 8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
    }
}
