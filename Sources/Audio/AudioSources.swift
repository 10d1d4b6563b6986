import Support

/// Finds the streams of a file and opens decoders for them.
enum AudioSources {
    /// More streams than any recorder appends.
    private static let maxStreams = 10_000

    static func open(_ file: RandomAccessFile) throws -> (source: any SampleSource, content: AudioContent) {
        let first = try AudioContent(file)
        var (parts, next) = try streams(file, first), notes: [String] = []
        while let offset = next, parts.count < maxStreams {
            do {
                let more = try streams(file, AudioContent(file, at: offset))
                parts += more.parts
                next = more.next
            } catch let error as OpahError where error.kind == .audio {
                notes.append(
                    "another file begins at byte \(offset), which cannot be read: \(SkippedInput(path: file.path, error: error).reason)"
                )
                next = nil
            }
        }
        guard parts.count > 1 || !notes.isEmpty else { return (try parts[0].open(), first) }
        return (JoinedSource(parts, notes: notes), first)
    }

    /// The streams that begin with `content`, and where another file begins behind them.
    private static func streams(
        _ file: RandomAccessFile, _ content: AudioContent
    ) throws -> (parts: [JoinedSource.Part], next: Int?) {
        switch content.decoder {
        case .mpeg: return (try mpeg(file, content), nil)
        case .sndfile where content.name == "Ogg": return (try ogg(file, content), nil)
        case .sndfile:
            let source = try SndfileSource(file, content, content.start ..< file.size)
            guard let next = source.next else { return ([JoinedSource.Part(source)], nil) }
            let range = content.start ..< next
            return (
                [
                    JoinedSource.Part(try SndfileSource(file, content, range)) {
                        try SndfileSource(file, content, range)
                    }
                ], next
            )
        }
    }

    private static func ogg(_ file: RandomAccessFile, _ content: AudioContent) throws -> [JoinedSource.Part] {
        let found = try OggLinks(file, from: content.start, to: file.size), links = found.ranges.prefix(maxStreams)
        let tail =
            found.tailBytes > 0 ? ["\(found.tailBytes) bytes behind the last page are no sound, and were left out"] : []
        guard links.count > 1 else {
            let range = links.first ?? content.start ..< file.size
            return [JoinedSource.Part(try SndfileSource(file, content, range, notes: tail))]
        }
        var parts: [JoinedSource.Part] = [], failure: OpahError?
        for range in links {
            do {
                parts.append(
                    JoinedSource.Part(try SndfileSource(file, content, range)) {
                        try SndfileSource(file, content, range)
                    })
            } catch let error as OpahError where error.kind == .audio { failure = error }
        }
        guard !parts.isEmpty else { throw failure! }
        parts[0].notes += tail
        if let failure {
            let reason = SkippedInput(path: file.path, error: failure).reason
            parts[0].notes.append("\(links.count - parts.count) of \(links.count) streams cannot be read: \(reason)")
        }
        return parts
    }

    private static func mpeg(_ file: RandomAccessFile, _ content: AudioContent) throws -> [JoinedSource.Part] {
        var tracks = try MpegScan(file, from: content.start).tracks.filter { $0.frames > 0 }
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
        if tracks.count == 1 { return [JoinedSource.Part(try MpegSource(file, tracks[0]))] }
        return try tracks.prefix(maxStreams).map { track in
            JoinedSource.Part(try MpegSource(file, track)) { try MpegSource(file, track) }
        }
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

    private static func milliseconds(_ frames: Int, _ rate: Int) -> Int {
        Int((1000 * Double(frames) / Double(rate)).rounded(.up))
    }
}
