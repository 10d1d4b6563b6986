import ArgumentParser
import Console
import Distributed
import Foundation
import Installation
import Supervision
import Support
import Tensors

/// Starts one command as several processes that train or work together, with the launcher that is there.
struct Launch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a recipe or Lua file as several processes that work together, on one machine or several.",
        discussion: """
            opah launch -n 2 -- run train project=my_voice ...
            opah launch --hosts a,b,c -- run train project=my_voice ...

            Needs Open MPI (openmpi-bin) or MPICH (mpich), on all hosts, which are reached through ssh; program, models and packs have the same paths everywhere. \
            One process per host is best: it uses all processors that it may. On one machine the processors are divided among the processes. \
            Ctrl-C ends the step, saves, and gives exit code 130.

            How far several machines carry: opah run scaling, or opah run train --dry-run --hosts N ...
            """)
    @Option(name: .customShort("n"), help: "How many processes. (default: one per host)") var count: Int?
    @Option(help: ArgumentHelp("The machines, this one included if it is to take part.", valueName: "a,b,..."))
    var hosts: String?
    @Flag(help: "Print the command that would run, and stop.") var dryRun = false
    @Argument(help: "Behind --: the words after `opah` of the command.") var command: [String]

    mutating func validate() throws {
        if let count, count < 1 { throw ValidationError("-n must be above 0") }
        if count == nil, hosts == nil { throw ValidationError("say -n N or --hosts a,b") }
        if let hosts,
            hosts.split(separator: ",", omittingEmptySubsequences: false).contains(where: {
                $0.isEmpty || $0.hasPrefix("-") || $0.contains(where: \.isWhitespace)
            })
        {
            throw ValidationError("--hosts \(hosts): names with commas between them are wanted")
        }
    }

    mutating func run() throws {
        // What each of them would say, said once.
        if PlainLua(command) == nil { try CommandName.check(command) }
        if command.first == "run", let recipe = command.dropFirst().first(where: { !$0.hasPrefix("-") }) {
            _ = try RecipeIndex.path(recipe)
        }
        let launcher = try MPILauncher.found()
        let names = hosts?.split(separator: ",").map(String.init) ?? []
        let words = launcher.words(
            program: FileKind.resolved("/proc/self/exe"), command: command, count: count ?? names.count, hosts: names)
        if dryRun {
            return Terminal.show(words.map { $0.hasPrefix("-") ? $0 : ShellText.quoted($0) }.joined(separator: " "))
        }
        var variables: [String: String] = [:]
        if names.isEmpty, Launcher.variable("OPAH_THREADS") == nil {
            variables["OPAH_THREADS"] = String(max(1, Parallel.threadCount / (count ?? 1)))
        }
        throw ExitCode(try Self.supervise(words, variables))
    }

    /// Ctrl-C and its like reach all processes as SIGUSR1, which launchers pass on and wait for; a third one kills. When
    /// this one is killed outright, so is the launcher, which ends what it started.
    private static func supervise(_ words: [String], _ variables: [String: String]) throws -> Int32 {
        let signals = StopSignals()
        defer { signals.restore() }
        // A terminal that is gone must not end this before the others know.
        signal(SIGPIPE, SIG_IGN)
        let bound = try? ChildProcess(["setpriv", "--pdeathsig", "TERM", "true"]).wait(timeout: 5)
        let child = try ChildProcess(
            (bound?.code == 0 ? ["setpriv", "--pdeathsig", "TERM"] : []) + words, environment: variables,
            output: .inherited, errors: .inherited)
        var told = 0
        while true {
            if let end = child.poll() { return told > 0 && end.code != 0 && end.code != 3 ? 130 : end.code }
            if signals.count > told {
                told = signals.count
                switch told {
                case 1:
                    _ = Glibc.kill(child.identifier, SIGUSR1)
                    Terminal.log("asking all processes to finish their step and save")
                case 2: _ = Glibc.kill(child.identifier, SIGTERM)
                default: child.kill()
                }
            }
            usleep(20_000)
        }
    }
}

/// The program that starts processes: Open MPI's mpirun, or MPICH's mpiexec. Their options share almost nothing.
struct MPILauncher {
    let family: Launcher.Family
    let program: String

    /// Open MPI's first, under whatever name; a plain mpirun may be either's.
    static func found() throws -> MPILauncher {
        for name in ["mpirun.openmpi", "mpirun", "mpiexec.hydra", "mpirun.mpich"] {
            guard let child = try? ChildProcess([name, "--version"]), (try? child.wait(timeout: 20))?.code == 0 else {
                continue
            }
            let said = child.output()
            if said.contains("Open MPI") || said.contains("OpenRTE") {
                return MPILauncher(family: .openMPI, program: name)
            }
            if said.contains("HYDRA") || said.contains("Intel(R) MPI") {
                return MPILauncher(family: .mpich, program: name)
            }
        }
        throw OpahError(
            .usage, "there is no mpirun on this machine",
            hint:
                "apt-get install openmpi-bin (or mpich); on a cluster: module load openmpi, or srun --mpi=pmix -K1 opah ..."
        )
    }

    /// Variables that all processes are to have.
    private static let passed = [
        "OPAH_THREADS", "OPAH_HOME", "OPAH_CACHE", "OPAH_DIST_TIMEOUT", "OPAH_MEMORY_LIMIT", "OPAH_DISK_LIMIT",
        "LD_LIBRARY_PATH"
    ]

    func words(
        program opah: String, command: [String], count: Int, hosts: [String],
        variable: (String) -> String? = Launcher.variable,
        isRoot: Bool = geteuid() == 0, folder: String = FileManager.default.currentDirectoryPath
    ) -> [String] {
        var words = [program]
        let shares = !hosts.isEmpty && count > hosts.count
        switch family {
        case .openMPI:
            if isRoot { words.append("--allow-run-as-root") }
            words += ["-n", String(count), "--bind-to", "none"]
            if hosts.isEmpty {
                words.append("--oversubscribe")
            } else {
                let each = (count + hosts.count - 1) / hosts.count
                words += [
                    "--host", hosts.map { "\($0):\(each)" }.joined(separator: ","), "--map-by",
                    shares ? "slot" : "ppr:1:node", "--wdir", folder
                ]
                for name in Self.passed where variable(name) != nil { words += ["-x", name] }
            }
        case .mpich:
            words += ["-n", String(count)]
            if !hosts.isEmpty {
                words += [
                    "-hosts", hosts.joined(separator: ","), "-ppn", String((count + hosts.count - 1) / hosts.count),
                    "-wdir", folder
                ]
                let names = Self.passed.filter { variable($0) != nil }
                if !names.isEmpty { words += ["-genvlist", names.joined(separator: ",")] }
            }
        }
        return words + [opah] + command
    }
}
