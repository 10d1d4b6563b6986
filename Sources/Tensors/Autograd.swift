import Support

/// One recorded operation: what it read, and how a gradient of its result becomes gradients of these.
public final class Node {
    /// The operation's name, for error messages.
    public let name: String
    /// What the operation read, in its own order; nil for what needs no gradient.
    fileprivate(set) var inputs: [Tensor?]
    /// Gradient of the result -> gradients of `inputs`, same order, nil where none is wanted.
    /// Dropped after use, which frees what it saved.
    fileprivate var backward: ((Tensor) throws -> [Tensor?])?

    fileprivate init(name: String, inputs: [Tensor?], backward: @escaping (Tensor) throws -> [Tensor?]) {
        self.name = name
        self.inputs = inputs
        self.backward = backward
    }

    /// Long chains would be freed recursively, one stack frame per operation: unlink them in a loop.
    deinit {
        var pending = inputs.compactMap { $0 }
        inputs = []
        while let tensor = pending.popLast() {
            var tensor = tensor
            guard isKnownUniquelyReferenced(&tensor), var node = tensor.node else { continue }
            tensor.node = nil
            if isKnownUniquelyReferenced(&node) {
                pending.append(contentsOf: node.inputs.compactMap { $0 })
                node.inputs = []
            }
        }
    }
}

/// Reverse-mode differentiation.
///
/// An operation that is differentiable computes its result without recording, then calls
/// `Autograd.record`. Its backward closure works on plain tensors: nothing in it is recorded.
public enum Autograd {
    /// Whether operations are recorded on this thread. Kernels on pool threads never record.
    @inline(__always) public static var isEnabled: Bool { depthOfNoGrad == 0 }
    nonisolated(unsafe) private static var depthOfNoGrad = 0   // only the interpreter's thread builds graphs

    /// Runs `body` without recording.
    public static func withoutGradients<R>(_ body: () throws -> R) rethrows -> R {
        depthOfNoGrad += 1
        defer { depthOfNoGrad -= 1 }
        return try body()
    }

    /// Runs `body` recording again, inside `withoutGradients` (for recomputation during backward).
    public static func withGradients<R>(_ body: () throws -> R) rethrows -> R {
        let depth = depthOfNoGrad
        depthOfNoGrad = 0
        defer { depthOfNoGrad = depth }
        return try body()
    }

    /// Makes `result` the outcome of an operation on `inputs`, when any of them wants a gradient.
    /// `backward` gets the gradient of `result` and returns one per input (nil where not needed; it
    /// may test `inputs[i].requiresGrad` to spare work).
    @inline(__always)
    public static func record(_ result: Tensor, _ name: String, _ inputs: [Tensor],
                              _ backward: @escaping (Tensor) throws -> [Tensor?]) {
        guard isEnabled, inputs.contains(where: \.requiresGrad) else { return }
        result.requiresGrad = true
        result.node = Node(name: name, inputs: inputs.map { $0.requiresGrad ? $0 : nil }, backward: backward)
    }

    /// Gradients of `root` with respect to every leaf that it depends on, added to `leaf.grad`.
    /// - Parameters:
    ///   - seed: the gradient of `root` itself; 1 when `root` has one element.
    ///   - retainGraph: keep what the operations saved, for another backward pass.
    public static func backward(_ root: Tensor, seed: Tensor? = nil, retainGraph: Bool = false) throws {
        guard root.requiresGrad else {
            throw OpahError(.gradient, "backward: this tensor does not depend on anything that requires a gradient",
                            hint: "call t:requires_grad(true) on a parameter before computing the loss")
        }
        guard seed != nil || root.count == 1 else {
            throw OpahError(.gradient, "backward: a tensor of shape \(root.shape) needs a gradient to start from",
                            hint: "reduce it to one number first, as in loss:sum():backward(), or pass a gradient of its shape")
        }
        if let seed, seed.shape != root.shape {
            throw OpahError(.shape, "backward: gradient of shape \(seed.shape) for a tensor of shape \(root.shape)")
        }
        try withoutGradients {
            var gradients: [ObjectIdentifier: Tensor] = [:]
            gradients[ObjectIdentifier(root)] = try seed ?? Tensor(ones: root.shape, root.dtype)
            for tensor in order(from: root) {
                try Interrupt.check()
                guard let gradient = gradients.removeValue(forKey: ObjectIdentifier(tensor)) else { continue }
                guard let node = tensor.node else {
                    // The first gradient is kept as it is when nobody else can see it.
                    tensor.grad = try tensor.grad.map { try $0.add(gradient) } ?? gradient.owned()
                    continue
                }
                guard let step = node.backward else {
                    throw OpahError(.gradient, "backward: the graph of this \(node.name) has been used already",
                                    hint: "compute the loss again, or call backward with {retain_graph=true} the first time")
                }
                let parts = try step(gradient)
                if !retainGraph { node.backward = nil }
                for (input, part) in zip(node.inputs, parts) {
                    guard let input, let part else { continue }
                    let key = ObjectIdentifier(input)
                    gradients[key] = try gradients[key].map { try $0.add(part) } ?? part
                }
            }
        }
    }

    /// Every tensor that `root` was computed from and that wants a gradient, users before what they use.
    private static func order(from root: Tensor) -> [Tensor] {
        var result: [Tensor] = [], seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
        var stack: [(tensor: Tensor, next: Int)] = [(root, 0)]
        while let (tensor, next) = stack.last {
            guard let inputs = tensor.node?.inputs, next < inputs.count else {
                result.append(tensor)
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].next += 1
            if let input = inputs[next], seen.insert(ObjectIdentifier(input)).inserted { stack.append((input, 0)) }
        }
        return result.reversed()
    }
}

extension Tensor {
    /// Ones of a floating shape: the seed of a backward pass.
    public convenience init(ones shape: Dims, _ dtype: DType = .float32) throws {
        try self.init(empty: shape, dtype)
        try fill(1)
    }
}
