import Foundation
import TestSupport

/// A script in bash, with the built program as `opah`. Both streams together.
enum Shell {
    static func run(_ script: String, folder: TestFolder) throws -> (code: Int32, text: String) {
        let log = folder("shell.log")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        // What a failed script leaves in the background would be waited for.
        process.arguments = ["-c", "exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var environment = ProcessInfo.processInfo.environment
        environment["OPAH_HOME"] = OpahProcess.checkout
        environment["PATH"] =
            OpahProcess.program.deletingLastPathComponent().path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: log)
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: log, encoding: .utf8))
    }
}
