import COpenBLAS

/// In which numbers the products of a training step with its weights are computed. Sums are always float32.
public enum ProductPrecision: String, Sendable {
    case float32
    /// Both factors rounded to bfloat16 (8 bits, half to even). Weights stored so lose nothing.
    case bfloat16
}

/// How products of bfloat16 factors are computed on this machine. Whichever way it is, they have the same factors; only
/// the order of the sums differs.
public enum BFloat16Engine {
    /// Whether the processor's own instructions multiply them: with bfloat16 products then take less time than with
    /// float32 ones. Otherwise the factors are rounded, and multiplied as float32 numbers: no faster, and of use to go on with
    /// what was begun elsewhere.
    public static var isFast: Bool { OneDNN.state.isOpen }
    /// `oneDNN (libdnnl.so.2)`, or why it is not used.
    public static var description: String { OneDNN.state.description }
}

/// What multiplies float32 matrices.
public enum MatrixLibrary {
    /// `OpenBLAS 0.3.21 ... Haswell`: its release, how it was built, and the kernels that it chose for this processor.
    public static var description: String { String(cString: openblas_get_config()).trimmingCharacters() }
}

extension String {
    fileprivate func trimmingCharacters() -> String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
