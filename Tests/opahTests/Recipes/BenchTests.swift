import Foundation
import TestSupport
import XCTest

/// `opah run bench --quick`: that every figure is measured and written as documented. Times are never judged here.
final class BenchTests: XCTestCase {
    private static let names = [
        "lora-512", "lora-512-bf16", "lora-rows", "lua-loop", "encode", "extract-vq", "decode", "generate-float32", "generate-bf16", "generate-int8",
        "generate-4-streams", "error-bf16", "error-int8", "pack", "unpack", "start", "load", "add", "temporaries",
    ]

    private func number(_ value: Any?) throws -> Double {
        let number = try XCTUnwrap((value as? NSNumber)?.doubleValue, "\(value ?? "nil") is no number")
        XCTAssertTrue(number.isFinite)
        return number
    }

    func testEveryFigureIsMeasuredAndWritten() throws {
        let folder = try TestFolder()
        let result = try OpahProcess.run(["run", "bench", "--quick", "--repeats", "2", "--output", folder("bench.json")], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.output + result.errors)
        let report = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("bench.json")))) as? [String: Any])
        XCTAssertEqual(Set(report.keys), ["opah", "machine", "quick", "load_average", "figures", "notes"])
        XCTAssertEqual(Set((report["machine"] as? [String: Any] ?? [:]).keys), ["model", "processors", "threads", "instruction_set", "memory"])
        let figures = try XCTUnwrap(report["figures"] as? [[String: Any]])
        XCTAssertEqual(figures.map { $0["name"] as? String }, Self.names)
        for figure in figures {
            let name = figure["name"] as? String ?? ""
            let values = try XCTUnwrap(figure["values"] as? [NSNumber], name).map(\.doubleValue)
            XCTAssertFalse(values.isEmpty, name)
            let least = try number(figure["least"]), median = try number(figure["median"]), most = try number(figure["most"])
            XCTAssertTrue(least <= median && median <= most && values.allSatisfy { $0.isFinite && $0 >= 0 && $0 >= least && $0 <= most }, name)
            XCTAssertGreaterThan(try number(figure["peak"]), 1e6, name)
            XCTAssertEqual(figure["floor"] == nil, figure["fraction"] == nil, name)
            for key in ["floor", "fraction"] where figure[key] != nil { XCTAssertGreaterThan(try number(figure[key]), 0, name) }
            for when in ["before", "after"] {
                let rates = try XCTUnwrap((figure["rates"] as? [String: [String: Any]])?[when], name)
                XCTAssertEqual(Set(rates.keys), ["matrix_rate", "square_product", "layer_product", "read_bandwidth"])
                for rate in rates.values { XCTAssertGreaterThan(try number(rate), 0, name) }
            }
            // A table without names is written as an empty list.
            for (_, detail) in figure["details"] as? [String: Any] ?? [:] { _ = try number(detail) }
            XCTAssertFalse((figure["goal"] as? String ?? "").isEmpty, name)
            XCTAssertNil(figure["met"], "--quick judges nothing")
            XCTAssertTrue(result.output.contains(name))
        }
    }

    func testOneFigureAloneAndNamesThatDoNotExist() throws {
        let one = try OpahProcess.run(["run", "bench", "--quick", "--only", "add", "--output", "-"])
        let report = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any], one.errors)
        XCTAssertEqual((report["figures"] as? [[String: Any]])?.map { $0["name"] as? String }, ["add"])
        let none = try OpahProcess.run(["run", "bench", "--only", "speed"])
        XCTAssertEqual(none.code, 2)
        XCTAssertTrue(none.errors.contains("speed"), none.errors)
        XCTAssertEqual(try OpahProcess.run(["run", "bench", "--list"]).output.split(separator: "\n").count, Self.names.count)
    }
}
