import Glibc
import Support

/// Reverse-mode differentiation.
///
/// A differentiable operation computes its result without recording and then calls `record`. Its
/// backward closure works on plain tensors: nothing in it is recorded. What the closure needs of the
/// operation's operands it keeps as `Saved`, which notices when they have been overwritten meanwhile.
/// A closure must not hold the result itself, only `Saved(result)`: the result owns the closure.
public enum Autograd {
    /// Whether operations are recorded on this thread.
    @inline(__always) public static var isEnabled: Bool { depthOfNoGrad == 0 }

    /// One counter per thread: a worker that extracts codes must not switch the interpreter's
    /// recording off. The counter lives in the pointer itself.
    private static var depthOfNoGrad: Int {
        @inline(__always) get { Int(bitPattern: pthread_getspecific(key)) }
        set { pthread_setspecific(key, UnsafeMutableRawPointer(bitPattern: newValue)) }
    }
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Runs `body` without recording.
    @discardableResult
    public static func withoutGradients<R>(_ body: () throws -> R) rethrows -> R {
        depthOfNoGrad += 1
        defer { depthOfNoGrad -= 1 }
        return try body()
    }

    /// Runs `body` recording again, inside `withoutGradients` (for recomputation during backward).
    @discardableResult
    public static func withGradients<R>(_ body: () throws -> R) rethrows -> R {
        let depth = depthOfNoGrad
        depthOfNoGrad = 0
        defer { depthOfNoGrad = depth }
        return try body()
    }

    /// Whether an operation on these must be recorded. Ask before building closures and arrays.
    @inline(__always) public static func wants(_ a: Tensor) -> Bool { a.requiresGrad && isEnabled }
    @inline(__always) public static func wants(_ a: Tensor, _ b: Tensor) -> Bool {
        (a.requiresGrad || b.requiresGrad) && isEnabled
    }
    public static func wants(_ inputs: [Tensor]) -> Bool { isEnabled && inputs.contains(where: \.requiresGrad) }

    /// Makes `result` the outcome of an operation on `inputs`, when any of them wants a gradient.
    /// `backward` gets the gradient of `result` and returns one per input, of the input's shape and
    /// `gradientDType`, nil where not needed (it may ask `requiresGrad` beforehand to spare work).
    @inline(__always)
    public static func record(
        _ result: Tensor, _ name: String, _ inputs: [Tensor],
        _ backward: @escaping (Tensor) throws -> [Tensor?]
    ) {
        guard wants(inputs) else { return }
        result.isTracked = true
        result.node = Node(name: name, inputs: inputs.map { $0.requiresGrad ? $0.edge : nil }, backward: backward)
    }

    /// Gradients of `root` with respect to every leaf that it depends on, added to `leaf.grad`.
    /// - Parameters:
    ///   - seed: the gradient of `root` itself; 1 when `root` has one element.
    ///   - retainGraph: keep what the operations saved, for another backward pass.
    public static func backward(_ root: Tensor, seed: Tensor? = nil, retainGraph: Bool = false) throws {
        guard root.requiresGrad, let edge = root.edge else {
            throw OpahError(
                .gradient, "backward: this tensor does not depend on anything that requires a gradient",
                hint: "call t:requires_grad(true) on a parameter before computing the loss")
        }
        guard seed != nil || root.count == 1 else {
            throw OpahError(
                .gradient, "backward: a tensor of shape \(root.shape) needs a gradient to start from",
                hint: "reduce it to one number first, as in loss:sum():backward(), or pass a gradient of its shape")
        }
        if let seed, seed.shape != root.shape {
            throw OpahError(.shape, "backward: gradient of shape \(seed.shape) for a tensor of shape \(root.shape)")
        }
        try withoutGradients {
            let seed = try seed?.detach().to(root.gradientDType) ?? Tensor.ones(root.shape, root.gradientDType)
            switch edge {
            case .leaf(let leaf): try accumulate(seed, into: leaf, from: "backward")
            case .node(let node): try run(node, seed, retainGraph)
            }
        }
    }

    private static func run(_ root: Node, _ seed: Tensor, _ retainGraph: Bool) throws {
        var sums: [ObjectIdentifier: Sum] = [ObjectIdentifier(root): Sum(tensor: seed, isOurs: false)]
        var nodes = order(from: root)
        while let node = nodes.popLast() {
            try Interrupt.check()
            var gradient = sums.removeValue(forKey: ObjectIdentifier(node))?.tensor
            if gradient == nil { continue }
            guard let step = node.backward else {
                throw OpahError(
                    .gradient, "backward: the graph of this \(node.name) has been used already",
                    hint: "compute the loss again, or call backward with {retain_graph=true} the first time")
            }
            var parts = try step(gradient!)
            gradient = nil
            if !retainGraph {
                node.backward = nil
                node.remake = nil
            }
            guard parts.count == node.inputs.count else {
                throw OpahError(
                    .gradient, "backward of \(node.name): \(parts.count) gradients for \(node.inputs.count) inputs")
            }
            for i in 0 ..< node.inputs.count {
                guard let input = node.inputs[i], let part = parts[i].take() else { continue }
                switch input {
                case .leaf(let leaf): try accumulate(part, into: leaf, from: node.name)
                case .node(let node): try sums[ObjectIdentifier(node), default: Sum()].add(part)
                }
            }
        }
    }

    /// The sum of the gradients that have arrived at one result so far.
    private struct Sum {
        var tensor: Tensor?
        /// Whether `tensor` was made here: operations may return the same tensor for several inputs.
        var isOurs = false

        mutating func add(_ part: Tensor) throws {
            guard let sum = tensor else { tensor = part; return }
            if isOurs { try sum.add_(part) } else { tensor = try sum.add(part); isOurs = true }
        }
    }

    private static func accumulate(_ part: consuming Tensor, into leaf: Tensor, from name: String) throws {
        guard part.shape == leaf.shape else {
            throw OpahError(
                .gradient, "backward of \(name): gradient of shape \(part.shape) for a tensor of shape \(leaf.shape)")
        }
        if let grad = leaf.grad { try grad.add_(part) } else { leaf.grad = try owned(part, leaf.gradientDType) }
    }

    /// `tensor` when nobody else can see its elements, else a copy: operations pass their own gradient
    /// on, or views of it, and two leaves must not share a sum.
    private static func owned(_ tensor: consuming Tensor, _ dtype: DType) throws -> Tensor {
        var tensor = tensor
        if tensor.dtype != dtype { return try tensor.to(dtype) }
        let isOurs =
            tensor.isContiguous && isKnownUniquelyReferenced(&tensor)
            && isKnownUniquelyReferenced(&tensor.storage)
        return isOurs ? tensor : try tensor.clone()
    }

    /// The leaves that `root` depends on and that want a gradient.
    static func leaves(of root: Tensor) -> [Tensor] {
        guard case .node(let node)? = root.edge else { return root.requiresGrad ? [root] : [] }
        return order(from: node).flatMap { node in
            node.inputs.compactMap { edge -> Tensor? in
                if case .leaf(let leaf)? = edge { leaf } else { nil }
            }
        }
    }

    /// Every node that `root` was computed from, what they use before its users, `root` last.
    private static func order(from root: Node) -> [Node] {
        var result: [Node] = [], seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
        var stack: [(node: Node, next: Int)] = [(root, 0)]
        while let (node, next) = stack.last {
            guard next < node.inputs.count else {
                result.append(node)
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].next += 1
            if case .node(let input)? = node.inputs[next], seen.insert(ObjectIdentifier(input)).inserted {
                stack.append((input, 0))
            }
        }
        return result
    }
}
