import COpenBLAS

/// How products of bfloat16 factors are computed on this machine. Whichever way it is, they have the same factors; only
/// the order of the sums differs.
public enum BFloat16Engine {
    /// Whether the processor's own instructions multiply them. Otherwise the factors are rounded, and multiplied as
    /// float32 numbers: no faster than those, and of use to go on with what was begun elsewhere.
    public static var isFast: Bool { OneDNN.isUsed }
    /// `oneDNN (libdnnl.so.2)`, or why it is not used.
    public static var description: String { OneDNN.state.description }
}

/// What multiplies float32 matrices.
public enum MatrixLibrary {
    /// `OpenBLAS 0.3.21 ... Haswell ...`: its release, how it was built, and the kernels that it chose for this
    /// processor.
    public static var description: String { String(cString: openblas_get_config()) }
}
