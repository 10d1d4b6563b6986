import LuaHost
import Support

/// A group of files as Lua has it. Closed, it brings out what is complete; its folder stays right in any case.
public final class FileGroup: LuaObject, @unchecked Sendable {
    private let group = CommitGroup()

    public static let luaClass = LuaClass("FileGroup", of: FileGroup.self, "Files that get their names together.") {
        c in
        c.method(
            "add", "(owner: string, work: fun(): any) -> any",
            """
            Runs `work` and gives its result; files that it writes (with `fs.write`, `fs.copy`, `audio.save`, `tensor.save_npy` and all others that write in one step) join the group. `owner`, such as the \
            path of a clip, is who is told of by `finish` when one of them could not be given its name.
            """,
            example: """
                local group <close> = fs.group()
                group:add("a.wav", function() fs.write("a.txt", "one") return 3 end)  --> 3
                """
        ) { group, call in
            let work = try call.get(2, as: LuaFunction.self)
            return try call.push(group.group.add(call.string(1)) { try work().first ?? .null })
        }
        c.method(
            "record", "(owner: string, work: fun(): any) -> any",
            """
            As `add`, for files that say that something was done: they appear only when all that was added before them has, durably, and not at all when something of their owner's failed.
            """,
            example: """
                local group <close> = fs.group()
                group:add("a.wav", function() fs.write("a.txt", "one") end)
                group:record("a.wav", function() fs.write("a.done", "1 file") end)
                group:finish(), fs.read("a.done")  --> {}, "1 file"
                """
        ) { group, call in
            let work = try call.get(2, as: LuaFunction.self)
            return try call.push(group.group.record(call.string(1)) { try work().first ?? .null })
        }
        c.method(
            "finish", "() -> table[]",
            "Brings out what has joined, and gives `{ owner, problem }` for each owner of whom something failed.",
            example: """
                local group <close> = fs.group()
                group:add("a.wav", function()
                  fs.write("taken", "a file")
                  fs.mkdir("taken")                    -- and now its name belongs to a folder
                end)
                group:finish()[1].owner  --> "a.wav"
                """
        ) { group, call in
            let failures = group.group.finish()
            return try call.push(
                List(failures.map { ["owner": $0.owner, "problem": LuaErrorValue($0.error)] as Fields }))
        }
        c.onClose { _ = $0.group.finish() }
    }
}
