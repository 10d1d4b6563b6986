import LuaHost
import Support

extension FolderLock: LuaObject {
    public static let luaClass = LuaClass("FolderLock", of: FolderLock.self, "A folder that this program has for itself.") { c in
        c.property("folder", "string", "As it was given.") { lock, call in try call.push(lock.folder) }
        c.method("release", "()", "Lets others in; also done at the end of its scope (`local lock <close> = ...`) and when the program ends.") { lock, _ in
            lock.release()
            return .none
        }
        c.onClose { $0.release() }
    }
}
