import Configuration
import Foundation
import Installation
import LuaHost
import Support

/// What may be typed behind `opah run NAME`: asked from the recipe itself.
public struct RecipeWords {
    /// One word, with what it does; or files or folders, for the shell to list.
    public enum Candidate: Equatable {
        case word(String, String), files, folders
        /// Lua files, and folders on the way to them.
        case scripts
    }

    private let path: String
    private let options: RecipeOptions
    private let catalog: Catalog

    /// Asks the recipe what it takes. Nil when it declares nothing, or not at once.
    public init?(_ recipe: String, _ catalog: Catalog) {
        guard let path = try? RecipeIndex.path(recipe) else { return nil }
        self.path = path
        self.catalog = catalog
        guard let found = RecipeDescription.options(path, catalog) else { return nil }
        options = found
    }

    /// - Parameters:
    ///   - words: what stands before the word that is being typed.
    public func candidates(after words: [String], typing word: String) -> [Candidate] {
        if let last = words.last, let flag = flag(last), flag.kind != .boolean { return values(of: flag) }
        if word.hasPrefix("--"), let cut = word.firstIndex(of: "="), let flag = flag(String(word[..<cut])) {
            return values(of: flag).map {
                if case .word(let text, let help) = $0 { .word("\(word[...cut])\(text)", help) } else { $0 }
            }
        }
        if word.hasPrefix("-") {
            return options.flags.filter { flag in
                !flag.isHidden && (flag.isMultiple || !words.contains { self.flag($0)?.name == flag.name })
            }
            .flatMap { flag -> [Candidate] in
                [.word("--" + flag.name, flag.help)]
                    + (flag.kind == .boolean && flag.defaultValue.bool == true
                        ? [.word("--no-" + flag.name, "not: " + flag.help)] : [])
            } + [.word("--help", "show what it takes")]
        }
        var result: [Candidate] = []
        let plain = plainCount(words)
        if plain < options.positionals.count { result += Self.places(options.positionals[plain].kind) }
        if options.takesOverrides { result += overrides(words, word) }
        return result
    }

    private func flag(_ word: String) -> RecipeOptions.Flag? {
        options.flags.first { word == "--" + $0.name || $0.short.map { word == "-" + $0 } ?? false }
    }

    private func plainCount(_ words: [String]) -> Int {
        var count = 0, index = 0
        while index < words.count {
            if let flag = flag(words[index]) {
                index += flag.kind == .boolean ? 0 : 1
            } else if !words[index].hasPrefix("-"), !words[index].contains("=") {
                count += 1
            }
            index += 1
        }
        return count
    }

    private static func places(_ kind: RecipeOptions.Kind) -> [Candidate] {
        switch kind {
        case .file, .path: [.files]
        case .folder, .output: [.folders]
        default: []
        }
    }

    private func values(of flag: RecipeOptions.Flag) -> [Candidate] {
        if !flag.choices.isEmpty {
            return flag.choices.map { .word($0, $0 == flag.defaultValue.string ? "unless given" : "") }
        }
        if flag.name.hasSuffix("config-name") {
            return configs(below: "").filter { !$0.name.contains("/") }.map { .word($0.name, $0.summary) } + [.files]
        }
        if flag.name == "lora-config" { return configs(below: "lora/").map { .word($0.name, $0.summary) } }
        return Self.places(flag.kind)
    }

    private func configs(below folder: String) -> [(name: String, summary: String)] {
        ((try? RecipeIndex.all()) ?? []).filter { $0.kind == .config && $0.name.hasPrefix(folder) }.map {
            (String($0.name.dropFirst(folder.count)), $0.summary)
        }
    }

    /// The keys of the configuration that is asked for, with their values; behind `+lora@...=` the adapters.
    private func overrides(_ words: [String], _ word: String) -> [Candidate] {
        if word.hasPrefix("+lora"), let cut = word.firstIndex(of: "=") {
            return configs(below: "lora/").map { .word("\(word[...cut])\($0.name)", $0.summary) }
        }
        if word.contains("=") { return [] }
        var name = options.flags.first { $0.name == "config-name" }?.defaultValue.string ?? ""
        for (place, text) in words.enumerated().dropLast() where flag(text)?.name == "config-name" {
            name = words[place + 1]
        }
        guard let config = try? SettingsFile.load(name, overrides: [], catalog).value else { return [] }
        let prefix = word.prefix { "+~".contains($0) }
        return config.leaves("").map { .word("\(prefix)\($0.key)=", "now " + $0.value.plainText) } + [
            .word("+lora@model.model.lora_config=", "a LoRA adapter")
        ]
    }
}

extension ConfigValue {
    /// `a.b.c` and its value, for everything that is no table.
    fileprivate func leaves(_ prefix: String) -> [(key: String, value: ConfigValue)] {
        guard let map, !map.isEmpty else { return prefix.isEmpty ? [] : [(prefix, self)] }
        return map.flatMap { $0.value.leaves(prefix.isEmpty ? $0.key : "\(prefix).\($0.key)") }
    }
}
