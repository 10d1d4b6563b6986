import Foundation
import Support

/// Memory of a process and of the machine, in bytes, as the kernel counts it.
public struct ProcessMemory: Sendable, Equatable {
    /// What the process holds now, and the most it held since its start or the last `resetPeak()`.
    public var resident = 0, peak = 0

    /// - Parameter process: an identifier, or `self`. Zeros when it is no more.
    public static func of(_ process: String) -> ProcessMemory {
        let fields = table("/proc/\(process)/status")
        return ProcessMemory(resident: fields["VmRSS"] ?? 0, peak: fields["VmHWM"] ?? 0)
    }

    /// The peak of this process starts again from what it holds now. False where the kernel cannot do that.
    @discardableResult
    public static func resetPeak() -> Bool {
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return write(descriptor, "5", 1) == 1
    }

    /// The machine's memory, and how much of it programs could still have without others being pushed out.
    public static func machine() -> (total: Int, available: Int) {
        let fields = table("/proc/meminfo")
        let total = fields["MemTotal"] ?? Int(ProcessInfo.processInfo.physicalMemory)
        return (total, fields["MemAvailable"] ?? total)
    }

    /// Lines of `Name:  12345 kB`, in bytes.
    private static func table(_ path: String) -> [String: Int] {
        guard let file = fopen(path, "re") else { return [:] }
        defer { fclose(file) }
        var fields: [String: Int] = [:], line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace)
            guard words.count == 3, words[0].hasSuffix(":"), let count = Int(words[1]) else { continue }
            fields[String(words[0].dropLast())] = count * 1024
        }
        return fields
    }
}
