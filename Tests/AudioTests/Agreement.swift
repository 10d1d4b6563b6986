import Audio
import Foundation
import TestSupport
import XCTest

/// The samples and notes of a file with these bytes, once `info`, a whole read and reading in pieces have agreed.
func readAgreeing(
    _ data: Data, _ name: String = "clip.mp3", line: UInt = #line
) throws -> (buffer: AudioBuffer, notes: [String]) {
    try withTemporaryFolder { folder in
        let path = folder + "/" + name
        try data.write(to: URL(fileURLWithPath: path))
        let (buffer, info, notes) = try AudioFile.read(path, ReadOptions(mono: false))
        XCTAssertEqual(info.frames, buffer.frames, line: line)
        XCTAssertEqual(try AudioFile.info(path), info, line: line)
        for note in try AudioFile.examine(path).notes { XCTAssertTrue(notes.contains(note), note, line: line) }
        let reader = try AudioReader(path, ReadOptions(mono: false))
        var pieces = [[Float]](repeating: [], count: reader.channels)
        while let piece = try reader.next(frames: 1001) {
            for c in pieces.indices { pieces[c] += piece.channels[c] }
        }
        XCTAssertTrue(pieces == buffer.channels, line: line)
        return (buffer, notes)
    }
}
