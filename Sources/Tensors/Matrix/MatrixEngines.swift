import COpenBLAS

/// How products of bfloat16 factors are computed on this machine. Whichever way it is, they have the same factors; only
/// the order of the sums differs.
public enum BFloat16Engine {
    /// Whether the processor's own instructions multiply them. Otherwise the factors are rounded, and multiplied as
    /// float32 numbers: no faster than those, and of use to go on with what was begun elsewhere.
    public static var isAvailable: Bool { OneDNN.isUsed }

    /// How many times as fast as float32's its products are on this processor; nil where it has no instructions for
    /// them. They are not always faster: Intel's processors from Sapphire Rapids on are made to multiply such numbers
    /// in tiles (AMX), and where a virtual machine hides these, AVX512-BF16 has half the rate of float32.
    ///
    /// Measured when first asked for, in some tenths of a second.
    public static let speed: Double? = isAvailable ? try? MachineRates.bfloat16Speed() : nil

    /// Whether they are clearly faster, by a fifth and more: a choice that does not change from run to run.
    public static var isFaster: Bool { (speed ?? 0) >= 1.2 }

    /// `oneDNN (libdnnl.so.2)`, or why it is not used.
    public static var description: String { OneDNN.state.description }
}

/// What multiplies float32 matrices.
public enum MatrixLibrary {
    /// Has it choose its kernels, before the program starts threads of its own: what it is told changes the environment for a
    /// moment. Where nobody asks for it, the first product does.
    public static func prepare() { _ = OpenBLAS.isReady }

    /// `OpenBLAS 0.3.21 ... Haswell ...`: its release, how it was built, and the kernels that it chose for this
    /// processor.
    public static var description: String {
        _ = OpenBLAS.isReady
        return String(cString: openblas_get_config())
    }
}
