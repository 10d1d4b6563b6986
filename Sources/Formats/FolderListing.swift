import Glibc
import Support

enum FolderListing {
    /// The names in a folder, in no order.
    static func names(_ folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw OpahError.system(folder, errno: errno, doing: "list") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            // d_name is a C array, which Swift sees as a tuple: its address is the string's.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
            names.append(
                String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)))
        }
        return names
    }
}
