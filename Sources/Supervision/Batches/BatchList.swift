import Installation
import Support

/// What a batch runs: Lua files, folders of them, patterns, and lists (`.batch`), which say which recipe runs
/// with which arguments:
///
///     # Ranks and learning rates: six runs.
///     vary rank = 4 8 16
///     vary lr   = 1e-4 3e-4
///     rank{rank}-lr{lr}: {here}/tune.lua --rank {rank} --lr {lr}
///     train project=mine paths.run_dir={out}/mine        # a stock recipe, without a name of its own
///
/// A line is repeated for every value of the variables in it. `{here}` is the folder of the list, `{out}` the folder
/// that the run writes to. Words are split and quoted as in a shell; a line that ends in `\` goes on in the next.
/// Other paths are as on the command line: seen from where the batch was started.
public struct BatchList {
    public private(set) var items: [BatchItem] = []
    /// Files of a folder whose header says `batch: no`, with what it says after that.
    public private(set) var leftOut: [(path: String, reason: String)] = []
    /// Names and paths of recipes that there are.
    private var recipes: Set<String> = []
    /// The file that a recipe's name or path means; throws where there is none.
    private let recipePath: (String) throws -> String
    /// More runs than anybody waits for; a few short variations multiply to more than memory holds.
    private static let most = 100_000

    /// - Parameters:
    ///   - variations: `lr=1e-4,3e-4`: every run is repeated with each of the values, as `--lr=1e-4`; as the override
    ///     `a.b=1` when there is a dot or `+` in the name.
    ///   - arguments: given to every run, after its own.
    ///   - recipePath: how recipes are looked up.
    public init(
        _ inputs: [String], variations: [String] = [], arguments: [String] = [],
        recipePath: @escaping (String) throws -> String = RecipeIndex.path
    ) throws {
        self.recipePath = recipePath
        for input in inputs {
            let before = items.count
            for path in try Self.files(input) {
                if path.hasSuffix(".batch") { try read(path) } else { try add(path, isNamed: path == input) }
            }
            if FileKind.exists(input) || items.count > before { continue }
            // Neither a file nor a pattern that matches: the name of a stock recipe, or an error that says what there
            // is.
            _ = try recipePath(input)
            items.append(BatchItem(name: input, recipe: input, arguments: []))
        }
        for text in variations { try vary(text) }
        for index in items.indices { items[index].arguments += arguments }
        giveNames()
    }

    /// A file itself, the `.lua` and `.batch` files directly in a folder, or what a pattern matches.
    private static func files(_ input: String) throws -> [String] {
        if FileKind.isFile(input) { return [input] }
        let all =
            FileKind.isFolder(input)
            ? try FolderWalk(input, recursive: false).files : Glob.paths(input).filter(FileKind.isFile)
        return all.filter { $0.hasSuffix(".lua") || $0.hasSuffix(".batch") }
    }

    private mutating func add(_ path: String, isNamed: Bool) throws {
        let mark = try RecipeIndex.header(of: path).first { $0.hasPrefix("batch: no") }
        if let mark, !isNamed {
            leftOut.append((path, mark.dropFirst(9).trimmingPrefix { " ,:;".contains($0) }.description))
        } else {
            items.append(BatchItem(name: PathName.withoutSuffix(PathName.last(path)), recipe: path, arguments: []))
        }
    }

    // MARK: lists

    private mutating func read(_ path: String) throws {
        var variables: [(name: String, values: [String])] = [("here", [PathName.folder(path)])]
        var line = "", began = 0
        let lines = try SourceText.read(path).split(separator: "\n", omittingEmptySubsequences: false)
        for (number, text) in lines.enumerated() {
            if line.isEmpty { began = number + 1 }
            if text.hasSuffix("\\"), number + 1 < lines.count {
                line += text.dropLast() + " "
                continue
            }
            do { try read(line: line + text, &variables) } catch let error as OpahError {
                throw error.at("\(name: path):\(began)")
            }
            line = ""
        }
    }

    private mutating func read(line: String, _ variables: inout [(name: String, values: [String])]) throws {
        var words = try ShellWords.split(line)
        guard let first = words.first else { return }
        if first == "vary" {
            guard words.count > 3, words[2] == "=", words[1].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
            else {
                throw OpahError(.usage, "a variation is written: vary NAME = VALUE VALUE ...")
            }
            if ["here", "out"].contains(words[1]) || variables.contains(where: { $0.name == words[1] }) {
                throw OpahError(.usage, "{\(words[1])} has a meaning already")
            }
            variables.append((words[1], Array(words[3...])))
            return
        }
        var name = ""
        if first.hasSuffix(":"), first.count > 1 {
            name = String(words.removeFirst().dropLast())
            guard !words.isEmpty else { throw OpahError(.usage, "a recipe is missing behind \(name):") }
        }
        let known = variables.map(\.name) + ["out"]
        for unknown in ([name] + words).flatMap(Self.placeholders) where !known.contains(unknown) {
            throw OpahError(
                .usage, "{\(unknown)} has no meaning here",
                hint: suggestion(for: unknown, in: known) ?? "write vary \(unknown) = ... above")
        }
        let used = variables.filter { variable in ([name] + words).contains { $0.contains("{\(variable.name)}") } }
        try Self.check(count: items.count + used.reduce(1) { min($0 * $1.values.count, Self.most + 1) })
        for values in Self.combinations(used.map(\.values)) {
            func filled(_ text: String) -> String {
                zip(used, values).reduce(text) { $0.replacing("{\($1.0.name)}", with: $1.1) }
            }
            let recipe = filled(words[0])
            // Each recipe is looked up once: lists may have thousands of lines.
            if !recipes.contains(recipe) {
                _ = try recipePath(recipe)
                recipes.insert(recipe)
            }
            items.append(
                BatchItem(
                    name: name.isEmpty ? PathName.withoutSuffix(PathName.last(recipe)) : filled(name), recipe: recipe,
                    arguments: words.dropFirst().map(filled)))
        }
    }

    /// The names in `{name}`; other braces, as in `{a:1}`, are left alone.
    private static func placeholders(_ text: String) -> [String] {
        text.matches(of: /\{([A-Za-z_][A-Za-z0-9_]*)\}/).map { String($0.output.1) }
    }

    private static func check(count: Int) throws {
        guard count > most else { return }
        throw OpahError(
            .usage, "that is more than \(most) runs", hint: "vary fewer things at once, or in lists of their own")
    }

    private static func combinations(_ lists: [[String]]) -> [[String]] {
        lists.reduce([[]]) { all, values in all.flatMap { before in values.map { before + [$0] } } }
    }

    private mutating func vary(_ text: String) throws {
        guard let cut = text.firstIndex(of: "="), cut > text.startIndex else {
            throw OpahError(.usage, "--vary \(text): write NAME=VALUE,VALUE,...")
        }
        let key = String(text[..<cut]),
            values = text[text.index(after: cut)...].split(separator: ",", omittingEmptySubsequences: false)
        let isOverride = key.contains(".") || key.hasPrefix("+") || key.hasPrefix("~")
        let short = key.split(separator: ".").last.map(String.init) ?? key
        try Self.check(count: items.count * values.count)
        items = items.flatMap { item in
            values.map {
                BatchItem(
                    name: "\(item.name)-\(short)=\($0)", recipe: item.recipe,
                    arguments: item.arguments + [(isOverride ? "" : "--") + "\(key)=\($0)"])
            }
        }
    }

    // MARK: names

    /// Names become folders: nothing in them that a path would read otherwise, and each is there once.
    private mutating func giveNames() {
        var count: [String: Int] = [:], taken: Set<String> = []
        for index in items.indices {
            let safe = String(
                items[index].name.map { $0.isLetter || $0.isNumber || "-_.=+,".contains($0) ? $0 : "-" }.prefix(80))
            let base = safe.isEmpty || safe.hasPrefix(".") ? "run" + safe : safe
            var name = base
            while !taken.insert(name).inserted {
                count[base, default: 1] += 1
                name = "\(base)-\(count[base]!)"
            }
            items[index].name = name
        }
    }
}
