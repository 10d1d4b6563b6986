import Foundation
import FuzzReaders

/// libFuzzer's own entry, of the library without a `main`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

nonisolated(unsafe) private var reader: FuzzReader?

/// libFuzzer in front of the readers. Its own flags begin with one dash, those of this program with two:
///
///     opah-fuzz --list                                 the readers and the longest inputs worth trying
///     opah-fuzz --format=npy --seeds=FOLDER            writes good files there, and words to FOLDER.dict
///     opah-fuzz --format=npy -runs=1000 FOLDER...      fuzzes one reader, beginning with the files of the folders
@main
enum Fuzz {
    static func main() {
        func option(_ name: String) -> String? {
            CommandLine.arguments.first { $0.hasPrefix("--\(name)=") }.map { String($0.dropFirst(name.count + 3)) }
        }
        if CommandLine.arguments.contains("--list") {
            for reader in FuzzReader.all { print(reader.name, reader.maxLength) }
            return
        }
        reader = option("format").flatMap(FuzzReader.named)
        guard let reader else {
            end("--format=NAME, one of \(FuzzReader.all.map(\.name).joined(separator: ", "))", code: 2)
        }
        if let folder = option("seeds") {
            do { try writeSeeds(reader, folder) } catch { end("\(error)", code: 1) }
            return
        }
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(
            runDriver(&count, &arguments) { start, count in
                FuzzProgramInput.read(start, count)
                return 0
            })
    }

    private static func end(_ message: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data("opah-fuzz: \(message)\n".utf8))
        exit(code)
    }

    private static func writeSeeds(_ reader: FuzzReader, _ folder: String) throws {
        for (index, seed) in try reader.seeds().enumerated() {
            try Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(index)"))
        }
        try dictionary(reader).write(toFile: folder + ".dict", atomically: false, encoding: .utf8)
    }

    /// In libFuzzer's form: one quoted word a line; characters below 256 stand for bytes.
    private static func dictionary(_ reader: FuzzReader) -> String {
        reader.dictionary.map { word in
            let scalars = word.unicodeScalars
            let bytes = scalars.allSatisfy { $0.value < 256 } ? scalars.map { UInt8($0.value) } : Array(word.utf8)
            let quoted = bytes.map { byte in
                (32 ..< 127).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                    ? String(UnicodeScalar(byte)) : String(format: "\\x%02X", byte)
            }
            return "\"" + quoted.joined() + "\"\n"
        }.joined()
    }
}

private enum FuzzProgramInput {
    static func read(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        reader?.read(Array(UnsafeBufferPointer(start: start, count: count)))
    }
}
