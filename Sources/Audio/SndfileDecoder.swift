import CSndfile

/// A decoder of libsndfile's with what it reads from. An object of its own, so that it is closed when whoever opened it
/// throws before being complete: a class without all its values is never deinitialised.
final class SndfileDecoder {
    let view: FileView
    private(set) var format = SF_INFO()
    private let handle: OpaquePointer

    /// Nil when libsndfile cannot read it; `sf_strerror(nil)` says why.
    init?(_ view: FileView) {
        self.view = view
        guard let handle = view.openSndfile(&format) else { return nil }
        self.handle = handle
    }

    deinit { sf_close(handle) }

    /// Up to `frames` samples of every channel, interleaved; how many there were, 0 at the end and at an error.
    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) -> Int {
        max(0, Int(sf_readf_float(handle, samples, sf_count_t(frames))))
    }

    /// Whether it stands at that sample now.
    func seek(to frame: Int) -> Bool { sf_seek(handle, sf_count_t(frame), 0) == sf_count_t(frame) }

    /// What its last call complained of.
    var problem: String? { sf_error(handle) == 0 ? nil : String(cString: sf_strerror(handle)) }
}
