import CMPI
import Glibc
import Support

/// What started this process as one of several, as its environment tells.
///
/// | launcher | variables | library |
/// | Open MPI's mpirun | OMPI_COMM_WORLD_SIZE, OMPI_COMM_WORLD_RANK | libmpi.so.40 |
/// | srun --mpi=pmix | PMIX_RANK; SLURM_STEP_NUM_TASKS | libmpi.so.40 |
/// | MPICH's mpiexec.hydra, srun --mpi=pmi2 | PMI_RANK, PMI_SIZE | libmpich.so.12, or libmpi.so.12 |
///
/// The wrong library would make every process rank 0 of 1, and all of them would write the same files.
public struct Launcher: Equatable, Sendable {
    public enum Family: Sendable { case openMPI, mpich }

    public var family: Family
    /// Processes that it started, where it says so.
    public var count: Int?

    /// By name, with their versions: the plain names belong to packages for development.
    package var libraries: [String] {
        switch family {
        case .openMPI: ["libmpi.so.40"]
        case .mpich: ["libmpich.so.12", "libmpi.so.12"]
        }
    }

    /// The package that brings the library.
    var package: String { family == .openMPI ? "libopenmpi3" : "libmpich12" }

    package init(family: Family, count: Int?) { (self.family, self.count) = (family, count) }

    /// Nil without a launcher.
    public init?(environment value: (String) -> String? = Launcher.variable) {
        func number(_ name: String) -> Int? { value(name).flatMap { Int($0) } }
        // A batch script is told how many tasks its job has, and is not one of them: only a step's number counts.
        let tasks = value("SLURM_STEP_ID") == nil ? nil : number("SLURM_STEP_NUM_TASKS") ?? number("SLURM_NTASKS")
        if let count = number("OMPI_COMM_WORLD_SIZE") {
            self.init(family: .openMPI, count: count)
        } else if number("PMIX_RANK") != nil {
            self.init(family: .openMPI, count: tasks)
        } else if number("PMI_RANK") != nil {
            self.init(family: .mpich, count: number("PMI_SIZE") ?? tasks)
        } else {
            return nil
        }
    }

    public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Those of this process.
    static func ownVariables() -> [String] {
        var names: [String] = [], place = environ
        while let entry = place.pointee {
            let name = String(cString: entry).prefix { $0 != "=" }
            if isOwn(String(name)) { names.append(String(name)) }
            place += 1
        }
        return names
    }

    /// Whether a variable tells a process that it is one of several: a program that such a process starts must not join
    /// in its place.
    public static func isOwn(_ name: String) -> Bool {
        ["OMPI_COMM_WORLD_", "OMPI_UNIVERSE_", "PMIX_", "PMI_", "HYDI_", "SLURM_STEP"].contains { name.hasPrefix($0) }
            || ["SLURM_PROCID", "SLURM_LOCALID", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"].contains(name)
    }
}
