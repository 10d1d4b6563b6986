import Distributed
import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.dist`
    public static let dist = LuaModule(
        "opah.dist",
        "Several processes, on one machine or many, that run the same program: under mpirun, srun --mpi=pmix or `opah launch`. Alone, and in a function that `first` or a callback of `train.fit` runs, nothing here waits for anybody."
    ) { m in
        m.type(NameShard.luaClass)
        m.function("rank", "() -> integer", "Which of the processes this is, from 1.", example: "dist.rank()  --> 1") {
            call in
            try call.push((Ranks.joined?.rank ?? 0) + 1)
        }
        m.function("size", "() -> integer", "How many processes there are.", example: "dist.size()  --> 1") { call in
            try call.push(Ranks.joined?.size ?? 1)
        }
        m.function("hosts", "() -> string[]", "The machine of each rank.", example: "#dist.hosts()  --> 1") { call in
            try call.push(Ranks.joined?.hosts ?? [FolderLock.hostName])
        }
        m.function("barrier", "()", "Returns when all processes have come here.", example: "dist.barrier()") { call in
            try Ranks.shared?.barrier()
            return .none
        }
        m.function(
            "all_reduce", "(tensors: Tensor|Tensor[], opts?: {op?: \"sum\"|\"mean\"|\"max\" = \"sum\"})",
            """
            Every process's tensors become, in place, the sum, mean or maximum of all of them, element by element. float32; the same shapes everywhere. Added in the order of ranks, \
            so the bits are the same on all and in every run.
            """,
            example: """
                gradient = tensor.new { 1, 2 }
                dist.all_reduce(gradient, { op = "mean" })
                gradient  --> [1., 2.]
                """
        ) { call in
            let op: String = try call.option("op")
            guard let ranks = Ranks.shared else { return .none }
            let tensors = try call.value(1).object(Tensor.self).map { [$0] } ?? call.get(1, as: [Tensor].self)
            for tensor in tensors {
                try plain(tensor, "all_reduce")
                let numbers = tensor.pointer(Float.self)
                try ranks.reduce(
                    [ranks.rank: numbers], owners: Array(0 ..< ranks.size), count: tensor.count, into: numbers,
                    by: op == "max" ? .max : .sum)
                if op == "mean" { for i in 0 ..< tensor.count { numbers[i] /= Float(ranks.size) } }
                tensor.storage.didChange()
            }
            return .none
        }
        m.function(
            "broadcast", "(value: any, opts?: {from?: integer = 1}) -> any",
            "The value of rank `from`, on all: a float32 tensor in place, or a copy of plain data (numbers, strings, booleans, tables of them).",
            example: "dist.broadcast({ seed = 7 })  --> {seed = 7}"
        ) { call in
            let from: Int = try call.option("from")
            guard let ranks = Ranks.shared else {
                guard from == 1 else { throw call.error("from = \(from): there is one process") }
                return call.pass(1)
            }
            guard 1 ... ranks.size ~= from else { throw call.error("from = \(from): there are \(ranks.size) ranks") }
            if let tensor = try call.value(1).object(Tensor.self) {
                try plain(tensor, "broadcast")
                try ranks.broadcast(
                    in: UnsafeMutableRawBufferPointer(start: tensor.pointer(Float.self), count: 4 * tensor.count),
                    from: from - 1)
                tensor.storage.didChange()
                return call.pass(1)
            }
            let bytes = try ranks.rank == from - 1 ? written(call.value(1)) : nil
            return try call.push(read(ranks.broadcast(bytes, from: from - 1)))
        }
        m.function(
            "gather", "(value: any) -> any[]", "Everybody's plain value, in the order of ranks, on all.",
            example: "dist.gather(dist.rank())  --> {1}"
        ) { call in
            let own = try written(call.value(1))
            return try call.push(List((Ranks.shared?.gather(own) ?? [own]).map(read)))
        }
        m.function(
            "share", "(list: any[]) -> any[]",
            "This rank's part of a list that is the same everywhere: item i belongs to rank (i - 1) % size + 1.",
            example: "dist.share { \"a\", \"b\", \"c\" }  --> {\"a\", \"b\", \"c\"}"
        ) { call in
            let items = try call.table(1).list(), rank = Ranks.shared?.rank ?? 0, size = Ranks.shared?.size ?? 1
            return try call.push(List(stride(from: rank, to: items.count, by: size).map { items[$0] }))
        }
        m.function(
            "shard", "(text?: string) -> Shard",
            """
            A part of many inputs, by their names: lists need not be the same everywhere. "3/16" is the third of sixteen, for jobs that do not know of each other; without a text it is this \
            rank's part, or this task's of a SLURM step, and alone all of it.
            """,
            example: """
                one, other = dist.shard("1/2"), dist.shard("2/2")
                one:owns("Alice/1.wav") ~= other:owns("Alice/1.wav"), dist.shard():owns("Alice/1.wav")  --> true, true
                """
        ) { call in
            try call.push(NameShard(call.get(1, as: String?.self).map(Shard.init(parsing:)) ?? .ofThisProcess()))
        }
        m.function(
            "first", "(fn: function, ...: any) -> ...: any",
            "Runs `fn` on rank 1 alone. What it returns (plain data) is returned on all; what it raises is raised on all.",
            example: "dist.first(function(a, b) return a + b end, 2, 3)  --> 5"
        ) { call in
            let function = try call.function(1),
                arguments = call.count > 1 ? try (2 ... call.count).map { try call.value($0) } : []
            guard let ranks = Ranks.shared else { return try call.push(all: function(all: arguments)) }
            var own: [LuaValue]?
            let text: String = try ranks.first {
                let results = try function(all: arguments)
                own = results
                return try String(decoding: written(list: results), as: UTF8.self)
            }
            if let own { return try call.push(all: own) }
            let all = try JSON.decode(text).list ?? []
            return try call.push(all: all.map { LuaTree(value: $0, nullIsNil: true) })
        }
    }
}

/// A `Shard` for Lua.
final class NameShard: LuaObject {
    let shard: Shard
    init(_ shard: Shard) { self.shard = shard }

    static let luaClass = LuaClass("Shard", of: NameShard.self, "A part of many inputs, by their names.") { c in
        c.method(
            "owns", "(name: string) -> boolean",
            "Whether an input belongs to it. Names are as all see them: paths below the folder that is worked through.",
            example: "dist.shard(\"1/1\"):owns(\"Alice/1.wav\")  --> true"
        ) { shard, call in try call.push(shard.shard.owns(call.string(1))) }
        c.property("count", "integer", "How many parts there are.", example: "dist.shard(\"3/16\").count  --> 16") {
            shard, call in try call.push(shard.shard.count)
        }
        c.property("index", "integer", "Which of them it is, from 1.", example: "dist.shard(\"3/16\").index  --> 3") {
            shard, call in try call.push(shard.shard.index + 1)
        }
        c.metamethod(
            "__tostring", "(shard: Shard) -> string", "As in `3/16`.",
            example: "tostring(dist.shard(\"3/16\"))  --> \"3/16\""
        ) { call in
            try call.push(call.object(1, as: NameShard.self).shard.text)
        }
    }
}

private func plain(_ tensor: Tensor, _ what: String) throws {
    guard tensor.dtype == .float32, tensor.isContiguous, !tensor.storage.isMapped else {
        throw OpahError(
            .dtype, "\(what): a contiguous float32 tensor of one's own is wanted, and this is \(tensor.dtype.rawValue)",
            hint: "t:float():contiguous() makes one")
    }
}

private func written(_ value: LuaValue) throws -> [UInt8] { try Array(JSON.encode(ConfigValue(lua: value)).utf8) }
private func written(list: [LuaValue]) throws -> [UInt8] {
    try Array(JSON.encode(.list(list.map { try ConfigValue(lua: $0) })).utf8)
}
private func read(_ bytes: [UInt8]) throws -> LuaTree {
    LuaTree(value: try JSON.decode(String(decoding: bytes, as: UTF8.self)), nullIsNil: true)
}
