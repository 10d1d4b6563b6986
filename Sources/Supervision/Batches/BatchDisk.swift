import Foundation
import Support

/// What a batch can know, without special rights, about disks that its recipes write to elsewhere than in their
/// folders.
///
/// A recipe's own folder, its temporary files included, is measured. Elsewhere nobody can tell whose a file is, but two
/// things can be told: how much a recipe's processes have written in all (`/proc/PID/io`), and how much room has gone
/// on a file system beyond what the folders of all recipes took. A recipe is over its limit when both exceed it. And
/// when a file system runs low whatever the reason, the recipe that is writing most is stopped, before every program on
/// the machine fails.
struct BatchDisk {
    struct Place {
        /// A folder on it, for messages.
        let path: String
        /// What must stay free.
        var floor: Int
        let holdsOutput: Bool
    }

    private(set) var places: [Place] = []

    /// - Parameter keepFree: what must stay free where the output is; elsewhere at most a tenth of what is free now.
    init(output: String, keepFree: Int?) {
        var devices: Set<UInt64> = []
        let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let candidates = [
            output, FileManager.default.currentDirectoryPath, temporary, "/tmp", "/dev/shm", NSHomeDirectory()
        ]
        for (index, path) in candidates.enumerated() {
            var info = stat()
            guard stat(path, &info) == 0, access(path, W_OK) == 0, devices.insert(UInt64(info.st_dev)).inserted,
                let free = try? DiskSpace.free(at: path)
            else { continue }
            let share = Self.usualFloor(free: free)
            places.append(
                Place(
                    path: path, floor: index == 0 ? keepFree ?? share : min(keepFree ?? share, free / 10),
                    holdsOutput: index == 0))
        }
    }

    /// A tenth of what is free, 5 GB at most.
    static func usualFloor(free: Int) -> Int { min(free / 10, 5_000_000_000) }

    /// Bytes that are free at each place.
    func free() -> [Int] { places.map { (try? DiskSpace.free(at: $0.path)) ?? .max } }

    /// The first place that has less than it must, and how much that is.
    func low(_ free: [Int]) -> Int? { places.indices.first { free[$0] < places[$0].floor } }

    /// What was written is not given back: the others go on until half of what is left is gone too.
    mutating func lowerFloor(of place: Int, free: Int) { places[place].floor = min(places[place].floor, free / 2) }
}

/// How a recipe stood when it began, for telling later what has gone since.
struct BatchDiskStart {
    let free: [Int], taken: Int

    /// How much room has gone on each place that no recipe's folder took meanwhile.
    /// - Parameter taken: by the folders of all recipes, now.
    func gone(_ disk: BatchDisk, free now: [Int], taken: Int) -> [Int] {
        disk.places.indices.map { free[$0] - now[$0] - (disk.places[$0].holdsOutput ? taken - self.taken : 0) }
    }
}
