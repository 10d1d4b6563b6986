import Foundation
import LuaHost
import Supervision
import Support

/// What a recipe will take, told before it runs: what the function `plan` of `config.parse_args` returns.
///
///     plan = function(args)
///       return { seconds = 90, memory = 2.1e9, disk = 4e8, folder = args.output, lines = { "12 clips, 60 s of sound" }
///       }
///     end
///
/// It is asked by `opah check`, after options and inputs have been found right. It looks at names, sizes and
/// headers only, and may throw what the recipe would throw later.
package struct RecipePlan {
    /// How long it will take; nil when that cannot be told.
    let seconds: Double?
    /// Bytes of memory at the most, and bytes that it will add to the disk.
    let memory, disk: Double?
    /// Where it writes.
    let folder: String
    /// What the figures rest on, for people.
    let lines: [String]
    /// What to change when there is too little memory or disk.
    let memoryAdvice, diskAdvice: String?

    package init(_ table: LuaTable) throws {
        seconds = try Self.amount(table, "seconds")
        memory = try Self.amount(table, "memory")
        disk = try Self.amount(table, "disk")
        folder = try table.get("folder", as: String?.self) ?? "."
        lines = try table.get("lines", as: [String]?.self) ?? []
        memoryAdvice = try table.get("memory_advice")
        diskAdvice = try table.get("disk_advice")
    }

    private static func amount(_ table: LuaTable, _ name: String) throws -> Double? {
        guard let amount = try table.get(name, as: Double?.self) else { return nil }
        guard amount >= 0, amount.isFinite else {
            throw OpahError(.argument, "plan: \(name) is \(amount), and must be a number not below 0")
        }
        return amount
    }

    /// Prints the plan beside what there is.
    /// - Throws: kind `memory` or `file` when that is not enough.
    package func report() throws {
        for line in lines { print("  " + line) }
        if let seconds {
            print(
                "  time    " + (seconds < 1 ? "less than a second" : "about " + DurationText.words(seconds, digits: 2)))
        }
        if let memory {
            let limit = try ByteCount.limit("OPAH_MEMORY_LIMIT"),
                available = min(limit ?? Int.max, ProcessMemory.machine().available)
            let isLimited = limit == available
            print(
                "  memory  \(ByteCount.text(memory)) at its peak; \(ByteCount.text(available)) \(isLimited ? "are allowed (OPAH_MEMORY_LIMIT)" : "are available")"
            )
            guard memory <= Double(available) else {
                throw OpahError(
                    .memory,
                    "this needs \(ByteCount.text(memory)) of memory, and \(ByteCount.text(available)) \(isLimited ? "are allowed by OPAH_MEMORY_LIMIT" : "are available")",
                    hint: memoryAdvice ?? "end other programs, or run it on a machine with more memory")
            }
        }
        if let disk {
            let limit = try ByteCount.limit("OPAH_DISK_LIMIT"),
                free = min(limit ?? Int.max, try DiskSpace.free(at: folder))
            let isLimited = limit == free
            print(
                "  disk    \(ByteCount.text(disk)) in \(name: folder); \(ByteCount.text(free)) \(isLimited ? "are allowed (OPAH_DISK_LIMIT)" : "are free")"
            )
            guard disk <= Double(free) else {
                throw OpahError(
                    .file,
                    "this writes \(ByteCount.text(disk)) to \(name: folder), and \(ByteCount.text(free)) \(isLimited ? "are allowed by OPAH_DISK_LIMIT" : "are free there")",
                    hint: diskAdvice ?? "free some space, or write to another disk")
            }
        }
    }
}
