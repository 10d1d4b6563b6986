import CMpg123
import Support

/// MPEG audio of one encoder, decoded by libmpg123, gapless: where a LAME tag tells the encoder's delay and padding,
/// they are cut off, so that the samples are as many as were encoded. Without the tag nothing is cut.
///
/// The frames come from `MpegScan`; the decoder sees whole frames alone, and begins anew behind damage.
final class MpegSource: SampleSource {
    let info: AudioInfo
    let stated: Int?
    private(set) var notes: [String] = []
    private let file: RandomAccessFile
    private let track: MpegScan.Track
    private let handle: OpaquePointer
    private var view: FileView?   // of the run that is being decoded
    private var run = -1
    private var position = 0   // frames given out
    private var toSkip: Int   // samples that the decoder still gives before those asked for
    private var left = 0   // samples that the run still has
    private var consecutiveErrors = 0

    private static let initialised: Bool = mpg123_init() == MPG123_OK.rawValue
    /// Samples by which a decoder of layer III is late.
    private static let decoderDelay = 529

    init(_ file: RandomAccessFile, _ track: MpegScan.Track) throws {
        let length = MpegLength(track, decoderDelay: Self.decoderDelay)
        (self.file, self.track, toSkip) = (file, track, length.skipped)
        stated = length.stated
        notes = length.notes
        info = AudioInfo(
            sampleRate: track.header.sampleRate, channels: track.header.channels, frames: length.frames, format: "MP3",
            subtype: "MPEG_LAYER_" + String(repeating: "I", count: track.header.layer))
        var code: Int32 = 0
        guard Self.initialised, let handle = mpg123_new(nil, &code) else {
            throw OpahError(
                .memory, "\(name: file.path): libmpg123 does not start: \(String(cString: mpg123_plain_strerror(code)))"
            )
        }
        self.handle = handle
        let flags =
            MPG123_QUIET.rawValue | MPG123_FORCE_FLOAT.rawValue | MPG123_IGNORE_INFOFRAME.rawValue
            | MPG123_NO_READAHEAD.rawValue
        mpg123_param2(handle, Int32(MPG123_ADD_FLAGS.rawValue), Int(flags), 0)
        mpg123_param2(handle, Int32(MPG123_REMOVE_FLAGS.rawValue), Int(MPG123_GAPLESS.rawValue), 0)
        mpg123_param2(handle, Int32(MPG123_RESYNC_LIMIT.rawValue), -1, 0)
        // After a seek, so many frames are decoded and dropped: at 8 kbit/s the bit reservoir spans 20 of them.
        mpg123_param2(handle, Int32(MPG123_PREFRAMES.rawValue), 32, 0)
        mpg123_replace_reader_handle(
            handle, { FileView.from($0).read($1, $2) }, { FileView.from($0).seek($1, $2) }, nil)
    }

    deinit {
        mpg123_close(handle)
        mpg123_delete(handle)
    }

    private func failure(_ what: String) -> OpahError {
        OpahError(
            .audio, "\(name: file.path): \(what): \(String(cString: mpg123_strerror(handle)))",
            hint: "the file is damaged: replace it, or convert it: ffmpeg -i INPUT OUTPUT.wav")
    }

    /// Begins the run of this number.
    private func open(_ number: Int) throws {
        mpg123_close(handle)
        run = number
        left = track.runs[number].frames * track.header.samplesPerFrame
        let view = FileView(file, track.runs[number].pieces.map { .range($0) })
        self.view = view
        var rate = 0, channels: Int32 = 0, encoding: Int32 = 0
        guard mpg123_open_handle(handle, Unmanaged.passUnretained(view).toOpaque()) == MPG123_OK.rawValue,
            mpg123_getformat(handle, &rate, &channels, &encoding) == MPG123_OK.rawValue,
            encoding == Int32(MPG123_ENC_FLOAT_32.rawValue), rate == info.sampleRate, channels == info.channels
        else {
            try view.check()
            // a run too damaged for the decoder; `finish` counts it
            guard track.runs.count == 1 else { left = 0; return }
            throw failure("has no MPEG frame that can be decoded")
        }
    }

    func seek(to frame: Int) throws {
        var target = frame + MpegLength.skipped(track, Self.decoderDelay), number = 0
        while number < track.runs.count - 1, target >= track.runs[number].frames * track.header.samplesPerFrame {
            target -= track.runs[number].frames * track.header.samplesPerFrame
            number += 1
        }
        try open(number)
        (position, toSkip) = (frame, 0)
        guard target > 0 else { return }
        guard mpg123_seek(handle, target, 0) >= 0 else { throw failure("cannot go to sample \(frame)") }
        left -= target
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        while position < info.frames {
            if run < 0 { try open(0) }
            if left == 0 {
                guard run + 1 < track.runs.count else { return 0 }
                try open(run + 1)
                continue
            }
            // What is skipped passes through the caller's room.
            let wanted = min(frames, left, toSkip > 0 ? toSkip : info.frames - position)
            let got = try decode(into: samples, frames: wanted)
            if got == 0 { left = 0; continue }
            left -= got
            if toSkip > 0 { toSkip -= got; continue }
            position += got
            return got
        }
        return 0
    }

    /// Samples of this run; 0 when the decoder has no more.
    private func decode(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        let frameBytes = info.channels * MemoryLayout<Float>.size
        while true {
            var done = 0
            let code = mpg123_read(handle, samples, frames * frameBytes, &done)
            if done > 0 {
                consecutiveErrors = 0
                return done / frameBytes
            }
            switch code {
            case MPG123_DONE.rawValue, MPG123_NEED_MORE.rawValue:
                try view?.check()
                return 0
            case MPG123_OK.rawValue, MPG123_NEW_FORMAT.rawValue: continue
            default:
                // One bad frame is skipped by the next call; a decoder that stays stuck has reached the end.
                consecutiveErrors += 1
                if consecutiveErrors == 1 { notes.append("damaged frame: \(String(cString: mpg123_strerror(handle)))") }
                if consecutiveErrors >= 64 { return 0 }
            }
            try Interrupt.check()
        }
    }
}

/// How many samples a track has, when its tag is weighed against what was found.
struct MpegLength {
    private(set) var skipped: Int   // at the start
    private(set) var frames: Int   // samples that are left
    private(set) var stated: Int?   // samples that the tag promises, where they are more and it can be believed
    private(set) var notes: [String] = []

    static func skipped(_ track: MpegScan.Track, _ decoderDelay: Int) -> Int {
        guard let tag = track.tag, tag.delay != nil || tag.frames ?? 0 > 0 else { return 0 }
        return min((tag.delay ?? 0) + decoderDelay, track.frames * track.header.samplesPerFrame)
    }

    init(_ track: MpegScan.Track, decoderDelay: Int) {
        let perFrame = track.header.samplesPerFrame, rate = track.header.sampleRate
        func milliseconds(_ samples: Int) -> Int { Int((1000 * Double(samples) / Double(rate)).rounded(.up)) }
        skipped = Self.skipped(track, decoderDelay)
        let padding = max(0, (track.tag?.padding ?? 0) - decoderDelay)
        let promised = track.tag?.frames, missing = (promised ?? track.frames) - track.frames
        // The tag's bytes end where the frames do (tags behind them may be counted): the stream reaches its end.
        let endsInPlace = !track.isCutOff && track.tag?.bytes.map { abs(track.offset + $0 - track.end) <= 256 } ?? false
        // What was lost in damaged places is missed, and no more.
        let isExplained =
            missing > 0 && track.damagedPlaces > 0 && missing <= track.damagedFrames + track.damagedPlaces + 1
        let isWhole = promised != nil && missing == 0 || isExplained || endsInPlace
        frames = max(0, track.frames * perFrame - skipped - (isWhole ? padding : 0))
        var lost = promised == nil || isWhole && !isExplained && missing != 0 ? track.damagedFrames * perFrame : 0
        if missing > 0, !isWhole || isExplained {
            let all = promised! * perFrame - skipped - padding
            lost = max(0, all - frames)
            // Old encoders count their tag as a frame.
            if missing == 1, track.tag?.delay == nil, track.damagedPlaces == 0, !track.isCutOff { lost = 0 }
            if lost > 0, track.damagedPlaces == 0 { stated = all }
        } else if let promised, missing != 0, abs(missing) > 1 || track.tag?.delay != nil {
            let difference = "\(milliseconds(abs(missing) * perFrame)) ms \(missing < 0 ? "more" : "less")"
            notes.append(
                "the header states \(promised) MPEG \(promised == 1 ? "frame" : "frames"), the file holds \(track.frames), \(difference): all of them are read"
            )
        }
        if track.damagedPlaces > 0 {
            notes.append(
                AudioSources.damageNote(
                    places: track.damagedPlaces, first: Double(track.firstDamage * perFrame) / Double(rate), lost: lost,
                    rate: rate, frame: "MPEG frame"))
            // Where nothing was ever written, only a tag can tell that there was to be sound.
            let certain = missing > 0 && (!isWhole || isExplained) ? lost : lost - track.unwrittenFrames * perFrame
            if certain > frames { stated = frames + certain }
        } else if track.isCutOff, stated == nil {
            notes.append("truncated: the last MPEG frame is not whole")
        }
        if track.unwrittenTail > track.meanFrameBytes {
            notes.append(
                "ends with \(track.unwrittenTail) bytes that were never written, and were left out: a recording or download that was broken off?"
            )
        }
    }
}
