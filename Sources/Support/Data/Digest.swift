import CXXHash

/// XXH3, 128 bits: says whether two byte strings are the same at the speed of memory. It guards
/// against accidents (another base checkpoint, an edited clip), not against an adversary.
public struct Digest {
    private let state: OpaquePointer

    public init() {
        state = XXH3_createState()
        XXH3_128bits_reset(state)
    }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
    }

    public func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The digest so far as 32 hexadecimal digits; frees the state, so call it once.
    public func finish() -> String {
        let hash = XXH3_128bits_digest(state)
        XXH3_freeState(state)
        return hex(hash.high64) + hex(hash.low64)
    }

    private func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> String {
        let digest = Digest()
        digest.update(bytes)
        return digest.finish()
    }
}
