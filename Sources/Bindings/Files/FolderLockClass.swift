import LuaHost
import Support

extension FolderLock: LuaObject {
    public static let luaClass = LuaClass(
        "FolderLock", of: FolderLock.self, "A folder that this program has for itself."
    ) { c in
        c.property(
            "folder", "string", "As it was given to `fs.lock`.",
            example: "local lock <close> = fs.lock(\"out\", \"packing\")\nlock.folder  --> \"out\""
        ) { lock, call in try call.push(lock.folder) }
        c.method(
            "release", "()",
            "Lets others in; also done at the end of its scope (`local lock <close> = ...`) and when the program ends.",
            example: """
                local lock = fs.lock("out", "packing")
                fs.write("out/notes.txt", "mine alone")
                lock:release()
                fs.lock("out", "training"):release()
                """
        ) { lock, _ in
            lock.release()
            return .none
        }
        c.onClose { $0.release() }
    }
}
