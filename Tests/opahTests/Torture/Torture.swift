import Foundation
import XCTest

/// How long and from which seed the tests of this folder torture the program. In a plain test run each takes a small
/// sample, the same each time; `scripts/torture` sets OPAH_TORTURE_MINUTES and OPAH_TORTURE_SEED and lets them go on.
enum Torture {
    static let seed = UInt64(ProcessInfo.processInfo.environment["OPAH_TORTURE_SEED"] ?? "") ?? 1
    static let minutes = Double(ProcessInfo.processInfo.environment["OPAH_TORTURE_MINUTES"] ?? "")

    /// What keeps a test from beginning.
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// Calls `body` with 0, 1, 2, ... : `count` times, or as often as the minutes asked for allow.
    static func repeated(_ count: Int, of cases: Int = 1, _ body: (Int) throws -> Void) rethrows {
        let end = minutes.map { Date().addingTimeInterval($0 * 60 / Double(cases)) }
        var round = 0
        while end.map({ Date() < $0 }) ?? (round < count) {
            try body(round)
            round += 1
        }
    }
}
