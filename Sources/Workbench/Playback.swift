import Foundation
import Support

/// Playing sound through whatever player the machine has.
enum Playback {
    private static let players: [(name: String, arguments: [String])] = [
        ("pw-play", []), ("paplay", []), ("aplay", ["-q"]), ("afplay", []), ("ffplay", ["-nodisp", "-autoexit", "-loglevel", "error"]), ("play", ["-q"]), ("mpv", ["--no-video", "--really-quiet"]),
    ]

    /// Waits until it has been played; Ctrl-C stops it.
    static func play(_ samples: [Float], sampleRate: Int) throws {
        guard let (program, arguments) = player() else {
            throw OpahError(.file, "there is no program here that plays sound", hint: "install one of \(players.map(\.name).joined(separator: ", ")); audio.save writes a file, report.html a page with a player")
        }
        let file = NSTemporaryDirectory() + "opah-\(getpid())-\(UUID().uuidString.prefix(8)).wav"
        defer { unlink(file) }
        try AtomicFile.write(file, WaveBytes.pcm16(samples, sampleRate: sampleRate))
        let process = Process(), complaints = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments + [file]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = complaints
        do { try process.run() } catch { throw OpahError(.file, "\(program) does not start: \(error.localizedDescription)") }
        while process.isRunning {
            usleep(20_000)
            if Interrupt.isRequested {
                process.terminate()
                process.waitUntilExit()
            }
        }
        try Interrupt.check()
        guard process.terminationStatus == 0 else {
            let text = String(decoding: complaints.fileHandleForReading.availableData, as: UTF8.self).split(separator: "\n").last ?? "no reason given"
            throw OpahError(.audio, "\(program) could not play it: \(text)", hint: "is there a sound device? audio.save writes a file")
        }
    }

    private static func player() -> (String, [String])? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for player in players {
            for folder in folders where access("\(folder)/\(player.name)", X_OK) == 0 { return ("\(folder)/\(player.name)", player.arguments) }
        }
        return nil
    }
}
