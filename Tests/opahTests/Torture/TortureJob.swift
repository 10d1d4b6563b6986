import Documentation
import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// One kind of work whose results must be the same, byte for byte, whatever happened on the way.
struct TortureJob: Sendable {
    let name: String
    let arguments: [String]
    /// What the job writes, seen from its folder.
    let outputs: [String]
    /// Files of the prepared folder that it starts without.
    var without: @Sendable (String) -> Bool = { _ in false }

    static let all = [
        TortureJob(name: "loudness-norm", arguments: ["run", "loudness-norm", "raw", "normed"], outputs: ["normed"]),
        TortureJob(name: "extract-vq", arguments: extraction, outputs: ["data"], without: { $0.hasSuffix(".npy") }),
        TortureJob(name: "build-dataset", arguments: packing + ["--output", "packs"], outputs: ["packs"]),
        TortureJob(name: "train", arguments: training(8), outputs: ["results"]),
        TortureJob(
            name: "merge-lora",
            arguments: [
                "run", "merge-lora", "--base-weight", "tiny", "--lora-weight", "adapter.ckpt", "--output", "merged"
            ], outputs: ["merged"]),
        TortureJob(
            name: "generate",
            arguments: [
                "run", "generate", "--text", "Hello.", "--checkpoint-path", "tiny", "--max-new-tokens", "6", "--output",
                "said",
                "--vq-checkpoint-path", "tiny/codec.pth", "--vq-config-name", "tiny/codec.lua"
            ], outputs: ["said"]),
        TortureJob(name: "batch", arguments: ["batch", "recipes", "--output", "all", "--jobs", "2"], outputs: ["all"]),
        TortureJob(name: "save", arguments: ["save.lua"], outputs: ["saved"])
    ]

    private static let extraction = [
        "run", "extract-vq", "data", "--config-name", "tiny/codec.lua", "--checkpoint-path", "tiny/codec.pth"
    ]
    private static let packing = ["run", "build-dataset", "--input", "data", "--text-extension", ".lab"]
    private static func training(_ steps: Int) -> [String] {
        [
            "run", "train", "project=p", "+lora@model.model.lora_config=r_8_alpha_16", "pretrained_ckpt_path=tiny",
            "train_dataset.proto_files=[protos]",
            "max_length=256", "trainer.max_steps=\(steps)", "trainer.val_check_interval=3", "data.batch_size=1",
            "model.optimizer.lr=1e-3"
        ]
    }

    // MARK: the folder that all begin from

    /// Recordings, codes, packs, a model, an adapter, recipes: made once by the program itself.
    nonisolated(unsafe) static let prepared = Result { try prepare() }
    /// For the end of the process, which no static value sees.
    private static let madeFolder = Locked("")

    private static func prepare() throws -> TestFolder {
        let folder = try TestFolder("torture")
        let files = FileManager.default
        madeFolder.withLock { $0 = folder.path }
        atexit { TortureJob.madeFolder.withLock { try? FileManager.default.removeItem(atPath: $0) } }
        for (speaker, clips) in [
            ("Alice", ["0.00-2.10.mp3", "4.80-7.20.wav", "2.10-4.80.flac"]), ("ハナコ", ["6.30-8.50.mp3"])
        ] {
            try files.createDirectory(atPath: folder("raw/" + speaker), withIntermediateDirectories: true)
            for clip in clips.flatMap({ [$0, ($0 as NSString).deletingPathExtension + ".lab"] }) {
                try files.copyItem(
                    atPath: "\(OpahProcess.checkout)/examples/data/\(speaker)/\(clip)",
                    toPath: folder("raw/\(speaker)/\(clip)"))
            }
        }
        try files.copyItem(atPath: OpahProcess.checkout + "/examples/checkpoints/tiny", toPath: folder("tiny"))
        for arguments in [
            ["run", "loudness-norm", "raw", "data"], extraction, packing + ["--output", "protos"], training(2)
        ] {
            let result = try OpahProcess.run(arguments, folder: folder.path)
            guard result.code == 0 else {
                throw Torture.Problem(description: "opah \(arguments.joined(separator: " ")): \(result.errors)")
            }
        }
        try files.moveItem(atPath: folder("results/p/checkpoints/step_000000002.ckpt"), toPath: folder("adapter.ckpt"))
        try files.removeItem(atPath: folder("results"))
        try files.createDirectory(atPath: folder("recipes"), withIntermediateDirectories: true)
        for number in 1 ... 3 {
            try LuaScript.file("recipe").text.write(
                toFile: folder("recipes/r\(number).lua"), atomically: true, encoding: .utf8)
        }
        try LuaScript.file("saving").text.write(toFile: folder("save.lua"), atomically: true, encoding: .utf8)
        return folder
    }

    // MARK: running

    /// A copy of the prepared folder to run in.
    func start() throws -> TestFolder {
        let folder = try TestFolder("torture-\(name)")
        let base = try Self.prepared.get()
        try FileManager.default.removeItem(atPath: folder.path)
        try FileManager.default.copyItem(atPath: base.path, toPath: folder.path)
        for path in Self.paths(folder.path) where without(path) {
            try FileManager.default.removeItem(atPath: folder(path))
        }
        return folder
    }

    /// Runs to the end; one that takes more than a minute is killed, which the exit code 137 tells.
    func run(_ folder: TestFolder, _ environment: [String: String] = [:]) throws -> OpahProcess.Result {
        let running = try OpahProcess.start(arguments, folder: folder.path, environment: environment)
        let pid = running.process.processIdentifier
        let watch = DispatchWorkItem { kill(-pid, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: watch)
        defer { watch.cancel() }
        return running.finish()
    }

    /// What an undisturbed run is like.
    struct Reference {
        /// Its folder at the end.
        let files: [String: Data]
        /// How often it calls what can fail.
        let calls: [FaultPlan.Call: Int]
        let seconds: Double
    }

    /// Made once per job.
    func reference() throws -> Reference {
        if let known = Self.references.withLock({ $0[name] }) { return known }
        let folder = try start()
        let plan = try FaultPlan(below: folder.path)
        let began = Date()
        let result = try run(folder, plan.environment())
        guard result.code == 0 else {
            throw Torture.Problem(description: "\(name): an undisturbed run exits \(result.code): \(result.errors)")
        }
        let calls = Dictionary(uniqueKeysWithValues: FaultPlan.Call.allCases.map { ($0, plan.seen($0)) })
        let made = Reference(files: Self.files(folder.path), calls: calls, seconds: -began.timeIntervalSinceNow)
        Self.references.withLock { $0[name] = made }
        return made
    }

    private static let references = Locked<[String: Reference]>([:])

    // MARK: judging

    /// Below `folder`: files and folders, without what differs from run to run by design: times and inodes, reports, a
    /// batch's own account.
    private static func paths(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).filter { path in
            !path.contains("/tensorboard") && !path.hasSuffix("report.html") && !path.hasSuffix("run.json")
                && !path.hasSuffix(".opah-made.jsonl")
                && (!path.hasPrefix("all/") || path.contains("/out/") || path.contains(".tmp")
                    || path.hasSuffix(".lock"))
        }
    }

    /// Content by path; folders have none.
    static func files(_ folder: String) -> [String: Data] {
        var result: [String: Data] = [:]
        for path in paths(folder) {
            var content = FileManager.default.contents(atPath: folder + "/" + path) ?? Data()
            if path.hasSuffix("metrics.jsonl") { content = withoutTimes(content) }
            if path.hasSuffix(".ogg") { content = withoutSerialNumbers(content) }
            result[path] = content
        }
        return result
    }

    /// The complete lines; the last one may have been cut short with the run.
    private static func withoutTimes(_ content: Data) -> Data {
        guard let end = content.lastIndex(of: UInt8(ascii: "\n")) else { return Data() }
        let times = #/"[a-z_]*(seconds|time|memory|peak)[a-z_]*": *[^,}]*/#
        return Data(String(decoding: content[...end], as: UTF8.self).replacing(times, with: "").utf8)
    }

    /// The stream of an Ogg file has a chance number, in every page's header, which its checksum covers.
    private static func withoutSerialNumbers(_ content: Data) -> Data {
        var bytes = [UInt8](content)
        var page = 0
        while page + 27 <= bytes.count, bytes[page ..< page + 4].elementsEqual("OggS".utf8),
            page + 27 + Int(bytes[page + 26]) <= bytes.count
        {
            for place in [14 ..< 18, 22 ..< 26] { for offset in place { bytes[page + offset] = 0 } }
            let segments = Int(bytes[page + 26])
            page += 27 + segments + bytes[page + 27 ..< page + 27 + segments].reduce(0) { $0 + Int($1) }
        }
        return Data(bytes)
    }

    /// What is wrong after a run that was disturbed: files under a final name that are neither as they were nor
    /// as they should be, and files that do not belong.
    func damage(_ folder: TestFolder) throws -> [String] {
        let expected = try reference().files
        let before = Self.files(try Self.prepared.get().path)
        return Self.files(folder.path).sorted { $0.key < $1.key }.compactMap { path, content in
            guard let wanted = expected[path] else { return "\(path) does not belong here" }
            // Training's account of its steps grows line by line.
            let grows = path.hasSuffix("metrics.jsonl") && wanted.starts(with: content)
            // Packs are declared unfinished before they are begun.
            let isUnfinished =
                path.hasSuffix("packs.json") && content.range(of: Data("\"complete\": false".utf8)) != nil
            return content == wanted || content == before[path] || grows || isUnfinished
                ? nil : "\(path) has other bytes (\(content.count) of \(wanted.count))"
        }
    }

    /// How the results of a run that says that all went well differ from what they should be.
    func difference(_ folder: TestFolder) throws -> [String] {
        let expected = try reference().files
        let found = Self.files(folder.path)
        return Set(expected.keys).union(found.keys).sorted().filter { expected[$0] != found[$0] }
            .map {
                found[$0] == nil
                    ? "\($0) is missing" : expected[$0] == nil ? "\($0) does not belong here" : "\($0) has other bytes"
            }
    }
}

/// A value that threads share.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value
    init(_ value: Value) { self.value = value }
    func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R { try lock.withLock { try body(&value) } }
}
