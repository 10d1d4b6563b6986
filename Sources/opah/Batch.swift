import ArgumentParser
import Foundation
import Support
import Workbench

struct Batch: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run several recipes, each in a process of its own, and report on all of them.")
    @Argument(help: "Lua files, folders of them, or patterns.") var inputs: [String]
    @Option(help: "How many at a time.") var jobs = 1
    @Option(help: "Seconds after which a recipe is stopped.") var timeout: Double?
    @Flag(help: "List what would run, and stop.") var dryRun = false
    @Option(help: "Write the outcomes as JSON to this file.") var report: String?

    mutating func run() throws {
        guard jobs > 0 else { throw OpahError(.usage, "--jobs must be above 0") }
        let files = try inputs.flatMap { try BatchRun.files($0) }
        guard !files.isEmpty else { throw OpahError(.usage, "no Lua files in \(inputs.joined(separator: ", "))") }
        if dryRun {
            files.forEach { print($0) }
            return
        }
        let outcomes = try BatchRun(program: FileKind.resolved("/proc/self/exe"), files: files, jobs: jobs, timeout: timeout).run { outcome in
            Terminal.log("\(outcome.state)\t\(String(format: "%.1f s", outcome.seconds))\t\(outcome.file)")
            if outcome.state == "failed" { Terminal.log(outcome.lastLines) }
        }
        if let report { try AtomicFile.write(report, JSON.encode(.list(outcomes.map(\.json)), indent: 2) + "\n") }
        let failed = outcomes.count { $0.code != 0 && $0.code != 3 }
        Terminal.log("\(outcomes.count - failed) of \(outcomes.count) recipes done" + (failed > 0 ? ", \(failed) failed" : ""))
        if failed > 0 { throw ExitCode(1) }
        if outcomes.contains(where: { $0.code == 3 }) { throw ExitCode(3) }
    }
}
