import COpenBLAS
import Glibc
import SystemShim

/// libopenblas as Opah uses it: on one thread at a time, and with kernels that fit the processor.
///
/// It chooses kernels by the processor's model number. Release 0.3.21 takes Intel's of family 6 with numbers from 176 on
/// (Raptor Lake, Emerald Rapids) for processors of 2004: its table has no line for them, and ends in that of family 15.
/// float32 products then take five times as long as they need.
package enum OpenBLAS {
    /// To be asked for before any of its functions is called.
    package static let isReady: Void = {
        takeFittingKernels()
        openblas_set_num_threads(1)
    }()

    /// Its kernels' name, as `Haswell`.
    package static var kernels: String { String(cString: openblas_get_corename()) }

    /// Those without AVX2, which no processor with AVX2 should get.
    private static let withoutAVX2: Set = [
        "Unknown", "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn", "Dunnington",
        "Nehalem", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Nano", "Sandybridge", "Bobcat", "Bulldozer",
        "Piledriver", "Steamroller"
    ]

    /// Those for what the processor can do (`system_vector_level`); nil where it is right to leave the choice to the library.
    package static func fitting(chosen: String, level: Int32) -> String? {
        guard withoutAVX2.contains(chosen) else { return nil }
        return switch level {
        case 5: "Cooperlake"
        case 4: "SkylakeX"
        case 3: "Haswell"
        default: nil
        }
    }

    /// Its own threads, which are there since it was loaded, choose kernels too when one of them is the first to ask for
    /// memory: between forgetting and choosing that is two at once, and a null pointer for one of them (seen in one start of
    /// some thousands beside other work). A product asks first; where there is one thread, as under a limit on addresses, none has to.
    private static func endSetup() {
        guard openblas_get_num_threads() > 1 else { return }
        let ones = [Float](repeating: 1, count: 64)
        var products = ones
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 8, 8, 8, 1, ones, 8, ones, 8, 0, &products, 8)
    }

    /// Has the library choose again, with the name in the environment variable that is its way to be told. What it is
    /// told by the person who runs this stands.
    private static func takeFittingKernels() {
        guard getenv("OPENBLAS_CORETYPE") == nil,
            let wanted = fitting(chosen: kernels, level: system_vector_level()),
            // Its own functions, which no header of it has: the choice alone, apart from its threads and buffers.
            let forget = dlsym(nil, "gotoblas_dynamic_quit"), let choose = dlsym(nil, "gotoblas_dynamic_init")
        else { return }
        endSetup()
        typealias Call = @convention(c) () -> Void
        setenv("OPENBLAS_CORETYPE", wanted, 1)
        unsafeBitCast(forget, to: Call.self)()
        unsafeBitCast(choose, to: Call.self)()
        unsetenv("OPENBLAS_CORETYPE")
    }
}
