import Glibc
import Support

/// The instructions that the kernels were compiled with, against those of this machine.
public enum InstructionSet {
    /// What is missing, in words; nil when everything is there, or when it cannot be told.
    public static func missing() -> String? {
        #if arch(x86_64)
        let flags = processorFlags()
        guard !flags.isEmpty else { return nil }
        let absent = ["avx2", "fma", "bmi2", "f16c"].filter { !flags.contains($0) }
        return builtForAVX2 && !absent.isEmpty ? absent.joined(separator: ", ") : nil
        #else
        return nil
        #endif
    }

    #if OPAH_X86_64_V3
    private static let builtForAVX2 = true
    #else
    private static let builtForAVX2 = false
    #endif

    /// What the kernels were compiled for.
    public static var name: String {
        #if arch(x86_64)
        builtForAVX2 ? "x86-64-v3" : "x86-64"
        #elseif arch(arm64)
        "arm64"
        #else
        "other"
        #endif
    }

    /// The processor's name, as its maker gave it.
    public static func processorName() -> String {
        let line = processorLine("model name") ?? processorLine("Hardware")
        return line?.split(separator: ":", maxSplits: 1).last.map { $0.trimmed } ?? "unknown"
    }

    /// The words of the first "flags" line.
    private static func processorFlags() -> Set<Substring> {
        Set(processorLine("flags")?.split { $0 == " " || $0 == "\t" || $0 == "\n" } ?? [])
    }

    /// The first line of /proc/cpuinfo, which is no regular file of a known size, that begins with a word.
    private static func processorLine(_ word: String) -> String? {
        guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 8192)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix(word) { return text }
        }
        return nil
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
