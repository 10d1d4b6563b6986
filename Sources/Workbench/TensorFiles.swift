import Formats
import LuaHost
import Support
import Tensors

extension ModuleBuilder {
    /// Tensors in files. What is read is mapped where the format allows: it costs memory when it is touched, and is changed in a copy.
    func declareFiles() {
        function("save", "(path: string, tensors: table<string, Tensor>, metadata?: table<string, string>)",
                 "Writes named tensors as a safetensors file, which appears when it is complete. Names come in order.",
                 example: "tensor.save(\"x.safetensors\", {w = tensor.ones(2)}, {note = \"test\"})  assert(#tensor.load(\"x.safetensors\").w == 2)") { call in
            let tensors: [String: Tensor] = try call.get(2), metadata: [String: String]? = try call.get(3)
            let named = StateDict(tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value.detach()) })
            try Interrupts.finishing { try SafeTensors.save(named, to: call.string(1), metadata: metadata ?? [:]) }
            return .none
        }
        function("load", "(path: string, opts?: {only?: string[]}) -> table<string, Tensor>, table<string, string>",
                 "The tensors of a safetensors file by name, and its metadata. `only` names those that are wanted; a name that is not there is an error. `opah.checkpoint` reads other formats.") { call in
            let path = try call.string(1), (tensors, metadata) = try SafeTensors.read(path)
            var named: [String: Tensor] = [:]
            if let only: [String] = try call.option("only") {
                for name in only {
                    guard let tensor = tensors[name] else {
                        throw OpahError(.checkpoint, "\(path): no tensor '\(name)'", hint: suggestion(for: name, in: tensors.names))
                    }
                    named[name] = tensor
                }
            } else {
                for (name, tensor) in tensors { named[name] = tensor }
            }
            return try call.push(named, metadata)
        }
        function("save_npy", "(path: string, t: Tensor)", "Writes a NumPy file (version 1.0, row-major), which appears when it is complete.",
                 example: "tensor.save_npy(\"x.npy\", tensor.new{1, 2})  assert(tensor.load_npy(\"x.npy\")[2] == 2)") { call in
            try Interrupts.finishing { try Npy.save(call.tensor(2).detach(), to: call.string(1)) }
            return .none
        }
        function("load_npy", "(path: string) -> Tensor", "The array of a NumPy file, with its dtype.") { call in try call.push(Npy.load(call.string(1))) }
        function("load_npz", "(path: string) -> table<string, Tensor>", "The arrays of a NumPy archive by name.") { call in try call.push(Npz.load(call.string(1))) }
    }
}
