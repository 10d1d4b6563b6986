import Foundation
import Support
import TestSupport
import Training
import XCTest

/// What a run leaves in its folder, apart from checkpoints.
final class RunFilesTests: XCTestCase {
    func testMetricsAreCutBack() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            do {
                let log = try MetricsLog(path, keepingSteps: nil)
                for step in 1 ... 5 { try log.append(["step": .int(step), "loss": .double(1 / Double(step))]) }
            }
            // A line that a crash tore.
            let torn = try String(contentsOfFile: path, encoding: .utf8) + "{\"step\": 3, \"lo"
            try torn.write(toFile: path, atomically: true, encoding: .utf8)
            let log = try MetricsLog(path, keepingSteps: 3)
            try log.append(["step": 4, "loss": 9])
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
                try JSON.decode(String($0))
            }
            XCTAssertEqual(lines.map { $0["step"]?.int }, [1, 2, 3, 4])
            XCTAssertEqual(lines.map { $0["loss"]?.double }, [1, 0.5, 1 / 3, 9])
            _ = try MetricsLog(path, keepingSteps: nil)
            XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8), "")
        }
    }

    func testProjectNames() throws {
        try withTemporaryFolder { folder in
            for name in ["", ".", "..", "a/b", "../x", String(repeating: "x", count: 201)] {
                assertThrows(.argument) { try ProjectFolder(results: folder, project: name) }
            }
            let project = try ProjectFolder(results: folder + "/new/results", project: "わたしの声")
            XCTAssertTrue(FileKind.isFolder(folder + "/new/results/わたしの声/checkpoints"))
            XCTAssertEqual(project.checkpointPath(step: 10), project.path + "/checkpoints/step_000000010.ckpt")
        }
    }

    func testOneProcessAtATime() throws {
        try withTemporaryFolder { folder in
            var first: ProjectFolder? = try ProjectFolder(results: folder, project: "p")
            assertThrows(.file, containing: "\(folder)/p: this program is at work here already (training)") {
                try ProjectFolder(results: folder, project: "p")
            }
            XCTAssertNotNil(first)
            first = nil
            _ = try ProjectFolder(results: folder, project: "p")
        }
    }

    func testCheckpointsBySteps() throws {
        try withTemporaryFolder { folder in
            let project = try ProjectFolder(results: folder, project: "p")
            XCTAssertTrue(try project.checkpointSteps().isEmpty)
            for name in [
                "step_000000100.ckpt", "step_000000020.ckpt", "step_1000000000.ckpt", "other.ckpt", "step_x.ckpt",
                ".step_000000200.ckpt.1.tmp"
            ] {
                try Data([1]).write(to: URL(fileURLWithPath: project.checkpoints + "/" + name))
            }
            XCTAssertEqual(try project.checkpointSteps().map(\.step), [20, 100, 1_000_000_000])
        }
    }

    func testLossCheck() {
        XCTAssertNil(LossCheck.warning(base: 3.1, semantic: 3.4, vocabulary: 32000, codebookSize: 1024))
        XCTAssertNotNil(LossCheck.warning(base: 10.4, semantic: 3.4, vocabulary: 32000, codebookSize: 1024))
        XCTAssertNotNil(LossCheck.warning(base: 3, semantic: 6.9, vocabulary: 32000, codebookSize: 1024))
        XCTAssertNotNil(LossCheck.warning(base: .nan, semantic: 1, vocabulary: 32000, codebookSize: 1024))
    }
}
