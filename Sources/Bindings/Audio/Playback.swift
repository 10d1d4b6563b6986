import Foundation
import Support

/// Playing sound through whatever player the machine has.
enum Playback {
    private static let players: [(name: String, arguments: [String])] = [
        ("pw-play", []), ("paplay", []), ("aplay", ["-q"]), ("afplay", []),
        ("ffplay", ["-nodisp", "-autoexit", "-loglevel", "error"]), ("play", ["-q"]),
        ("mpv", ["--no-video", "--really-quiet"])
    ]

    /// Waits until it has been played; Ctrl-C stops it. Some players end at once, and well, where there is no sound
    /// device.
    static func play(_ samples: [Float], sampleRate: Int) throws {
        guard let (program, arguments) = player() else {
            throw OpahError(
                .file, "there is no program here that plays sound",
                hint:
                    "install one of \(players.map(\.name).joined(separator: ", ")); audio.save writes a file, report.html a page with a player"
            )
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
        let began = ContinuousClock().now
        do { try process.run() } catch {
            throw OpahError(.file, "\(program) does not start: \(error.localizedDescription)")
        }
        while process.isRunning {
            usleep(20_000)
            if Interrupt.isStopping {
                process.terminate()
                process.waitUntilExit()
            }
        }
        try Interrupt.check()
        // What is there now: something that the player has started may keep its end open.
        let end = complaints.fileHandleForReading.fileDescriptor
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        let count = read(end, &bytes, bytes.count), said = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        let text = said.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) } ?? "no reason given",
            hint = "is there a sound device? audio.save writes a file"
        guard process.terminationStatus == 0 else {
            throw OpahError(.audio, "\(program) could not play it: \(text)", hint: hint)
        }
        let heard = began.duration(to: ContinuousClock().now) / .seconds(1),
            length = Double(samples.count) / Double(sampleRate)
        guard heard > 0.8 * length - 0.5 else {
            throw OpahError(
                .audio,
                "\(program) ended after \(DurationText.words(heard)) of \(DurationText.words(length))\(said.isEmpty ? "" : ": \(text)")",
                hint: hint)
        }
    }

    private static func player() -> (String, [String])? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for player in players {
            for folder in folders where access("\(folder)/\(player.name)", X_OK) == 0 {
                return ("\(folder)/\(player.name)", player.arguments)
            }
        }
        return nil
    }
}
