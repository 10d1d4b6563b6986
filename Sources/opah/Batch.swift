import ArgumentParser
import Console
import Distributed
import Foundation
import Pictures
import Supervision
import Support

struct Batch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run several recipes, each in a process of its own, and report on all of them.",
        discussion: """
            A folder means the .lua and .batch files directly in it; a header line `-- batch: no` leaves a file out. A .batch file lists runs, one per line:

              vary rank = 4 8 16
              rank{rank}: {here}/tune.lua --rank {rank} --output {out}

            Each run keeps its log, record, events and state in OUTPUT/NAME, and writes to OUTPUT/NAME/out ({out}, OPAH_OUT): options of type \
            output mean this folder unless given. The working directory is the caller's, so relative inputs are found.
            Started again with the same --output, a batch runs only what has not finished, or what has changed: the recipe, the Lua files that it \
            loaded, its arguments, the program, and its inputs (options of type file and folder, and arguments that name files).
            Exit codes: 0 all done; 1 some failed; 3 all done, some skipped inputs; 130 interrupted.
            """)
    @Argument(
        help:
            "Stock recipes, Lua files, .batch lists, folders of them, or patterns. What stands behind -- is given to every recipe."
    ) var inputs: [String]
    @Option(name: .shortAndLong, help: "How many at a time.") var jobs = 1
    @Option(help: "Seconds after which a recipe is stopped.") var timeout: Double?
    @Option(help: "Seconds that a recipe has to save its state when it is stopped.") var grace = 30.0
    @Option(
        help: ArgumentHelp(
            "What a recipe may hold in memory, as in 4GB. (default: its share of three quarters of what is free)",
            valueName: "size")) var memory: String?
    @Option(
        help: ArgumentHelp(
            "What a recipe may write to its folder, and as much elsewhere, as in 10GB. (default: its share of half of what is free)",
            valueName: "size")) var disk: String?
    @Option(
        help: ArgumentHelp(
            "What must stay free on the disk; below it, the recipe that writes most is stopped. (default: a tenth of what is free, 5GB at most)",
            valueName: "size")) var keepFree: String?
    @Option(help: "How often a recipe that fails is tried again.") var retry = 0
    @Flag(inversion: .prefixedNo, help: "Begin others after one has failed.") var keepGoing = true
    @Option(
        help: ArgumentHelp(
            "Run each recipe with each of these values. May be given several times: all combinations are run.",
            valueName: "name=a,b,...")) var vary: [String] = []
    @Option(name: .shortAndLong, help: "The folder for everything that is written.") var output = "out/batch"
    @Option(
        help: ArgumentHelp(
            "Run part K of N of the list only, each Nth recipe from the Kth on: for the tasks of a job array, which may share OUTPUT.",
            valueName: "K/N")) var only: String?
    @Flag(help: "Run also what is finished and unchanged.") var fresh = false
    @Flag(help: "List what would run, and stop.") var dryRun = false
    @Option(help: "Write the report also to this file: JSON, or HTML when it ends in .html.") var report: String?
    @Flag(help: "Only the last line.") var quiet = false
    @Flag(help: "One JSON line per event.") var json = false

    /// What stands behind `--`. It is taken off before the line is parsed: two lists of positionals are more than
    /// ArgumentParser allows.
    nonisolated(unsafe) static var arguments: [String] = []

    /// The words before `--`; those behind it are kept.
    static func keepingArguments(_ words: [String]) -> [String] {
        guard words.first == "batch", let end = words.firstIndex(of: "--") else { return words }
        arguments = Array(words[(end + 1)...])
        return Array(words[..<end])
    }

    mutating func validate() throws {
        func check(_ good: Bool, _ problem: String) throws { if !good { throw ValidationError(problem) } }
        try check(jobs > 0, "--jobs must be above 0")
        try check(timeout.map { $0 > 0 && $0.isFinite } ?? true, "--timeout must be above 0")
        try check(grace >= 0 && grace.isFinite, "--grace must not be below 0")
        try check(
            only.map { Shard($0) != nil } ?? true,
            "--only \(only ?? ""): write K/N, as in 3/16 for the third of sixteen parts")
        try check(retry >= 0, "--retry must not be below 0")
        for (name, size) in [("memory", memory), ("disk", disk), ("keep-free", keepFree)] {
            try check(
                size.map { ByteCount.parse($0) ?? 0 > 0 } ?? true,
                "--\(name) \(size ?? ""): write a size as in 4GB or 512MiB")
        }
    }

    mutating func run() throws {
        Terminal.style = json ? .json : quiet ? .quiet : .text
        let list = try BatchList(inputs, variations: vary, arguments: Self.arguments)
        guard !list.items.isEmpty else { throw OpahError(.usage, "no recipes in \(inputs.joined(separator: ", "))") }
        let part = only.flatMap { Shard($0) }
        let items = list.items.enumerated().filter { place, _ in part.map { place % $0.count == $0.index } ?? true }
            .map(\.element)
        guard !items.isEmpty else { return Terminal.warn("part \(only ?? "") of \(list.items.count) recipes is empty") }
        if dryRun {
            for item in items { Terminal.show("\(item.name)\topah run \(item.command)") }
            for item in list.leftOut {
                Terminal.log("left out: \(item.path)" + (item.reason.isEmpty ? "" : ": \(item.reason)"))
            }
            return
        }
        let name = part.map { "report-\($0.index + 1)-of-\($0.count)" } ?? "report", own = PathName.join(output, name)
        let reports = [own + ".json", own + ".html"] + (report.map { [$0] } ?? [])
        try BatchReport.require(reports, items: items, inputs: inputs)
        try FileKind.makeFolder(output)
        var settings = BatchRun.Settings(limits: .init(jobs: min(jobs, items.count), output: output))
        (settings.jobs, settings.retries, settings.keepGoing, settings.fresh) = (jobs, retry, keepGoing, fresh)
        settings.part = part.map { "\($0.index + 1)-of-\($0.count)" }
        (settings.limits.timeout, settings.limits.grace) = (timeout, grace)
        if let memory = memory.flatMap(ByteCount.parse) { settings.limits.memory = memory }
        if let disk = disk.flatMap(ByteCount.parse) { settings.limits.disk = disk }
        settings.limits.keepFree = keepFree.flatMap(ByteCount.parse)

        let began = Date(), screen = BatchScreen(total: items.count)
        let batch = try BatchRun(
            program: FileKind.resolved("/proc/self/exe"), items: items, output: output, settings: settings)
        defer { screen.end() }
        let outcomes = try batch.run { screen.show($0) }
        screen.end()
        let result = BatchReport(items, outcomes, output: FileKind.resolved(output), began: began)
        try AtomicFile.write(own + ".json", result.json)
        try AtomicFile.write(own + ".html", result.html(in: output))
        if let report {
            try AtomicFile.write(
                report, report.hasSuffix(".html") ? result.html(in: PathName.folder(report)) : result.json)
        }
        Terminal.log("report: " + own + ".html")
        Terminal.warn(result.summary)
        throw ExitCode(result.exitCode)
    }
}
