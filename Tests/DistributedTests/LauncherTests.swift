import XCTest
import Distributed

final class LauncherTests: XCTestCase {
    private func launcher(_ variables: [String: String]) -> Launcher? { Launcher { variables[$0] } }

    func testTheLauncherTellsTheLibrary() {
        XCTAssertNil(launcher([:]))
        XCTAssertEqual(launcher(["OMPI_COMM_WORLD_SIZE": "3", "PMIX_RANK": "1"]), Launcher(family: .openMPI, count: 3))
        XCTAssertEqual(
            launcher(["PMIX_RANK": "1", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"]),
            Launcher(family: .openMPI, count: 4))
        XCTAssertEqual(launcher(["PMI_RANK": "0", "PMI_SIZE": "2"]), Launcher(family: .mpich, count: 2))
        XCTAssertEqual(Launcher(family: .openMPI, count: 1).libraries, ["libmpi.so.40"])
    }

    /// A batch script knows how many tasks its job may have, and is alone all the same.
    func testABatchScriptIsAlone() {
        let script = ["SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "12"]
        XCTAssertNil(launcher(script))
        XCTAssertEqual(Shard.ofThisProcess { script[$0] }, Shard(index: 0, count: 1))
        let step = script.merging(["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"]) { $1 }
        XCTAssertEqual(Shard.ofThisProcess { step[$0] }, Shard(index: 5, count: 8))
        // The step of a shell that somebody works in.
        XCTAssertEqual(
            Shard.ofThisProcess { ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"][$0] },
            Shard(index: 0, count: 1))
    }

    func testChildrenDoNotJoinInAPlaceOfTheirParent() {
        for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_FD", "SLURM_STEP_ID", "SLURM_PROCID"] {
            XCTAssertTrue(Launcher.isOwn(name), name)
        }
        for name in ["PATH", "OPAH_THREADS", "SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID"] {
            XCTAssertFalse(Launcher.isOwn(name), name)
        }
    }

    func testWithoutALauncherNothingIsOpened() throws {
        try Ranks.start()
        XCTAssertNil(Ranks.shared)
        XCTAssertTrue(Ranks.isFirst)
        let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        XCTAssertFalse(maps.contains("libmpi"))
    }
}
