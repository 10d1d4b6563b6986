import Support

/// Nothing leaves what all do together but by agreement: whoever left alone would leave the others waiting.
public enum Verdict {
    case goOn
    /// Somebody asked this process to end.
    case stop
    case failed(OpahError)

    public init(_ error: any Error) {
        self = (error as? OpahError)?.kind == .interrupted ? .stop : .failed(by: error)
    }

    /// A failure whatever the error is: where a stop leaves the others without something that they need.
    public static func failed(by error: any Error) -> Verdict {
        .failed(error as? OpahError ?? OpahError(.lua, "\(error)"))
    }
}

extension Ranks {
    /// Everybody's bytes in the order of ranks, and whether anybody was asked to stop.
    /// - Throws: on all, when one failed, that error (of the first of them), with its rank and host.
    public func exchange(_ bytes: [UInt8], _ mine: Verdict) throws -> (all: [[UInt8]], isStop: Bool) {
        var verdict: ConfigMap = [:]
        switch mine {
        case .goOn: break
        case .stop: verdict["stop"] = true
        case .failed(let error): verdict = Self.told(error)
        }
        let all = try gather(Array(JSON.encode(.map(verdict)).utf8) + [UInt8(ascii: "\n")] + bytes)
        var rest: [[UInt8]] = [], isStop = false, failure: OpahError?
        for (rank, bytes) in all.enumerated() {
            let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            let told = try JSON.decode(String(decoding: bytes[..<end], as: UTF8.self))
            rest.append(Array(bytes[end...].dropFirst()))
            if told["stop"]?.bool == true { isStop = true }
            guard failure == nil, told["kind"] != nil else { continue }
            // Where it happened, the very error is kept, with the value that Lua raised.
            if case .failed(let own) = mine, rank == self.rank {
                failure = named(own, rank)
            } else {
                failure = named(Self.error(told), rank)
            }
        }
        if let failure {
            agreed = failure.message
            throw failure
        }
        return (rest, isStop)
    }

    /// The same with values instead of bytes.
    public func exchange<Value: Codable>(_ value: Value, _ mine: Verdict) throws -> (all: [Value], isStop: Bool) {
        let (all, isStop) = try exchange(Coded.bytes(value), mine)
        return (try all.map { try Coded.value($0) }, isStop)
    }

    /// The worst of all verdicts, the same everywhere: true when somebody was asked to stop.
    public func agree(_ mine: Verdict) throws -> Bool { try exchange([UInt8](), mine).isStop }

    /// Runs `body` on the first rank alone; its result or its error reaches all.
    public func first<R: Codable>(_ body: () throws -> R) throws -> R {
        var result: R?, verdict = Verdict.goOn
        if rank == 0 {
            // What it calls, nobody else does: it must not wait for the others.
            Self.alone += 1
            defer { Self.alone -= 1 }
            do { result = try body() } catch { verdict = Verdict(error) }
        }
        let bytes = try result.map { try Coded.bytes($0) } ?? []
        let (all, isStop) = try exchange(bytes, verdict)
        if isStop { throw OpahError(.interrupted, "interrupted") }
        if let result { return result }
        return try Coded.value(all[0])
    }

    /// Throws on all when a fact is not the same everywhere, naming the host and the fact.
    /// - Parameter words: of a fact by its name, the first rank's value and the other's.
    public func requireSame(
        _ facts: [String: String], hint: String,
        words: (String, String, String) -> String = { "\($0) is \($2), not \($1)" }
    ) throws {
        let all = try gather(Coded.bytes(facts)).map { try Coded.value($0, as: [String: String].self) }
        var problems: [String] = []
        for (rank, other) in all.enumerated() {
            let names = Set(all[0].keys).union(other.keys).sorted().filter { all[0][$0] != other[$0] }
            guard !names.isEmpty else { continue }
            problems.append(
                "\(name(rank)): "
                    + names.map { words($0, all[0][$0] ?? "not set", other[$0] ?? "not set") }.joined(separator: "; "))
        }
        guard !problems.isEmpty else { return }
        let error = OpahError(
            .config, "not the same as on \(name(0)): " + problems.joined(separator: "\n  "), hint: hint)
        agreed = error.message
        throw error
    }

    // MARK: errors on their way

    private func named(_ error: OpahError, _ rank: Int) -> OpahError {
        var named = error
        if size > 1, !error.message.hasPrefix(name(rank)) { named.message = "\(name(rank)): \(error.message)" }
        return named
    }

    private static func told(_ error: OpahError) -> ConfigMap {
        var map: ConfigMap = [
            "kind": .string(error.kind.rawValue), "message": .string(error.message), "code": .int(Int(error.exitCode))
        ]
        if let hint = error.hint { map["hint"] = .string(hint) }
        if let traceback = error.traceback { map["traceback"] = .string(traceback) }
        return map
    }

    private static func error(_ told: ConfigValue) -> OpahError {
        if told["kind"]?.string == OpahError.Kind.exit.rawValue {
            return .exit(Int32(truncatingIfNeeded: told["code"]?.int ?? 1))
        }
        var error = OpahError(
            told["kind"]?.string.flatMap(OpahError.Kind.init(rawValue:)) ?? .lua, told["message"]?.string ?? "failed",
            hint: told["hint"]?.string)
        error.traceback = told["traceback"]?.string
        return error
    }
}
