import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Texts that come and go: each becomes what it becomes alone.
final class SpeechSessionTests: XCTestCase {
    func testTextsDoNotDependOnEachOther() throws {
        let model = try LanguageModel.load(OpahProcess.checkout + "/examples/checkpoints/tiny"),
            session = try SpeechSession(model)
        func options(_ seed: UInt64, _ frames: Int) throws -> SpeechOptions {
            var generation = GenerationOptions(
                sampling: try SamplingOptions(topP: 0.7, temperature: 0.7, repetitionPenalty: 1.2),
                maxNewTokens: frames, seed: seed)
            generation.minFrames = 3
            var options = SpeechOptions(generation)
            options.chunkLength = 12
            return options
        }
        let texts = [
            ("Good morning, all. And good night.", UInt64(1), 9), ("Hello.", 2, 20), ("The boats are here now.", 3, 6),
            ("Hello.", 2, 20)
        ]
        var numbers: [Int: Int] = [:], found = [[Int]](repeating: [], count: texts.count), ended = 0, step = 0
        while ended < texts.count {
            if step.isMultiple(of: 4), step / 4 < texts.count {   // one more every fourth step
                let (text, seed, frames) = texts[step / 4]
                numbers[try session.add(text, try options(seed, frames))] = step / 4
            }
            if step == 6 {   // and one that does not stay
                let number = try session.add("Never mind.", options(9, 50))
                _ = session.count
                session.cancel(number)
            }
            for (number, event) in try session.step() {
                switch event {
                case .frame(let codes): found[numbers[number]!] += codes.map { Int($0) }
                case .ended(let speech):
                    ended += 1
                    XCTAssertEqual(speech.codes.shape[1] * speech.codes.shape[0], found[numbers[number]!].count)
                case .failed(let error): XCTFail("\(error)")
                }
            }
            step += 1
            guard step < 500 else { return XCTFail("it does not end") }
        }
        XCTAssertEqual(session.count, 0)
        for (i, (text, seed, frames)) in texts.enumerated() {
            let alone = try model.speak(text, options(seed, frames))[0].codes, books = alone.shape[0],
                values = try alone.ints()
            let columns = (0 ..< alone.shape[1]).flatMap { t in (0 ..< books).map { values[$0 * alone.shape[1] + t] } }
            XCTAssertEqual(found[i], columns, text)
        }
        assertThrows(.argument, containing: "nothing to speak") { try session.add("...", options(1, 5)) }
        XCTAssertEqual(session.count, 0)
    }

    /// A reference is run for the first text and kept: the others begin where it ended, and become what they are alone.
    func testReferencesAreRunOnce() throws {
        let model = try LanguageModel.load(OpahProcess.checkout + "/examples/checkpoints/tiny"),
            session = try SpeechSession(model)
        let books = model.configuration.codebookCount
        func reference(_ frames: Int, _ stride: Int) throws -> VoiceReference {
            VoiceReference(
                text: "Good morning.",
                codes: try Tensor(integers: (0 ..< books * frames).map { $0 * stride % 50 }, [books, frames]))
        }
        var generation = GenerationOptions(
            sampling: try SamplingOptions(topP: 0.7, temperature: 0.7, repetitionPenalty: 1.2), maxNewTokens: 6)
        generation.minFrames = 6
        func first(_ text: String, _ reference: VoiceReference) throws -> Duration {
            _ = try session.add(text, references: [reference], SpeechOptions(generation))
            let time = try ContinuousClock().measure { _ = try session.step() }
            var codes: [[Int32]] = []
            while session.count > 0 {
                for case (_, .ended(let speech)) in try session.step() {
                    let alone = try model.speak(text, references: [reference], SpeechOptions(generation))[0]
                    XCTAssertEqual(try speech.codes.ints(), try alone.codes.ints(), text)
                    codes.append([])
                }
            }
            XCTAssertEqual(codes.count, 1)
            return time
        }
        // The shortest of several: other processes take time too.
        let times = try [7, 11, 13, 17].map { stride in
            let long = try reference(600, stride)
            return (cold: try first("Hello.", long), warm: try first("Hello \(stride).", long))
        }
        XCTAssertLessThan(times.map(\.warm).min()!, times.map(\.cold).min()! * 0.7)
    }
}
