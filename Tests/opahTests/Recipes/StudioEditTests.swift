import Foundation
import TestSupport
import XCTest

/// The studio's clips with findings, edits and the way back, and a folder that changes underneath.
final class StudioEditTests: StudioCase {
    func testAFolderWithoutAClip() throws {
        try FileManager.default.removeItem(atPath: folder("data"))
        try FileManager.default.createDirectory(atPath: folder("data"), withIntermediateDirectories: true)
        try start()
        usleep(300_000)
        let list = try get("/api/clips")
        XCTAssertEqual(list["total"] as? Int, 0)
        XCTAssertEqual(list["done"] as? Bool, true)
        XCTAssertTrue(String(decoding: try curl("/").body, as: UTF8.self).contains("There is no clip in this folder"))
        running.process.terminate()
        let result = running.finish()
        XCTAssertEqual(result.code, 0, result.errors)
    }

    func testClipsEditsAndTheWayBack() throws {
        let wave = try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/4.80-7.20.wav")))
        try wave.write(to: URL(fileURLWithPath: folder("data/Alice/bare.wav")))
        try wave.write(to: URL(fileURLWithPath: folder("data/Alice/crlf.wav")))
        try Data("Hello there.\r\n".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/crlf.lab")))
        try Data("RIFF1234WAVEjunk".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/broken.wav")))
        try Data("Broken.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/broken.lab")))
        try start()

        // What doctor finds, sound, pictures.
        XCTAssertEqual(codes(try clip("Alice/broken")), ["unreadable"])
        XCTAssertTrue(codes(try clip("Alice/bare")).contains("no-label"))
        XCTAssertTrue(codes(try clip("Alice/crlf", compared: true)).contains("duplicate"))
        let sound = try curl("/api/sound?id=Alice/0.00-2.10")
        XCTAssertEqual(sound.status, 200)
        XCTAssertEqual(String(decoding: sound.body.prefix(4), as: UTF8.self), "RIFF")
        for name in ["waveform", "spectrogram"] {
            XCTAssertTrue(
                String(
                    decoding: try curl("/api/\(name)?id=Alice/0.00-2.10&dark=1").body,
                    as: UTF8.self
                ).hasPrefix("<svg"), name)
        }

        // A label is written when it is what the page saw, and not otherwise.
        let first = "data/Alice/0.00-2.10.lab", before = try XCTUnwrap(content(first)),
            seen = try digest(clip("Alice/0.00-2.10"))
        let saved = try edit("label", ["id": "Alice/0.00-2.10", "text": "New words. 日本", "digest": seen])
        XCTAssertEqual(saved.status, 200, message(saved.value))
        XCTAssertEqual(content(first), "New words. 日本")
        let stale = try edit("label", ["id": "Alice/0.00-2.10", "text": "Late words.", "digest": seen])
        XCTAssertEqual(stale.status, 409)
        XCTAssertTrue(message(stale.value).contains("was changed by somebody else"), message(stale.value))
        XCTAssertEqual(content(first), "New words. 日本")
        // The end of the line stays, and a label that was missing is made.
        XCTAssertEqual(
            try edit(
                "label",
                [
                    "id": "Alice/crlf", "text": "Hello you.",
                    "digest": digest(clip("Alice/crlf"))
                ]
            ).status, 200)
        XCTAssertEqual(
            try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/crlf.lab"))),
            Data("Hello you.\r\n".utf8))
        let made = try edit("label", ["id": "Alice/bare", "text": "Nobody had told.", "digest": ""])
        XCTAssertEqual(content("data/Alice/bare.lab"), "Nobody had told.")
        XCTAssertFalse(codes(made.value["clip"] as? [String: Any] ?? [:]).contains("no-label"))
        for wrong in [
            ["text": "a\nb"], ["text": "..."], ["text": ""], ["text": 5], ["id": "../x"],
            ["digest": NSNull()]
        ] as [[String: Any]] {
            let body =
                ([
                    "id": "Alice/0.00-2.10", "text": "Words.",
                    "digest": seen
                ] as [String: Any]).merging(wrong) { $1 }
            XCTAssertTrue([400, 404].contains(try edit("label", body).status), "\(wrong)")
        }
        XCTAssertEqual(content(first), "New words. 日本")

        // Excluded: moved with its label, with doctor's list; undone after another start too.
        let excluded = try edit("exclude", ["id": "Alice/broken"])
        XCTAssertEqual(excluded.status, 200, message(excluded.value))
        XCTAssertNil(content("data/Alice/broken.lab"))
        XCTAssertEqual(content("data-quarantine/Alice/broken.lab"), "Broken.")
        XCTAssertTrue(content("data-quarantine/quarantine.jsonl")?.contains("\"Alice/broken.wav\"") ?? false)
        XCTAssertEqual(try edit("exclude", ["id": "Alice/broken"]).status, 404)
        running.process.terminate()
        XCTAssertEqual(running.finish().code, 0)
        let old = word
        try start()
        XCTAssertEqual(try edit("undo", [:], headers: ["X-Opah-Page: \(old)"]).status, 403, "a page of another start")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertEqual(content("data/Alice/broken.lab"), "Broken.")
        XCTAssertEqual(content("data-quarantine/quarantine.jsonl"), "")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertNil(content("data/Alice/bare.lab"), "there was no label before")
        // Changed by somebody else since: left alone, and undo goes on.
        try Data("Somebody else.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/crlf.lab")))
        XCTAssertEqual(try edit("undo", [:]).status, 409)
        XCTAssertEqual(content("data/Alice/crlf.lab"), "Somebody else.")
        XCTAssertEqual(try edit("undo", [:]).status, 200)
        XCTAssertEqual(content(first), before)
        XCTAssertEqual(try edit("undo", [:]).status, 409, "nothing is left to undo")

        // doctor knows the way back as well.
        XCTAssertEqual(try edit("exclude", ["id": "Alice/broken"]).status, 200)
        let restored = try OpahProcess.run(
            ["run", "doctor", "data", "--quarantine", "data-quarantine", "--restore"],
            folder: folder.path)
        XCTAssertEqual(restored.code, 0, restored.errors)
        XCTAssertEqual(content("data/Alice/broken.lab"), "Broken.")
        // One studio works on a folder.
        let second = try OpahProcess.run(["run", "studio", "data", "--port", "0"], folder: folder.path)
        XCTAssertEqual(second.code, 1)
        XCTAssertTrue(second.errors.contains("at work here"), second.errors)
    }

    /// The list is kept from one load of the page to the next, and is true all the same.
    func testTheFolderChangesUnderneath() throws {
        let wave = try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/4.80-7.20.wav")))
        /// Writes into the file that is there: neither its name nor its inode changes.
        func overwrite(_ path: String, _ data: Data) throws {
            let file = try XCTUnwrap(FileHandle(forWritingAtPath: folder(path)), path)
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: data)
            try file.close()
        }
        func text(_ id: String) throws -> String? { (try clip(id)["label"] as? [String: Any])?["text"] as? String }
        func total() throws -> Int { try XCTUnwrap(get("/api/clips")["total"] as? Int) }
        func leftOut() throws -> [String] {
            (try get("/api/clips")["left_out"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String }
        }
        try start()
        let id = "Alice/0.00-2.10", label = "data/Alice/0.00-2.10.lab"
        _ = try clip(id)
        let count = try total(), version = try get("/api/clips")["version"] as? Int
        XCTAssertEqual(try get("/api/clips")["version"] as? Int, version, "nothing changed, and nothing is looked at")

        // Labels: in place and of the same length, again within the same tick of the disk's clock, gone, another
        // suffix.
        for words in ["aaaa bbbb.", "cccc dddd.", "eeee ffff."] {
            try overwrite(label, Data(words.utf8))
            XCTAssertEqual(try text(id), words)
        }
        try FileManager.default.removeItem(atPath: folder(label))
        XCTAssertTrue(codes(try clip(id)).contains("no-label"))
        try Data("Of another suffix.".utf8).write(to: URL(fileURLWithPath: folder("data/Alice/0.00-2.10.txt")))
        XCTAssertEqual(try text(id), "Of another suffix.")

        // Sounds: broken, mended, replaced by one of the same size and time.
        try overwrite("data/Alice/4.80-7.20.wav", Data("RIFF1234WAVEjunk".utf8))
        XCTAssertEqual(codes(try clip("Alice/4.80-7.20")), ["unreadable"])
        try overwrite("data/Alice/4.80-7.20.wav", wave)
        XCTAssertFalse(codes(try clip("Alice/4.80-7.20")).contains("unreadable"))
        let time = try FileManager.default.attributesOfItem(atPath: folder("data/Alice/4.80-7.20.wav"))
        try (wave.prefix(44) + Data(count: wave.count - 44)).write(to: URL(fileURLWithPath: folder("quiet.wav")))
        try FileManager.default.setAttributes(
            [.modificationDate: XCTUnwrap(time[.modificationDate])],
            ofItemAtPath: folder("quiet.wav"))
        XCTAssertEqual(rename(folder("quiet.wav"), folder("data/Alice/4.80-7.20.wav")), 0)
        XCTAssertTrue(codes(try clip("Alice/4.80-7.20")).contains("silent"))

        // Names: in a folder that was empty, gone again, left out for its content, and a link to nothing.
        try FileManager.default.createDirectory(atPath: folder("data/Bob"), withIntermediateDirectories: false)
        XCTAssertEqual(try total(), count)
        try wave.write(to: URL(fileURLWithPath: folder("data/Bob/a.wav")))
        XCTAssertEqual(try clip("Bob/a")["speaker"] as? String, "Bob")
        try FileManager.default.removeItem(atPath: folder("data/Bob/a.wav"))
        XCTAssertEqual(try total(), count)
        try Data("not a sound".utf8).write(to: URL(fileURLWithPath: folder("data/Bob/b.aac")))
        XCTAssertEqual(try leftOut().count, 1)
        try overwrite("data/Bob/b.aac", wave)
        XCTAssertEqual(try clip("Bob/b")["file"] as? String, "Bob/b.aac")
        XCTAssertEqual(try leftOut(), [])
        try FileManager.default.createSymbolicLink(atPath: folder("data/Alice/z.wav"), withDestinationPath: "nowhere")
        XCTAssertEqual(try leftOut(), ["is a link to nothing"])
    }

    /// What stands in the way is told to the page; what was not done is not undone, and a clip moves whole or not at all.
    func testWhatCannotBeWrittenIsToldAndNothingIsHalfDone() throws {
        let manager = FileManager.default, id = "Alice/0.00-2.10", label = "data/Alice/0.00-2.10.lab"
        let before = try XCTUnwrap(content(label))
        try start()
        // A folder where the history would be: an edit that cannot be undone is not made.
        let history = folder("data/.opah-studio.jsonl")
        try manager.createDirectory(atPath: history, withIntermediateDirectories: false)
        let saved = try edit("label", ["id": id, "text": "New words.", "digest": digest(clip(id))])
        XCTAssertEqual(saved.status, 500)
        XCTAssertTrue(message(saved.value).contains(".opah-studio.jsonl"), message(saved.value))
        XCTAssertEqual(content(label), before)
        XCTAssertEqual(try edit("exclude", ["id": id]).status, 500)
        XCTAssertEqual(try edit("undo", [:]).status, 409, "nothing was done")
        try manager.removeItem(atPath: history)

        // A file where the label would go: the recording stays, too.
        try manager.createDirectory(atPath: folder("data-quarantine/Alice"), withIntermediateDirectories: true)
        try Data("Another.".utf8).write(to: URL(fileURLWithPath: folder("data-quarantine/Alice/0.00-2.10.lab")))
        let excluded = try edit("exclude", ["id": id])
        XCTAssertEqual(excluded.status, 409)
        XCTAssertTrue(message(excluded.value).contains("there is a file already"), message(excluded.value))
        XCTAssertTrue(manager.fileExists(atPath: folder("data/Alice/0.00-2.10.mp3")))
        XCTAssertFalse(manager.fileExists(atPath: folder("data-quarantine/Alice/0.00-2.10.mp3")))
        XCTAssertEqual(content(label), before)
        XCTAssertEqual(content("data-quarantine/Alice/0.00-2.10.lab"), "Another.")
        XCTAssertEqual(try edit("undo", [:]).status, 409)
        try manager.removeItem(atPath: folder("data-quarantine"))
        XCTAssertEqual(try edit("exclude", ["id": id]).status, 200)
        XCTAssertEqual(try edit("undo", [:]).status, 200)

        // A clip that is too short for a picture.
        let code = "local o = require 'opah' o.audio.save('data/Alice/short.wav', o.tensor.zeros(100), 16000)"
        XCTAssertEqual(try OpahProcess.run(["-e", code], folder: folder.path).code, 0)
        XCTAssertEqual(try get("/api/clips")["total"] as? Int, 15)
        XCTAssertEqual(try curl("/api/waveform?id=Alice/short").status, 200)
        XCTAssertEqual(try curl("/api/spectrogram?id=Alice/short").status, 400)

        // A folder that went.
        try manager.moveItem(atPath: folder("data"), toPath: folder("elsewhere"))
        let gone = try curl("/api/clips")
        XCTAssertEqual(gone.status, 500)
        XCTAssertTrue(String(decoding: gone.body, as: UTF8.self).contains("data"), "what is missing is named")
        try manager.moveItem(atPath: folder("elsewhere"), toPath: folder("data"))
        XCTAssertEqual(try curl("/api/clips").status, 200)
    }
}
