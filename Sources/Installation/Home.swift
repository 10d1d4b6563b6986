import Foundation
import Support

/// Where the Lua files and examples are that come with the program.
public enum Home {
    /// The folder that holds `stdlib-lua` and `examples`: `OPAH_HOME`, else `<prefix>/share/opah` beside the
    /// program, else the checkout that it was built in.
    public static let folder: String? = {
        if let asked = getenv("OPAH_HOME").map({ String(cString: $0) }), !asked.isEmpty { return asked }
        var path = FileKind.resolved("/proc/self/exe")
        let shared = PathName.join(PathName.folder(PathName.folder(path)), "share/opah")
        if FileKind.isFolder(shared + "/stdlib-lua") { return shared }
        while path != "/", path != "." {
            path = PathName.folder(path)
            if FileKind.isFolder(path + "/stdlib-lua") { return path }
        }
        return nil
    }()

    public static func required() throws -> String {
        guard let folder else {
            throw OpahError(
                .file, "the Lua files of Opah (stdlib-lua) are not beside the program",
                hint: "set OPAH_HOME to the folder that holds stdlib-lua, or install with scripts/install")
        }
        return folder
    }

    public static var library: String? { folder.map { $0 + "/stdlib-lua" } }
}
