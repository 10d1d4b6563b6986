import Formats
import Glibc
import Support
import Tensors
import Text

/// Reads the text and the codes of clips, many at a time.
struct ClipReader {
    struct Content {
        let sentence: PackedSentence
        let notes: [String]
        /// Of the codes, to notice a clip that is there twice.
        let digest: String
        /// The file of the codes, for messages.
        let codes: String
    }

    private let settings: PackFolder.Settings
    let extensions: [String]
    private var codebooks: Int?

    init(_ settings: PackFolder.Settings) {
        self.settings = settings
        extensions = settings.extensions.map { ($0.hasPrefix(".") ? $0 : "." + $0).lowercased() }
        codebooks = settings.codebooks
    }

    /// One result per clip, in order, whoever reads it.
    mutating func read(_ clips: [Clip]) -> [Result<Content, any Error>] {
        var results = [Result<Content, any Error>?](repeating: nil, count: clips.count)
        results.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let slots = buffer   // each is written once, by the thread that took it
            Parallel.forRange(clips.count, grain: 8) { range in
                for i in range { slots[i] = Result { try content(clips[i]) } }
            }
        }
        let read = results.map { $0! }
        if codebooks == nil {
            // All must agree: with what was asked for, else with most of the first ones.
            let counts = Dictionary(grouping: read.compactMap { try? $0.get().sentence.codes.count }) { $0 }
            codebooks = counts.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.key
        }
        return read.map { result in result.flatMap { clip in Result { try checked(clip) } } }
    }

    private func label(_ clip: Clip, _ suffix: String) -> String? {
        clip.labels[suffix] ?? (FileKind.isFile(clip.stem + suffix) ? clip.stem + suffix : nil)
    }

    /// Says which label a clip lacks, if any.
    func missingLabel(_ clip: Clip) -> OpahError? {
        guard clip.text == nil, let suffix = extensions.first(where: { label(clip, $0) == nil }) else { return nil }
        let others = clip.labels.keys.sorted()
        return OpahError(
            .text, "has no \(suffix) file beside it",
            hint: others.isEmpty
                ? "write what is said into \(PathName.last(clip.stem))\(suffix)"
                : "found \(others.joined(separator: ", ")): use --text-extension \(others[0])")
    }

    private func content(_ clip: Clip) throws -> Content {
        guard let path = clip.codes else { throw OpahError(.data, "has no codes", hint: "run extract-vq first") }
        var texts: [String] = [], notes: [String] = []
        if let text = clip.text {
            let packed = packClean(text)
            guard packed.contains(where: { $0.isLetter || $0.isNumber }) else {
                throw OpahError(.text, "has no text", hint: "write what is said in the clip, or leave the line out")
            }
            texts = [packed]
        } else {
            if let missing = missingLabel(clip) { throw missing }
            for label in extensions.compactMap({ label(clip, $0) }) {
                let found = try Label.read(label, extraEncoding: settings.labelEncoding)
                texts.append(found.packed)
                notes += found.notes
            }
        }
        let tensor = try codes(path)
        let digest = Digest.of(UnsafeRawBufferPointer(start: tensor.storage.pointer, count: tensor.storage.byteCount))
        return Content(
            sentence: try PackedSentence(texts: texts, codes: tensor), notes: notes, digest: digest, codes: path)
    }

    /// Codes as extraction writes them: an integer array [codebooks, frames] of values from 0.
    private func codes(_ path: String) throws -> Tensor {
        let tensor = try Npy.load(path)
        guard tensor.dtype.isInteger else {
            throw OpahError(
                .data, "\(name: path): holds \(tensor.dtype.rawValue), not integer codes",
                hint: "remove the file and extract again")
        }
        guard tensor.rank == 2 else {
            throw OpahError(
                .data, "\(name: path): has the shape \(tensor.shape), not [codebooks, frames]",
                hint: "remove the file and extract again")
        }
        guard tensor.shape[1] > 0 else {
            throw OpahError(.data, "\(name: path): holds no frames", hint: "the clip is shorter than one token (46 ms)")
        }
        guard tensor.shape[0] > 0, tensor.shape[0] <= 64 else {
            throw OpahError(
                .data,
                "\(name: path): has \(tensor.shape[0]) codebooks\(tensor.shape[1] <= 64 ? "; it looks transposed" : "")",
                hint: "remove the file and extract again")
        }
        let limit = settings.codebookSize
        if try tensor.min().item() < 0 || tensor.max().item() >= Double(limit),
            let place = try tensor.ints().enumerated().first(where: { $1 < 0 || $1 >= limit })
        {
            let (book, frame) = (place.offset / tensor.shape[1] + 1, place.offset % tensor.shape[1] + 1)
            throw OpahError(
                .data,
                "\(name: path): the code \(place.element) of codebook \(book), frame \(frame), is out of range: codes run from 0 to \(limit - 1)",
                hint: "these codes come from another codec: remove the file and extract again")
        }
        return tensor
    }

    private func checked(_ clip: Content) throws -> Content {
        let found = clip.sentence.codes.count, frames = clip.sentence.codes[0].count
        guard let codebooks, found != codebooks else { return clip }
        throw OpahError(
            .data,
            "\(clip.codes): has \(found) codebooks, not \(codebooks)\(frames == codebooks ? "; it looks transposed" : "")",
            hint: "these codes come from another codec: remove the file and extract again")
    }
}

extension PathName {
    /// Removes a file.
    package static func remove(_ path: String) throws {
        guard unlink(path) == 0 else { throw OpahError.system(path, errno: errno, doing: "remove") }
    }
}
