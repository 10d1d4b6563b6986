import Formats
import Foundation
import Support
import Tensors
import XCTest

/// The reference numbers in Tests/Vectors, found from this file's own place in the checkout.
public enum Vectors {
    public static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Vectors").path

    public static func path(_ relative: String) -> String { folder + "/" + relative }

    public static func json(_ relative: String) throws -> Any {
        try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: path(relative))),
            options: [.fragmentsAllowed])
    }

    /// All arrays of an `.npz`. Arrays called `name#bf16` or `name_bf16_bits` hold the raw bits of
    /// bfloat16 numbers; they come back as bfloat16 tensors called `name`.
    public static func npz(_ relative: String) throws -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, tensor, _) in try Npz.read(path(relative)) {
            if let marker = ["#bf16", "_bf16_bits"].first(where: name.hasSuffix) {
                result[String(name.dropLast(marker.count))] = try bfloat16(bits: tensor)
            } else {
                result[name] = tensor
            }
        }
        return result
    }

    /// A bfloat16 tensor from its bits, which `Npz` reads as int32 because we have no uint16.
    private static func bfloat16(bits: Tensor) throws -> Tensor {
        let result = try Tensor(empty: bits.shape, .bfloat16)
        let source = bits.pointer(Int32.self), target = result.pointer(UInt16.self)
        for i in 0 ..< bits.count { target[i] = UInt16(truncatingIfNeeded: source[i]) }
        return result
    }
}

/// A folder that is empty at the start of a test and gone at its end.
public func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = NSTemporaryDirectory() + "opah-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// Fails unless both have the same length and every pair differs by at most `abs + rel * |b|`; NaN equals
/// NaN. Says where the largest excess is.
public func assertClose(
    _ a: [Float], _ b: [Float], abs: Float = 0, rel: Float = 0, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    guard a.count == b.count else {
        return XCTFail("\(what): \(a.count) values, \(b.count) expected", file: file, line: line)
    }
    var worst: (excess: Float, index: Int)?
    for i in a.indices where a[i] != b[i] && !(a[i].isNaN && b[i].isNaN) {
        let excess = Swift.abs(a[i] - b[i]) - (abs + rel * Swift.abs(b[i]))
        // Not `excess > 0`: that would let NaN pass.
        if !(excess <= 0), worst == nil || !(excess <= worst!.excess) { worst = (excess, i) }
    }
    if let worst {
        XCTFail(
            "\(what): [\(worst.index)] is \(a[worst.index]), \(b[worst.index]) expected (abs \(abs), rel \(rel))",
            file: file, line: line)
    }
}

/// The error of a call that must throw; fails the test when it does not.
@discardableResult
public func assertThrows<R>(
    _ kind: OpahError.Kind, containing text: String = "", file: StaticString = #filePath,
    line: UInt = #line, _ body: () throws -> R
) -> OpahError? {
    do {
        let value = try body()
        XCTFail("no error, but \(value)", file: file, line: line)
    } catch let error as OpahError {
        XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
        if !text.isEmpty, !error.description.contains(text) {
            XCTFail("'\(error.description)' does not say '\(text)'", file: file, line: line)
        }
        return error
    } catch {
        XCTFail("not an OpahError: \(error)", file: file, line: line)
    }
    return nil
}
