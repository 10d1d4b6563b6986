import Support

/// Finds the streams of a file and opens decoders for them.
enum AudioSources {
    /// More streams than any recorder appends.
    private static let maxStreams = 10_000

    static func open(_ file: RandomAccessFile) throws -> (source: any SampleSource, content: AudioContent) {
        let first = try AudioContent(file)
        var found = try streams(file, first)
        while let offset = found.next, found.parts.count < maxStreams {
            do {
                let more = try streams(file, AudioContent(file, at: offset))
                found.parts += more.parts
                found.notes += more.notes
                found.lost += more.lost
                found.next = more.next
            } catch let error as OpahError where error.kind == .audio {
                found.notes.append(
                    "another file begins at byte \(offset), which cannot be read: \(SkippedInput(path: file.path, error: error).reason)"
                )
                found.next = nil
            }
        }
        guard found.parts.count > 1 || !found.notes.isEmpty else { return (try found.parts[0].open(), first) }
        return (JoinedSource(found.parts, notes: found.notes, lost: found.lost), first)
    }

    /// What one file holds, of several that may lie behind each other.
    private struct Streams {
        var parts: [JoinedSource.Part]
        var notes: [String] = []
        var lost = 0.0   // seconds of streams that cannot be read
        var next: Int?   // where another file begins behind them
    }

    /// The streams that begin with `content`.
    private static func streams(_ file: RandomAccessFile, _ content: AudioContent) throws -> Streams {
        switch content.decoder {
        case .mpeg: return try mpeg(file, content)
        case .sndfile where content.name == "Ogg": return try ogg(file, content)
        case .sndfile where content.name == "FLAC":
            var window = ByteWindow(file)
            let next = try WaveHeader.signature(&window, from: content.start + FlacHead.byteCount, before: file.size)
            let range = content.start ..< (next ?? file.size)
            var scan = try FlacScan(file, range)
            if let head = scan?.head { try scan?.takeTail(file) { try FlacSource.decoded(file, head, $0) } }
            let tail = scan?.tailBytes ?? 0
            let notes = tail > 0 ? ["\(tail) bytes behind the last frame are no sound, and were left out"] : []
            if let damaged = scan.flatMap({ FlacSource(file, $0) }) {
                return Streams(parts: [JoinedSource.Part(damaged)], notes: notes, next: next)
            }
            return Streams(parts: [try single(file, content, range, isAlone: next == nil)], notes: notes, next: next)
        case .sndfile:
            let source = try SndfileSource(file, content, content.start ..< file.size)
            guard let next = source.next else { return Streams(parts: [JoinedSource.Part(source)]) }
            return Streams(
                parts: [try single(file, content, content.start ..< next, isAlone: false)], next: next)
        }
    }

    /// One stream; among others it is opened again when it is its turn.
    private static func single(
        _ file: RandomAccessFile, _ content: AudioContent, _ range: Range<Int>, link: OggLinks.Link? = nil,
        notes: [String] = [], isAlone: Bool
    ) throws -> JoinedSource.Part {
        func open() throws -> SndfileSource { try SndfileSource(file, content, range, link: link, notes: notes) }
        let source = try open()
        return isAlone ? JoinedSource.Part(source) : JoinedSource.Part(source, open)
    }

    private static func ogg(_ file: RandomAccessFile, _ content: AudioContent) throws -> Streams {
        let range = content.start ..< file.size
        let found = try OggLinks(file, from: range.lowerBound, to: range.upperBound)
        let links = found.links.prefix(maxStreams)
        var streams = Streams(parts: []), failure: OpahError?, window = ByteWindow(file)
        for link in links {
            do {
                guard link.begins else { throw OpahError(.audio, "\(name: file.path): the first page is damaged") }
                if let problem = try link.headerProblem(&window) {
                    throw OpahError(
                        .audio, "\(name: file.path): \(problem)",
                        hint: "replace it: nothing of its sound can be decoded without them")
                }
                let notes =
                    link.ends || link.isDamaged || link.seconds == 0
                    ? [] : ["has no page that ends it: truncated, or written by a program that was stopped"]
                let part = try single(file, content, range, link: link, notes: notes, isAlone: links.count == 1)
                guard part.info.frames > 0 || link.seconds == 0 else {
                    throw OpahError(.audio, "\(name: file.path): nothing in it can be decoded")
                }
                streams.parts.append(part)
            } catch let error as OpahError where error.kind == .audio {
                failure = error
                streams.lost += link.seconds
            }
        }
        if streams.parts.isEmpty {
            throw failure
                ?? OpahError(
                    .audio, "\(name: file.path): has no whole page of an Ogg stream",
                    hint: "the file is damaged: replace it")
        }
        if found.tailBytes > 0 {
            streams.notes.append(
                "\(found.tailBytes) bytes behind the last page are no sound, and were left out")
        }
        if let failure {
            let reason = SkippedInput(path: file.path, error: failure).reason
            streams.notes.append(
                "\(links.count - streams.parts.count) of \(links.count) streams cannot be read: \(reason)")
        }
        return streams
    }

    private static func mpeg(_ file: RandomAccessFile, _ content: AudioContent) throws -> Streams {
        var scan = try MpegScan(file, from: content.start, to: file.size), window = ByteWindow(file)
        // What is no MPEG frame may be another file.
        let next = try scan.firstDamage.flatMap { try WaveHeader.signature(&window, from: $0, before: file.size) }
        if let next { scan = try MpegScan(file, from: content.start, to: next) }
        var tracks = scan.tracks.filter { $0.frames > 0 }
        guard !tracks.isEmpty else {
            throw OpahError(
                .audio, "\(name: file.path): has no MPEG frame that can be decoded",
                hint: "the file is damaged: replace it, or convert it: ffmpeg -i INPUT OUTPUT.wav")
        }
        // A program that joins files may have put the sum into the first one's tag.
        if tracks.count > 1, let promised = tracks[0].tag?.frames, promised != tracks[0].frames,
            abs(promised - tracks.reduce(0) { $0 + $1.frames }) <= tracks.count
        {
            let own = tracks[0].frames
            tracks[0].tag?.frames = own
        }
        if tracks.count == 1, next == nil {
            return Streams(parts: [JoinedSource.Part(try MpegSource(file, tracks[0]))])
        }
        return Streams(
            parts: try tracks.prefix(maxStreams).map { track in
                JoinedSource.Part(try MpegSource(file, track)) { try MpegSource(file, track) }
            }, next: next)
    }

    /// Refuses a file of which more than half is missing.
    static func refuseMostlyLost(_ source: any SampleSource, path: String) throws {
        guard let stated = source.stated, source.info.frames < stated / 2 else { return }
        throw lost(stated - source.info.frames, of: stated, rate: source.info.sampleRate, path: path)
    }

    static func lost(_ frames: Int, of stated: Int, rate: Int, path: String) -> OpahError {
        OpahError(
            .audio,
            "\(name: path): truncated or damaged: \(milliseconds(frames, rate)) ms of \(decimal(Double(stated) / Double(rate))) s cannot be decoded",
            hint: "copy or download it again; if this is all there ever was, write it anew: ffmpeg -i INPUT OUTPUT.wav")
    }

    static func lostNote(_ frames: Int, of stated: Int, rate: Int) -> String {
        "truncated or damaged: \(milliseconds(frames, rate)) ms of \(decimal(Double(stated) / Double(rate))) s could not be decoded"
    }

    /// - Parameters:
    ///   - first: seconds before the first damaged place.
    ///   - lost: samples that are missing for certain or likely.
    static func damageNote(places: Int, first: Double, lost: Int, rate: Int, frame: String) -> String {
        let place = "\(decimal(first)) s"
        let damaged = places == 1 ? "damaged at \(place)" : "damaged in \(places) places, the first at \(place)"
        return lost > 0
            ? "\(damaged): about \(milliseconds(lost, rate)) ms could not be decoded"
            : "\(damaged): bytes that are no \(frame) were left out, no frame is missing"
    }

    private static func milliseconds(_ frames: Int, _ rate: Int) -> Int {
        Int((1000 * Double(frames) / Double(rate)).rounded(.up))
    }
}
