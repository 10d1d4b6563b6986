import Foundation
import TestSupport
import XCTest

/// A fault for the preloaded library (Tests/FaultShim): which system call on a file below a folder fails, and how.
final class FaultPlan {
    /// Families of system calls, in the order of the library's.
    enum Call: Int, CaseIterable { case open, read, write, sync, rename, makeFolder, remove, close }

    enum Outcome: Equatable, CustomStringConvertible {
        case error(Int32)
        /// Half of the bytes go through.
        case cutShort
        /// SIGKILL, before the call.
        case killed

        var description: String {
            switch self {
            case .error(let code): String(cString: strerror(code))
            case .cutShort: "cut short"
            case .killed: "killed"
            }
        }
    }

    /// What can befall a call of each family.
    static func outcomes(_ call: Call) -> [Outcome] {
        switch call {
        case .open: [.error(EIO), .error(ENOSPC), .error(EROFS), .error(EMFILE)]
        case .read: [.error(EIO), .cutShort]
        case .write: [.error(EIO), .error(ENOSPC), .error(EDQUOT), .error(EINTR), .cutShort]
        case .sync: [.error(EIO), .error(ENOSPC)]
        case .rename, .makeFolder: [.error(EIO), .error(ENOSPC), .error(EROFS)]
        case .remove: [.error(EIO)]
        case .close: [.error(EIO), .error(ENOSPC)]
        }
    }

    // struct FaultPlan of FaultShim.h: seen[8], at (8 bytes each); call, error, lasting, hits (4 bytes each); folder.
    private static let size = 8 * 8 + 8 + 4 * 4 + 1024
    private let path: String, memory: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - number: which call of the family, from 1; 0 only counts.
    ///   - lasting: whether all later calls of the family fail too, as on a disk that is full.
    init(
        below folder: String, _ call: Call = .open, number: Int = 0, _ outcome: Outcome = .killed, lasting: Bool = false
    ) throws {
        path = NSTemporaryDirectory() + "opah-fault-\(UUID().uuidString.prefix(8))"
        guard let resolved = realpath(folder, nil) else {
            throw Torture.Problem(description: "\(folder): is not there")
        }
        defer { free(resolved) }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, off_t(Self.size)) == 0,
            let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else {
            throw Torture.Problem(description: "\(path): cannot be mapped")
        }
        close(descriptor)
        self.memory = memory
        memory.storeBytes(of: Int64(number), toByteOffset: 64, as: Int64.self)
        let code: Int32 =
            switch outcome {
            case .error(let code): code
            case .cutShort: 0
            case .killed: -1
            }
        for (index, value) in [Int32(call.rawValue), code, lasting ? 1 : 0, 0].enumerated() {
            memory.storeBytes(of: value, toByteOffset: 72 + 4 * index, as: Int32.self)
        }
        strncpy(memory.advanced(by: 88).assumingMemoryBound(to: CChar.self), resolved, 1023)
    }

    deinit {
        munmap(memory, Self.size)
        unlink(path)
    }

    /// How many calls of the family there were.
    func seen(_ call: Call) -> Int { Int(memory.load(fromByteOffset: 8 * call.rawValue, as: Int64.self)) }
    /// How many calls failed.
    var hits: Int { Int(memory.load(fromByteOffset: 84, as: Int32.self)) }

    /// What the program is to be started with.
    func environment() throws -> [String: String] {
        let library = OpahProcess.program.deletingLastPathComponent().appendingPathComponent("libFaultShim.so").path
        #if !os(Linux)
        throw XCTSkip("faults are injected on Linux only")
        #endif
        guard FileManager.default.fileExists(atPath: library) else {
            throw Torture.Problem(description: "\(library): is not there; `swift build --build-tests` makes it")
        }
        return ["LD_PRELOAD": library, "FAULT_PLAN": path]
    }
}
