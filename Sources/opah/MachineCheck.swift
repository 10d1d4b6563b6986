import Console
import Glibc
import Installation
import Tensors

/// Whether this processor has the instructions that the program was built with, and the program the addresses that it
/// needs: a clear message instead of an illegal instruction, or an endless wait, somewhere later.
enum MachineCheck {
    static func run() {
        if let problem = AddressSpace.prepare() {
            Terminal.warn(problem)
            exit(1)
        }
        MatrixLibrary.prepare()
        guard let missing = InstructionSet.missing() else { return }
        Terminal.warn(
            "opah: this program was built for processors with \(missing), which this one does not have.\n"
                + "  hint: build it here with OPAH_MARCH=x86-64 scripts/quickstart")
        exit(1)
    }
}
