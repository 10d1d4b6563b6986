import Tensors

/// What the encoder computes on its way from samples to codes, for inspection and tests. F mel frames,
/// L tokens (rounded up), C codebooks, group-major.
public struct CodecFeatures {
    /// Log-mel spectrogram: float32 [melCount, F].
    public let mel: Tensor
    /// The backbone's output: float32 [D, F].
    public let backbone: Tensor
    /// Bounded values right before rounding: float32 [groups, books per group, L, levels].
    public let latents: Tensor
    /// Codes of all tokens, the last of which may cover padding: int32 [C, L].
    public let indices: Tensor
    /// Distance of the nearest of a code's values to a rounding boundary, from 0 to 0.5; for residual
    /// books the minimum over the earlier books of the group too: float32 [C, L].
    public let margins: Tensor
}
