import Formats
import LuaHost
import Support
import Tensors

extension ModuleBuilder {
    /// Tensors in files. What is read is mapped where the format allows: it costs memory when it is touched, and is
    /// changed in a copy.
    func declareFiles() {
        function(
            "save", "(path: string, tensors: table<string, Tensor>, metadata?: table<string, string>)",
            "Writes named tensors as a safetensors file, which appears when it is complete. Names come in order.",
            example: """
                tensor.save("x.safetensors", {w = tensor.ones(2), b = tensor.zeros(1)}, {note = "test"})
                tensor.load("x.safetensors").w  --> [1., 1.]
                """
        ) { call in
            let tensors: [String: Tensor] = try call.get(2), metadata: [String: String]? = try call.get(3)
            let named = StateDict(tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value.detach()) })
            try Interrupts.finishing { try SafeTensors.save(named, to: call.string(1), metadata: metadata ?? [:]) }
            return .none
        }
        function(
            "load", "(path: string, opts?: {only?: string[]}) -> table<string, Tensor>, table<string, string>",
            "The tensors of a safetensors file by name, and its metadata. `only` names those that are wanted; a name that is not there is an error. `opah.checkpoint` reads other formats.",
            example: """
                tensor.save("x.safetensors", {w = tensor.ones(2), b = tensor.zeros(1)}, {note = "test"})
                local tensors, metadata = tensor.load("x.safetensors", {only = {"w"}})
                tensors, metadata.note  --> {w = Tensor [2 float32]}, "test"
                """
        ) { call in
            let path = try call.string(1), (tensors, metadata) = try SafeTensors.read(path)
            var named: [String: Tensor] = [:]
            if let only: [String] = try call.option("only") {
                for name in only {
                    guard let tensor = tensors[name] else {
                        throw OpahError(
                            .checkpoint, "\(name: path): no tensor '\(name: name)'",
                            hint: suggestion(for: name, in: tensors.names))
                    }
                    named[name] = tensor
                }
            } else {
                for (name, tensor) in tensors { named[name] = tensor }
            }
            return try call.push(named, metadata)
        }
        function(
            "save_npy", "(path: string, t: Tensor)",
            "Writes a NumPy file (version 1.0, row-major), which appears when it is complete.",
            example: """
                tensor.save_npy("x.npy", tensor.new{1, 2})
                tensor.load_npy("x.npy")  --> [1., 2.]
                """
        ) { call in
            try Interrupts.finishing { try Npy.save(call.tensor(2).detach(), to: call.string(1)) }
            return .none
        }
        function(
            "load_npy", "(path: string) -> Tensor", "The array of a NumPy file (.npy), with its dtype.",
            example: """
                tensor.save_npy("codes.npy", tensor.new({{3, 1}, {4, 1}}, {dtype = "int64"}))
                local codes = tensor.load_npy("codes.npy")
                codes:dtype(), codes[2]:totable()  --> "int64", {4, 1}
                """
        ) { call in try call.push(Npy.load(call.string(1))) }
        function(
            "save_npz", "(path: string, arrays: table<string, Tensor>)",
            "Writes named tensors as a NumPy archive, uncompressed as `numpy.savez` does; it appears when it is complete. Names come in order.",
            example: """
                tensor.save_npz("xy.npz", {x = tensor.linspace(0, 1, 3), y = tensor.eye(2)})
                tensor.load_npz("xy.npz").x  --> [0.0000, 0.5000, 1.0000]
                """
        ) { call in
            let arrays: [String: Tensor] = try call.get(2)
            try Interrupts.finishing {
                try Npz.save(arrays.sorted { $0.key < $1.key }.map { ($0.key, $0.value.detach()) }, to: call.string(1))
            }
            return .none
        }
        function(
            "load_npz", "(path: string) -> table<string, Tensor>",
            "The arrays of a NumPy archive (.npz, as `numpy.savez` writes) by name, each with its dtype.",
            example: """
                tensor.save_npz("voices.npz", {alice = tensor.zeros(4, 20), bob = tensor.zeros(4, 30)})
                tensor.load_npz("voices.npz").bob:shape()  --> {4, 30}
                """
        ) { call in try call.push(Npz.load(call.string(1))) }
    }
}
