import Foundation
import Installation
import Support

/// Whether files are still what they were: sizes and times of change, of a whole folder if need be. A run takes
/// one of each of its inputs, so that a batch knows later whether the run is still good.
package struct InputStamp {
    package let path: String
    /// Path, as it was found -> size and time of change.
    private var files: [String: String]

    package init(_ path: String) {
        self.path = path
        files = Self.list(path)
    }

    private static func list(_ path: String) -> [String: String] {
        let files = FileKind.isFolder(path) ? (try? Interrupt.deferred { try FolderWalk(path).files }) ?? [] : [path]
        var result: [String: String] = [:]
        for file in files {
            var info = stat()
            if stat(file, &info) == 0 {
                result[file] = "\(info.st_size) \(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec)"
            }
        }
        return result
    }

    /// What the run leaves behind: files that it made itself count as they are now, those that were there as they
    /// were at the start, so that a file which changed meanwhile makes the run stale.
    package var atEnd: String { Self.digest(Self.list(path).merging(files) { _, old in old }) }

    static func now(_ path: String) -> String { digest(list(path)) }

    private static func digest(_ files: [String: String]) -> String {
        let digest = Digest()
        for (file, stamp) in files.sorted(by: { $0.key < $1.key }) { digest.update("\(file)\0\(stamp)\0") }
        return digest.finish()
    }
}

/// What decides, besides its inputs, what a run gives: the program, the Lua files that come with it, the recipe
/// and its arguments.
enum RunFingerprint {
    static func of(_ item: BatchItem, program: String) throws -> String {
        let digest = Digest()
        for part in [opahVersion, InputStamp.now(program), library, item.recipe] + item.arguments {
            digest.update(part + "\0")
        }
        try MappedFile(RecipeIndex.path(item.recipe)).withBytes { digest.update($0) }
        return digest.finish()
    }

    private static let library: String =
        Home.library.map { folder in
            let digest = Digest()
            for file in (try? FolderWalk(folder).files) ?? []
            where file.hasSuffix(".lua") && !file.hasPrefix(folder + "/meta/") {
                digest.update(file + "\0")
                try? MappedFile(file).withBytes { digest.update($0) }
            }
            return digest.finish()
        } ?? ""
}
