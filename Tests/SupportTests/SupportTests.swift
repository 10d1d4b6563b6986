import Foundation
import XCTest
import Support

final class SupportTests: XCTestCase {
    /// Whoever wrote the names: the search for neighbours ends soon.
    func testNearestNamesAreBounded() {
        let many = (0 ..< 200_000).map { "key\($0)" }, start = Date()
        XCTAssertEqual(nearestNames(to: "n_lyer", in: ["n_layer", "n_head", "dim"]), ["n_layer"])
        XCTAssertEqual(nearestNames(to: String(repeating: "x", count: 500_000), in: many), [])
        for i in 0 ..< 20 { _ = nearestNames(to: "kye\(i)", in: many) }
        XCTAssertEqual(nearestNames(to: "n_layers", in: ["n_layer"], within: 1), ["n_layer"])
        XCTAssertEqual(nearestNames(to: "norm", in: ["norm_eps"], within: 1), [])
        XCTAssertLessThan(Date().timeIntervalSince(start), 20)
    }

    func testNearestNamesFindMisspellingsAndParts() {
        let names = ["batch_size", "max_steps", "learning_rate", "seed"]
        XCTAssertEqual(nearestNames(to: "bacth_size", in: names), ["batch_size"])
        XCTAssertEqual(nearestNames(to: "rate", in: names), ["learning_rate"])
        XCTAssertEqual(nearestNames(to: "zzzzzz", in: names), [])
        XCTAssertEqual(suggestion(for: "sead", in: names), "did you mean seed?")
    }

    func testAtomicFileLeavesNothingWithoutCommit() throws {
        let folder = NSTemporaryDirectory() + "opah-atomic-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let file = try AtomicFile(folder + "/half")
            try file.write("half a file")
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), [])
        try AtomicFile.write(folder + "/whole", String(repeating: "x", count: 1_000_000))
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["whole"])
        let mapped = try MappedFile(folder + "/whole")
        XCTAssertEqual(mapped.bytes.count, 1_000_000)
        XCTAssertEqual(mapped.bytes[999_999], UInt8(ascii: "x"))
    }

    func testSystemErrorsNameThePathAndTheRemedy() {
        XCTAssertThrowsError(try MappedFile("/nonexistent/file")) { error in
            let error = error as! OpahError
            XCTAssertEqual(error.kind, .file)
            XCTAssertTrue(error.message.contains("/nonexistent/file"))
            XCTAssertNotNil(error.hint)
        }
        XCTAssertThrowsError(try MappedFile("/tmp"))
    }

    func testDigestSeesEveryByteAndItsOrder() {
        func digest(_ text: String) -> String {
            let digest = Digest()
            digest.update(text)
            return digest.finish()
        }
        XCTAssertEqual(digest("opah").count, 32)
        XCTAssertNotEqual(digest("opah"), digest("opha"))
        XCTAssertEqual(digest(""), "99aa06d3014798d86001c324468d497f")   // XXH3-128 of nothing, by its specification
    }
}
