import CSndfile
import Support

/// Sound in a form that libsndfile writes and the program only reads.
struct CodedSound {
    let container: Int, coding: Int

    static let all: [CodedSound] =
        of(SF_FORMAT_CAF, [SF_FORMAT_ALAC_16, SF_FORMAT_ALAC_24, SF_FORMAT_ULAW, SF_FORMAT_PCM_16])
        + of(
            SF_FORMAT_WAV,
            [
                SF_FORMAT_IMA_ADPCM, SF_FORMAT_MS_ADPCM, SF_FORMAT_GSM610, SF_FORMAT_G721_32, SF_FORMAT_NMS_ADPCM_16,
                SF_FORMAT_NMS_ADPCM_32, SF_FORMAT_ALAW
            ])
        + of(SF_FORMAT_W64, [SF_FORMAT_PCM_16, SF_FORMAT_IMA_ADPCM, SF_FORMAT_MS_ADPCM, SF_FORMAT_GSM610])
        + of(SF_FORMAT_AIFF, [SF_FORMAT_IMA_ADPCM, SF_FORMAT_DWVW_24, SF_FORMAT_GSM610])
        + of(SF_FORMAT_AU, [SF_FORMAT_PCM_16, SF_FORMAT_G721_32, SF_FORMAT_G723_24, SF_FORMAT_G723_40])

    private static func of(_ container: Int, _ codings: [Int]) -> [CodedSound] {
        codings.map { CodedSound(container: container, coding: $0) }
    }

    /// A file of one channel at 8 kHz.
    func file(_ samples: [Float]) throws -> [UInt8] {
        let path = Scratch.folder + "/seed.coded"
        var info = SF_INFO()
        (info.samplerate, info.channels, info.format) = (8000, 1, Int32(container | coding))
        guard let sound = sf_open(path, Int32(SFM_WRITE), &info) else {
            throw OpahError(.audio, "\(path): \(String(cString: sf_strerror(nil)))")
        }
        // Some codings count blocks, or nothing.
        sf_write_float(sound, samples, sf_count_t(samples.count))
        sf_close(sound)
        return try RegularFile.contents(path)
    }
}
