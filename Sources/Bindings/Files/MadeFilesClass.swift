import LuaHost
import Support

/// What stages write, made again only when it must be, as Lua recipes use it.
extension MadeFiles: LuaObject {
    public static let luaClass = LuaClass(
        "MadeFiles", of: MadeFiles.self, "Keeps track of what a stage's files were made from."
    ) { c in
        c.method(
            "make",
            "(output: string, inputs: table<string, string>, work: fun(): string[]|boolean?, opts?: {copy?: boolean = false, present?: boolean, unless?: fun(): string?, owner?: string}) -> string",
            """
            Makes `output` by calling `work` when it is not there, or was made from other content or with other settings: "made", "remade" or "kept". `inputs` are paths by role: `sound`, `label`, \
            with more behind a colon: `["label:.txt"]`. Work that writes several files returns their paths (false when some are missing, so that the next run tries again), and `opts.present` says whether some lie there already; those that an earlier run wrote beside \
            them go. A `copy` does not depend on the settings. What somebody else made, or changed by hand, is kept (see `notes`); when its input changed as well, or `opts.unless` gives a reason not to remake, that is an error. \
            So is an error of `work`, after which the output counts as not made. `opts.owner` is who `bring_out` tells of, `output` unless given.
            """,
            example: """
                function quieter(factor)
                  local made <close> = fs.made("quieter", { factor = factor })
                  fs.mkdir("quiet")
                  return made:make("quiet/a.wav", { sound = "data/Alice/4.80-7.20.wav" }, function()
                    samples, info = audio.load("data/Alice/4.80-7.20.wav")
                    audio.save("quiet/a.wav", samples * factor, info.sample_rate)
                  end)
                end
                quieter(0.5), quieter(0.5), quieter(0.25)  --> "made", "kept", "remade"
                """
        ) { made, call in
            let output = try call.string(1), inputs: [String: String] = try call.get(2),
                work: LuaFunction = try call.get(3)
            let present: Bool? = try call.option("present"), unless: LuaFunction? = try call.option("unless")
            let isCopy: Bool = try call.option("copy"),
                decision = made.decide(output, from: inputs, isThere: present, isCopy: isCopy)
            switch decision {
            case .conflict(let changes): throw refusal(output, changes)
            case .remake(let changes):
                if let reason = try unless?().first?.string {
                    throw OpahError(
                        .data,
                        "\(name: output): \(reason), and what it was made from changed (\(changes.joined(separator: ", ")))",
                        hint: "move it elsewhere to have it made again, or use --overwrite")
                }
            case .make: break
            default: return try call.push("kept")
            }
            let making = try made.start(output, from: inputs, decision, isAtomic: present == nil, isCopy: isCopy)
            try made.make(making, owner: call.option("owner") ?? output) {
                let result = try work().first
                return result?.boolean == false ? nil : try result?.table?.list().compactMap(\.string) ?? [output]
            }
            if case .remake = decision { return try call.push("remade") }
            return try call.push("made")
        }
        c.method(
            "bring_out", "() -> table[]",
            """
            Gives the files of a grouped stage their names, as happens now and then by itself; `{ owner, problem }` for each owner of whom one could not be given its name, and that \
            therefore counts as not made.
            """,
            example: """
                local made <close> = fs.made("copy", {}, { grouped = true })
                made:make("joint.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "joint.lab") end)
                fs.exists("joint.lab"), made:bring_out(), fs.exists("joint.lab")  --> false, {}, true
                """
        ) { made, call in
            try call.push(
                List(made.bringOut().map { ["owner": $0.owner, "problem": LuaErrorValue($0.error)] as Fields }))
        }
        c.method(
            "drop", "(output: string) -> boolean",
            "Removes what an earlier run made under this name, unless it was changed by hand. Says whether it did.",
            example: """
                local made <close> = fs.made("copy")
                made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end)
                made:drop("one.lab"), made:drop("one.lab"), fs.exists("one.lab")  --> true, false, false
                """
        ) { made, call in try call.push(made.drop(call.string(1))) }
        c.method(
            "notes", "(noun?: string = \"files\", below?: string) -> \(Record.note)[]",
            "What is worth knowing about outputs that were kept, one note for each kind: no record of what made them, changed by hand, and, in the folder `below`, made from what is no longer there. `noun` is what they are.",
            example: """
                fs.write("other.lab", "from elsewhere")
                local made <close> = fs.made("copy")
                made:make("other.lab", { label = "data/Alice/0.00-2.10.lab" }, function() end)  --> "kept"
                made:notes("labels")[1].text                                                  --> "1 label has no record of what made it and is kept; --overwrite makes it again (other.lab)"
                """
        ) { made, call in
            try call.push(
                List(
                    made.notes(call.string(1), below: call.get(2)).map { ["path": $0.path, "text": $0.note] as Fields })
            )
        }
        c.property(
            "remade", "string?",
            "How many outputs were made again and why, as in `remade 3 (input changed: 1, settings: 2)`; nil when none was.",
            example: "local made <close> = fs.made(\"copy\")\nmade.remade  --> nil"
        ) { made, call in try call.push(made.remade) }
        c.method(
            "close", "()",
            "Completes the records on the disk; also done at the end of its scope (`local made <close> = ...`).",
            example: """
                local made = fs.made("copy")
                made:close()
                """
        ) { made, _ in
            made.close()
            return .none
        }
        c.onClose { $0.close() }
    }
}
