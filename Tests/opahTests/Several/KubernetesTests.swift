import Foundation
import TestSupport
import XCTest
import Yams

/// The manifests of `examples/several-machines`: their form, and what their containers run, run here.
final class KubernetesTests: XCTestCase {
    private typealias Map = [String: Any]

    private func manifest(_ name: String) throws -> Map {
        let path = OpahProcess.checkout + "/examples/several-machines/" + name
        return try XCTUnwrap(try Yams.load(yaml: String(contentsOfFile: path, encoding: .utf8)) as? Map, name)
    }

    /// What is at `keys`, one below the other.
    private func value<T>(_ map: Map, _ keys: String..., as type: T.Type = T.self) throws -> T {
        var found: Any? = map
        for key in keys { found = (found as? Map)?[key] }
        return try XCTUnwrap(found as? T, keys.joined(separator: "."))
    }

    private func container(_ pod: Map) throws -> Map {
        let all: [Map] = try value(pod, "spec", "containers")
        XCTAssertEqual(all.count, 1)
        let volumes: [Map] = try value(pod, "spec", "volumes"), mounts: [Map] = try value(all[0], "volumeMounts")
        let claimed = Set(volumes.compactMap { $0["name"] as? String })
        XCTAssertTrue(mounts.allSatisfy { claimed.contains($0["name"] as? String ?? "") }, "a mount without its volume")
        return all[0]
    }

    func testEveryPodOfTheJobExtractsItsPart() throws {
        let job = try manifest("extract-job.yaml")
        XCTAssertEqual(job["apiVersion"] as? String, "batch/v1")
        XCTAssertEqual(job["kind"] as? String, "Job")
        XCTAssertEqual(try value(job, "spec", "completionMode"), "Indexed")
        let count: Int = try value(job, "spec", "completions"), pod: Map = try value(job, "spec", "template")
        XCTAssertEqual(try value(job, "spec", "parallelism"), count)
        XCTAssertEqual(try value(pod, "spec", "restartPolicy"), "Never", "rules for failed pods ask for that")
        let container = try container(pod), lines: [String] = try value(container, "args")
        XCTAssertEqual(try value(container, "command"), ["sh", "-c"])
        XCTAssertTrue(lines[0].contains("/\(count)\""), "parts are as many as pods: \(lines[0])")

        let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny", folder = try TestFolder("job")
        let line = lines[0].replacing("/corpus", with: "corpus").replacing(
            "/models/firefly.pth", with: "\(tiny)/codec.pth --config-name \(tiny)/codec.lua")
        try FileManager.default.copyItem(
            atPath: OpahProcess.checkout + "/examples/data", toPath: folder("corpus"))
        // A clip that cannot be used: the part that has it ends with 3, its pod with 0.
        try Data("no sound".utf8).write(to: URL(fileURLWithPath: folder("corpus/Alice/broken.wav")))
        let said = try Shell.run(
            """
            export OPAH_THREADS=1
            for index in $(seq 0 \(count - 1)); do
                (export JOB_COMPLETION_INDEX=$index; \(line)) || echo "pod $index: $?"
            done
            """, folder: folder)
        XCTAssertEqual(said.code, 0, said.text)
        XCTAssertFalse(said.text.contains("pod "), said.text)
        XCTAssertTrue(said.text.contains("broken"), said.text)
        let made = FileManager.default.enumerator(atPath: folder("corpus"))!.compactMap { $0 as? String }
        XCTAssertEqual(made.filter { $0.hasSuffix(".npy") }.count, 14)
        let wrong = try Shell.run("export JOB_COMPLETION_INDEX=\(count); \(line)", folder: folder)
        XCTAssertEqual(wrong.code, 2, "what ends the job at once: \(wrong.text)")
    }

    func testTheTrainingJobStartsAsManyProcessesAsPods() throws {
        let job = try manifest("train-mpijob.yaml")
        XCTAssertEqual(job["apiVersion"] as? String, "kubeflow.org/v2beta1")
        XCTAssertEqual(job["kind"] as? String, "MPIJob")
        let roles: Map = try value(job, "spec", "mpiReplicaSpecs")
        XCTAssertEqual(try value(roles, "Launcher", "replicas"), 1)
        let workers: Int = try value(roles, "Worker", "replicas"), slots: Int = try value(job, "spec", "slotsPerWorker")
        let launcher = try container(value(roles, "Launcher", "template"))
        let worker = try container(value(roles, "Worker", "template"))
        XCTAssertEqual(launcher["image"] as? String, worker["image"] as? String)
        XCTAssertEqual(try value(launcher, "command"), ["mpirun"])
        let words: [String] = try value(launcher, "args"), place = try XCTUnwrap(words.firstIndex(of: "opah"))
        XCTAssertEqual(words[try XCTUnwrap(words.firstIndex(of: "-n")) + 1], "\(workers * slots)")

        // The same words start processes here; of the run only its plan.
        let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny", folder = try TestFolder("mpijob")
        let quoted = words[(place + 1)...].map { "'\($0)'" }.joined(separator: " ")
        let said = try Shell.run(
            """
            cp -r \(OpahProcess.checkout)/examples/data data
            opah run extract-vq data --config-name \(tiny)/codec.lua --checkpoint-path \(tiny)/codec.pth
            opah run build-dataset --input data --output data/protos --text-extension .lab
            opah launch -n 2 -- \(quoted) --dry-run pretrained_ckpt_path=\(tiny) max_length=512 trainer.max_steps=1
            """, folder: folder)
        XCTAssertEqual(said.code, 0, said.text)
        let stop: [String] = try value(launcher, "lifecycle", "preStop", "exec", "command")
        XCTAssertTrue(stop.last?.contains("kill -USR1 1") == true, "mpirun is process 1 of its container")
    }
}
