import Formats
import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.checkpoint`
    public static let checkpoint = LuaModule(
        "opah.checkpoint",
        "Checkpoints of any kind as nested tables of tensors, numbers and strings. Nothing in a file is ever run."
    ) { m in
        m.function(
            "load",
            "(path: string, opts?: {verify?: boolean = false \"all of it is read and held against the checksums of its entries; an error names the one that is damaged\"}) -> table",
            "A torch .pth or .ckpt (zip or older), a .safetensors file or a sharded index. Tensors are mapped, not copied, until they are written to. An object of another class than data is a table `{class, args, state, items, entries}` of what the file says about it; nothing of it is ever made or run. Files that name what only an attack needs (`os.system`, `eval`) are refused.",
            example: """
                local weights = checkpoint.load(opah.home .. "/examples/checkpoints/tiny/model.pth")
                weights["norm.weight"]:dtype()  --> "..."
                local names = {}
                for name, t in pairs(weights) do if tensor.is_tensor(t) then names[#names + 1] = name end end
                #names > 10  --> true
                """
        ) { call in
            try call.push(LuaCheckpoint(value: Checkpoint.load(call.string(1), verify: call.option("verify"))))
        }
        m.function(
            "save", "(path: string, content: table)",
            "Writes a .pth or .ckpt that torch opens with weights_only, or, for a name that ends in .safetensors, a flat table of tensors. Names come in order; lists stay lists; nothing but tables, tensors, numbers, strings and booleans can be written.",
            example: """
                local w = tensor.eye(2)
                checkpoint.save("step10.ckpt", { state_dict = { w = w }, step = 10, lr = { 1e-4, 5e-5 } })
                local saved = checkpoint.load("step10.ckpt")
                saved.step, saved.lr, saved.state_dict.w:equal(w)  --> 10, {0.0001, 5e-05}, true
                """
        ) { call in
            let content = try LuaCheckpoint.value(of: call.value(2), path: "")
            try Interrupts.finishing { try Checkpoint.save(content, to: call.string(1)) }
            return .none
        }
    }
}

/// The tree of a checkpoint as Lua tables. Lists and tuples become lists; None becomes nil.
struct LuaCheckpoint: LuaPushable {
    let value: CheckpointValue

    func push(onto stack: Stack) throws {
        switch value {
        case .none: stack.pushNil()
        case .bool(let value): stack.push(value)
        case .int(let value): stack.push(value)
        case .double(let value): stack.push(value)
        case .string(let value): stack.push(value)
        case .bytes(let value): stack.push(bytes: value)
        case .tensor(let value): try value.push(onto: stack)
        case .record(let record): try LuaCheckpoint(value: record.table).push(onto: stack)
        case .list(let items), .tuple(let items): try List(items.map { LuaCheckpoint(value: $0) }).push(onto: stack)
        case .dict(let pairs):
            try stack.reserve(6)
            stack.pushTable(fields: pairs.count)
            for (key, value) in pairs {
                switch key {
                case .int(let number): try stack.setElement(number, LuaCheckpoint(value: value))
                default:
                    try stack.setField(key.string ?? key.record?.className ?? "\(key)", LuaCheckpoint(value: value))
                }
            }
        }
    }

    static func value(of value: LuaValue, path: String, depth: Int = 0) throws -> CheckpointValue {
        guard depth < 200 else {
            throw OpahError(.argument, "\(path): too many levels of tables, or a table that contains itself")
        }
        switch value {
        case .null: return .none
        case .boolean(let value): return .bool(value)
        case .integer(let value): return .int(value)
        case .number(let value): return .double(value)
        case .string(let value): return .string(value)
        case .object(let object as Tensor): return .tensor(object)
        case .table(let table):
            let pairs = try table.pairs(), length = try table.count()
            if length > 0, length == pairs.count {
                return .list(
                    try table.list().enumerated().map {
                        try Self.value(of: $1, path: "\(path)[\($0 + 1)]", depth: depth + 1)
                    })
            }
            let named = try pairs.map { key, value -> (String, LuaValue) in
                guard let name = key.string else {
                    throw OpahError(.argument, "\(path): keys of a checkpoint are strings, or 1 to n")
                }
                return (name, value)
            }
            return .table(
                try named.sorted { $0.0 < $1.0 }.map {
                    ($0.0, try Self.value(of: $0.1, path: path + "." + $0.0, depth: depth + 1))
                })
        default:
            throw OpahError(
                .argument,
                "\(path.isEmpty ? "the value" : path) cannot be written to a checkpoint: only tables, tensors, numbers, strings and booleans can"
            )
        }
    }
}
