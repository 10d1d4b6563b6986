import Foundation
import LuaHost
import Support

extension LuaModule {
    /// `opah.fs`: files and folders, as recipes need them.
    public static let fs = LuaModule(
        "opah.fs", "Files, folders and paths. Writes are atomic; nothing is removed or overwritten unless asked."
    ) { m in
        m.otherNames([
            "listdir": "fs.list(folder)", "ls": "fs.list(folder)", "dir": "fs.list(folder)",
            "walk": "fs.list(folder, { recursive = true })", "open": "io.open(path), or fs.read and fs.write",
            "makedirs": "fs.mkdir(path)", "rename": "fs.move(from, to)", "unlink": "fs.remove(path)",
            "delete": "fs.remove(path)", "rmdir": "fs.remove(path)",
            "rmtree": "fs.remove(path, { recursive = true })", "is_file": "(fs.stat(path) or {}).kind == \"file\"",
            "isfile": "(fs.stat(path) or {}).kind == \"file\"",
            "is_dir": "(fs.stat(path) or {}).kind == \"folder\"", "isdir": "(fs.stat(path) or {}).kind == \"folder\"",
            "size": "fs.stat(path).size", "abspath": "fs.resolve(path)",
            "realpath": "fs.resolve(path)", "relpath": "fs.relative(path, folder)", "hash": "fs.digest(path)",
            "mkdtemp": "fs.tempdir()"
        ])
        m.function(
            "list", "(dir: string, opts?: {recursive?: boolean = false, extension?: string|string[]}) -> string[]",
            "Paths of the regular files in `dir`, sorted; hidden files and what systems leave behind are passed over. `extension` keeps one or several suffixes, in any case, with or without their dot.",
            example: #"""
                fs.list("data", { recursive = true, extension = ".wav" })  --> {"data/Alice/4.80-7.20.wav", "data/ハナコ/4.00-6.30.wav"}
                #fs.list("data/Alice", { extension = { "mp3", "flac" } })  --> 7
                """#
        ) { call in
            let wanted: LuaValue = try call.option("extension")
            var suffixes: [String]? = wanted.string.map { [$0] }
            if let list = wanted.table { suffixes = try list.list().compactMap(\.string) }
            let normal = suffixes?.map { ($0.hasPrefix(".") ? $0 : "." + $0).lowercased() }
            let walk = try FolderWalk(call.string(1), recursive: call.option("recursive"))
            return try call.push(walk.files.filter { normal?.contains(PathName.suffix($0).lowercased()) ?? true })
        }
        m.function(
            "glob", "(pattern: string) -> string[]",
            "Paths that match a shell pattern with `*`, `?`, `[...]` and `{a,b}`, sorted; none when nothing matches. `*` stays within one folder, and `**` is the same: `list` goes deeper.",
            example: #"fs.glob("data/*/*.{wav,flac}")[1]  --> "data/Alice/2.10-4.80.flac""#
        ) { call in
            try call.push(Glob.paths(call.string(1)))
        }
        m.function(
            "stat", "(path: string) -> \(Record.stat)?",
            "`{size=, kind=\"file\"|\"folder\"|\"other\", modified=}` (bytes; seconds since 1970), links followed; nil when there is nothing.",
            example: #"""
                fs.stat("data/Alice/0.00-2.10.lab").size  --> 41
                fs.stat("data").kind, fs.stat("nowhere")  --> "folder", nil
                """#
        ) { call in
            var info = stat()
            guard stat(try call.string(1), &info) == 0 else { return try call.push(LuaValue.null) }
            let kind =
                switch info.st_mode & S_IFMT {
                case S_IFREG: "file";
                case S_IFDIR: "folder";
                default: "other"
                }
            return try call.push(
                [
                    "size": Int(info.st_size), "kind": kind,
                    "modified": Double(info.st_mtim.tv_sec) + Double(info.st_mtim.tv_nsec) * 1e-9
                ] as Fields)
        }
        m.function(
            "is_link", "(path: string) -> boolean",
            "Whether the last part of the path is a symbolic link, wherever that leads; writing to it as other programs do would write there.",
            example: #"fs.is_link("data"), fs.is_link("nowhere")  --> false, false"#
        ) { call in
            var info = stat()
            return try call.push(lstat(try call.string(1), &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
        }
        m.function(
            "exists", "(path: string) -> boolean", "Whether there is a file or folder, links followed.",
            example: #"fs.exists("data"), fs.exists("nowhere")  --> true, false"#
        ) { call in
            try call.push(FileKind.exists(call.string(1)))
        }
        m.function(
            "mkdir", "(path: string)", "Makes a folder and those above it; one that exists is fine.",
            example: #"""
                fs.mkdir("results/first/figures")
                fs.stat("results/first").kind  --> "folder"
                """#
        ) { call in
            try FileKind.makeFolder(call.string(1))
            return .none
        }
        m.function(
            "copy", "(from: string, to: string)",
            "Copies a file to a file, replacing one that is there; the copy appears when it is complete.",
            example: #"""
                fs.copy("data/Alice/0.00-2.10.lab", "greeting.lab")
                fs.read("greeting.lab")  --> "Good morning. The harbour is quiet today."
                """#
        ) { call in
            try FileMove.copy(call.string(1), to: call.string(2))
            return .none
        }
        m.function(
            "move", "(from: string, to: string)",
            "Renames a file or folder. A file that is there already is replaced. A file may go to another file system, a folder not.",
            example: #"""
                fs.write("draft.txt", "one")
                fs.move("draft.txt", "final.txt")
                fs.exists("draft.txt"), fs.read("final.txt")  --> false, "one"
                """#
        ) { call in
            try FileMove.move(call.string(1), to: call.string(2))
            return .none
        }
        m.function(
            "remove", "(path: string, opts?: {recursive?: boolean = false, keep?: string})",
            """
            Removes a file, a link or an empty folder; with `recursive` a folder and everything in it, but for the name `keep` directly in it, and then the folder stays. Links are removed, never what they point to.
            """,
            example: #"""
                fs.mkdir("scratch/a")
                fs.remove("scratch", { recursive = true })
                fs.exists("scratch")  --> false
                """#
        ) { call in
            let path = try call.string(1), keep: String? = try call.option("keep")
            if try call.option("recursive") {
                if let keep {
                    for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != keep {
                        try removeTree(path + "/" + name)
                    }
                } else {
                    try removeTree(path)
                }
            } else {
                guard Glibc.remove(path) == 0 else {
                    let code = errno
                    var error = OpahError.system(path, errno: code, doing: "remove")
                    if code == ENOTEMPTY || code == EEXIST {
                        error.hint = "{ recursive = true } removes a folder and everything in it"
                    }
                    throw error
                }
            }
            return .none
        }
        m.function(
            "tempdir", "() -> string", "A new folder for temporary files. The caller removes it.",
            example: #"""
                local folder = fs.tempdir()
                fs.stat(folder).kind  --> "folder"
                fs.remove(folder, { recursive = true })
                """#
        ) { call in
            var template = Array(
                ((ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp") + "/opah-XXXXXX").utf8CString)
            guard mkdtemp(&template) != nil else {
                throw OpahError.system("the temporary folder", errno: errno, doing: "make")
            }
            return try call.push(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        m.function(
            "join", "(...: string) -> string",
            "Parts of a path joined by `/`; a part that begins with `/` starts anew.",
            example: #"fs.join("data", "Alice", "b.wav"), fs.join("data", "/tmp")  --> "data/Alice/b.wav", "/tmp""#
        ) { call in
            let parts: [String] = try call.variadic()
            return try call.push(parts.dropFirst().reduce(parts.first ?? "", PathName.join))
        }
        m.function(
            "dirname", "(path: string) -> string", "The path without its last part; `.` when there is only one.",
            example: #"fs.dirname("data/Alice/b.wav"), fs.dirname("b.wav")  --> "data/Alice", ".""#
        ) { call in
            try call.push(PathName.folder(call.string(1)))
        }
        m.function(
            "basename", "(path: string, suffix?: string) -> string",
            "The last part of the path, without `suffix` when it ends in it.",
            example: #"fs.basename("data/Alice/b.wav"), fs.basename("data/Alice/b.wav", ".wav")  --> "b.wav", "b""#
        ) { call in
            var name = PathName.last(try call.string(1))
            if let suffix: String = try call.get(2), name.hasSuffix(suffix), name != suffix {
                name.removeLast(suffix.count)
            }
            return try call.push(name)
        }
        m.function(
            "read", "(path: string) -> string", "The whole file, as bytes.",
            example: #"fs.read("data/Alice/0.00-2.10.lab")  --> "Good morning. The harbour is quiet today.""#
        ) { call in
            try call.push(bytes: RegularFile.contents(call.string(1)))
        }
        m.function(
            "digest", "(path: string) -> string",
            "32 hexadecimal digits that tell whether two files hold the same bytes (XXH3; against accidents, not against forgers).",
            example: #"""
                fs.write("a.txt", "same")
                fs.write("b.txt", "same")
                fs.digest("a.txt") == fs.digest("b.txt"), #fs.digest("a.txt")  --> true, 32
                """#
        ) { call in
            try call.push(MappedFile(call.string(1)).withBytes { Digest.of($0) })
        }
        m.function(
            "write", "(path: string, content: string)",
            "Replaces the file in one step: a reader sees the old content or the new, never half. Its folder must exist.",
            example: #"""
                fs.write("notes.txt", "step 10")
                fs.read("notes.txt")  --> "step 10"
                """#
        ) { call in
            let file = try AtomicFile(call.string(1))
            try file.write(call.bytes(2))
            try file.commit()
            return .none
        }
        m.type(FileGroup.luaClass)
        m.function(
            "group", "() -> FileGroup",
            """
            For many small files: those that are written inside `group:add` and `group:record` get their names together, about once a second, after one sync of the disk for all of them instead of \
            two for each. Until then nothing under their names has changed, so the code that writes them does not see them. Each is whole or not there, as always.
            """,
            example: """
                local group <close> = fs.group()
                for i = 1, 20 do
                  group:add("clip " .. i, function() fs.write(i .. ".txt", tostring(i)) end)
                end
                group:finish(), fs.read("20.txt")  --> {}, "20"
                """
        ) { call in try call.push(FileGroup()) }
        m.type(FolderLock.luaClass)
        m.type(MadeFiles.luaClass)
        m.function(
            "made",
            "(stage: string, settings?: table, opts?: {overwrite?: boolean = false, format?: integer = 1, grouped?: boolean = false}) -> MadeFiles",
            """
            Keeps track of what the files that `stage` makes were made from: content of inputs and `settings` (plain values by name), in `.opah-made.jsonl` beside them. A recipe asks it before it makes a file, \
            so that a second run does nothing, and a changed input is never missed. `overwrite` makes everything again; `format` is raised when the stage comes to give something else for the same input. \
            With `grouped` many small files get their names together (see `fs.group`), which costs one wait for the disk and not one for each.
            """,
            example: """
                local made <close> = fs.made("copy", { reversed = false })
                local function copy() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end
                made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, copy), made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, copy)  --> "made", "kept"
                """
        ) { call in
            let settings: LuaTable? = try call.get(2)
            guard case .map(let map)? = try settings.map({ try ConfigValue(lua: .table($0)) }) ?? .map([:]) else {
                guard try settings?.pairs().isEmpty ?? true else {
                    throw call.error(at: 2, "settings are values by name")
                }
                return try call.push(
                    MadeFiles(
                        stage: call.string(1), format: call.option("format"), overwrite: call.option("overwrite"),
                        grouped: call.option("grouped")))
            }
            return try call.push(
                MadeFiles(
                    stage: call.string(1), format: call.option("format"), settings: map,
                    overwrite: call.option("overwrite"), grouped: call.option("grouped")))
        }
        m.function(
            "origins", "(folder: string) -> {[string]: \(Record.origin)}",
            """
            What stages wrote down about the files that they made in a folder (see `made`), by name: the stage, its settings, whether it is still being `made`, and paths and digests of what went in \
            (`from`, by role) and came out (`to`, by name). Empty for a folder without a record.
            """,
            example: """
                local made <close> = fs.made("copy", { reversed = false })
                made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end)
                fs.origins(".")["one.lab"].stage, fs.origins(".")["one.lab"].from.label.path  --> "copy", "data/Alice/0.00-2.10.lab"
                fs.origins("data/Alice")  --> {}
                """
        ) { call in
            try call.push(
                Fields(
                    MadeLook.origins(in: call.string(1)).map { name, origin in
                        (
                            name,
                            Fields([
                                ("stage", origin.stage), ("settings", LuaTree(value: .map(origin.settings))),
                                ("is_open", origin.isOpen),
                                (
                                    "from",
                                    Fields(
                                        origin.sources.map { ($0, Fields([("path", $1.path), ("digest", $1.digest)])) })
                                ),
                                ("to", Fields(origin.outputs.map { ($0, $1) }))
                            ])
                        )
                    }))
        }
        m.function(
            "stamp", "(path: string) -> string?, boolean?",
            """
            Text that is the same as long as a file was not written to (size, times of change, inode), without reading it; nil when there is no such file. Other stamps mean that the content must be looked at \
            (`digest`). Second: whether the next write is sure to give another stamp, which it is not within a moment of the last one.
            """,
            example: """
                before = fs.stamp("data/Alice/0.00-2.10.lab")
                fs.stamp("data/Alice/0.00-2.10.lab") == before, fs.stamp("nowhere")  --> true, nil
                """
        ) { call in
            guard let stamp = FileStamp(try call.string(1)) else { return try call.push(LuaValue.null) }
            return try call.push(stamp.text, stamp.isSettled)
        }
        m.function(
            "lock", "(folder: string, work?: string = \"a recipe\", opts?: {name?: string = \".lock\"}) -> FolderLock",
            """
            Takes a folder for this program alone, and makes it when there is none. While another has it: an error that says who, since when, and what to do. `work` says what is done in it; locks \
            of different `name` (a file in the folder) do not know each other. Freed at the end of its scope or of the program, also when that is killed.
            """,
            example: """
                local lock <close> = fs.lock("out/mine", "packing")
                select(2, pcall(fs.lock, "out/mine", "packing")).message   --> "out/mine: this program is at work here already (packing)"
                """
        ) { call in
            let name: String = try call.option("name")
            guard !name.isEmpty, !name.contains("/") else {
                throw call.error("name is the name of a file, not \(name)")
            }
            return try call.push(FolderLock(call.string(1), for: call.string(2), name: name))
        }
        m.function(
            "relative", "(path: string, folder: string) -> string",
            "`path` as seen from `folder`, both as written; an error when it does not lie in it.",
            example: #"fs.relative("data/Alice/b.wav", "data")  --> "Alice/b.wav""#
        ) { call in
            let path = try call.string(1)
            var folder = try call.string(2)
            while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            guard path.hasPrefix(folder + "/") else { throw call.error("\(path) does not lie in \(folder)") }
            return try call.push(String(path.dropFirst(folder.count + 1)))
        }
        m.function(
            "resolve", "(path: string) -> string",
            "The absolute path with links, `.` and `..` resolved; parts that do not exist are kept.",
            example: #"fs.resolve("data/../new.wav")  --> "/.../new.wav""#
        ) { call in
            try call.push(FileKind.resolved(call.string(1)))
        }
        m.function(
            "overlap", "(a: string, b: string) -> boolean",
            "Whether one of the two is the other or lies in it, links resolved.",
            example: #"fs.overlap("data", "data/Alice"), fs.overlap("data", "data2")  --> true, false"#
        ) { call in
            try call.push(FileKind.overlap(call.string(1), call.string(2)))
        }
        m.function(
            "error", "(kind: string, message: string, hint?: string) -> any",
            """
            An error value for `error()`, with `kind`, `message` and `hint` as native errors have them. Kinds are argument, shape, dtype, index, gradient, file, format, unsafe, audio, text, \
            checkpoint, config, data, interrupted, usage, exit, memory and lua. `usage` ends a recipe with exit code 2, `interrupted` with 130, `exit` with the code that is its message, others with 1.
            """,
            example: #"""
                local ok, problem = pcall(error, fs.error("file", "b.wav: too short", "record it again"))
                problem.kind, problem.message, problem.hint  --> "file", "b.wav: too short", "record it again"
                """#
        ) { call in
            guard let kind = OpahError.Kind(rawValue: try call.string(1)) else {
                throw call.error(
                    at: 1, "no such kind",
                    hint:
                        "kinds are argument, shape, dtype, index, gradient, file, format, unsafe, audio, text, checkpoint, config, data, interrupted, usage, exit, memory and lua"
                )
            }
            return try call.push(LuaErrorValue(OpahError(kind, call.string(2), hint: call.get(3))))
        }
    }
}

/// Removes a tree without ever following a link out of it.
private func removeTree(_ path: String) throws {
    var info = stat()
    guard lstat(path, &info) == 0 else {
        if errno == ENOENT { return }
        throw OpahError.system(path, errno: errno, doing: "remove")
    }
    if info.st_mode & S_IFMT == S_IFDIR {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) { try removeTree(path + "/" + name) }
    }
    guard Glibc.remove(path) == 0 else { throw OpahError.system(path, errno: errno, doing: "remove") }
}
