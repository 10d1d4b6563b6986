import CMPI
import Glibc
import Support

/// The processes that run the same program on one or several machines, and this one among them.
///
/// Every process makes the same calls in the same order; each call ends when all have made it. Only the interpreter's
/// thread may. Numbers come out the same everywhere: whatever is added up is added in the order of ranks or of pieces.
public final class Ranks: @unchecked Sendable {
    /// Those that this process works with; nil when it is alone, or does something alone for all (`first`).
    public static var shared: Ranks? { alone > 0 ? nil : joined }
    /// Those that it has joined, whatever it does now.
    nonisolated(unsafe) public private(set) static var joined: Ranks?   // set once, before anything runs
    /// How many calls of `first` are around what runs now.
    nonisolated(unsafe) static var alone = 0   // only the interpreter's thread counts

    /// Whether this process writes and speaks for all: alone, or the first.
    public static var isFirst: Bool { joined.map { $0.rank == 0 } ?? true }

    /// Of this process, from 0, and how many there are.
    public let rank: Int, size: Int
    /// Where each of them runs.
    public private(set) var hosts: [String] = []
    /// How many of them run on this machine.
    public var localSize: Int { hosts.count { $0 == hosts[rank] } }
    /// The library's own name and version.
    public let library: String

    /// Seconds to wait for another process before it counts as lost: `OPAH_DIST_TIMEOUT`.
    public let patience: Double
    public static let usualPatience = 1800.0

    /// What has been noticed of the others; set in `Waiting` and `Ending`.
    var isBroken = false, hasMet = false
    /// The exit code that speaks for all, once all have come to their ends.
    var worst: Int32 = 0
    /// The message of the error that all have agreed on.
    var agreed: String?

    /// Joins the others where a launcher's variables say that there are some; else does nothing and opens nothing.
    /// - Throws: kind `usage` when the launcher and the library do not belong together.
    public static func start() throws {
        guard joined == nil, let launcher = Launcher() else { return }
        let patience = try readPatience()
        guard try open(launcher) else { return }
        guard cmpi_start() == 0 else {
            throw OpahError(.usage, "MPI could not be started", hint: "see its own message above")
        }
        let size = Int(cmpi_size())
        if let count = launcher.count, count != size {
            throw OpahError(
                .usage,
                "the launcher started \(count) processes and the MPI library (\(version())) knows of \(size): they are of different MPIs, or do not understand each other",
                hint: launcher.family == .openMPI
                    ? "start it with Open MPI's mpirun, or with srun --mpi=pmix"
                    : "start it with mpiexec.hydra of the MPICH that is installed, or with srun --mpi=pmi2")
        }
        let ranks = Ranks(rank: Int(cmpi_rank()), size: size, library: version(), patience: patience)
        ranks.hosts = try ranks.gather(Array(FolderLock.hostName.utf8)).map { String(decoding: $0, as: UTF8.self) }
        joined = ranks
        // Programs that this one starts must not join in its place.
        for name in Launcher.ownVariables() { unsetenv(name) }
    }

    private init(rank: Int, size: Int, library: String, patience: Double) {
        (self.rank, self.size, self.library, self.patience) = (rank, size, library, patience)
    }

    private static func readPatience() throws -> Double {
        guard let text = Launcher.variable("OPAH_DIST_TIMEOUT"), !text.isEmpty else { return usualPatience }
        guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
            throw OpahError(.usage, "OPAH_DIST_TIMEOUT=\(text): seconds above 0 are wanted")
        }
        return seconds
    }

    /// Whether the launcher's library is there. A single process does without it.
    private static func open(_ launcher: Launcher) throws -> Bool {
        var problems: [String] = []
        for name in launcher.libraries {
            var problem = [CChar](repeating: 0, count: 512)
            let family = launcher.family == .openMPI ? MPI_FAMILY_OPENMPI : MPI_FAMILY_MPICH
            if cmpi_open(name, Int32(family), &problem, problem.count) == 0 { return true }
            problems.append(text(problem))
        }
        if launcher.count == 1 { return false }
        throw OpahError(
            .usage,
            "started as one of several processes, and their MPI library cannot be opened: "
                + problems.joined(separator: "; "),
            hint: "apt-get install \(launcher.package), or put the folder of the cluster's library in LD_LIBRARY_PATH")
    }

    private static func version() -> String {
        var bytes = [CChar](repeating: 0, count: 200)
        cmpi_version(&bytes, bytes.count)
        // Open MPI: `Open MPI v4.1.4, package: ...`; MPICH: `MPICH Version:\t4.0.2\n...`.
        return text(bytes).split(whereSeparator: { $0 == "," || $0 == "\n" }).first.map {
            $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        } ?? "MPI"
    }

    private static func text(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether another process is lost: nothing can be done together any more.
    public var isLost: Bool { isBroken }

    /// `rank 2 of 3 on box`, counted from 1 as Lua does.
    public func name(_ rank: Int) -> String {
        "rank \(rank + 1) of \(size)" + (hosts.indices.contains(rank) ? " on \(hosts[rank])" : "")
    }

    /// `a`, or `a (2), b`: the machines, with the number of ranks where there are several on one.
    public var machines: String {
        var order: [String] = [], count: [String: Int] = [:]
        for host in hosts {
            if count[host] == nil { order.append(host) }
            count[host, default: 0] += 1
        }
        return order.map { count[$0]! > 1 ? "\($0) (\(count[$0]!))" : $0 }.joined(separator: ", ")
    }
}
