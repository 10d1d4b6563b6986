import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Differentiation.
    func declareGradients() {
        method(
            "requires_grad", "(on?: boolean) -> Tensor|boolean",
            "With `true` says that `backward` shall leave a gradient in `t.grad`, and gives the tensor; only floating tensors that no operation has made can. Without an argument asks.",
            example: """
                local w = tensor.new{1, 2}:requires_grad(true)
                local loss = (w * w):sum()
                loss:backward()
                w.grad             --> [2., 4.]
                w:requires_grad()  --> true
                """, forms: ["(on: boolean) -> Tensor", "() -> boolean"]
        ) { t, call in
            if call.isNil(1) { return try call.push(t.requiresGrad) }
            try t.setRequiresGrad(call.boolean(1))
            return call.pass(0)
        }
        method(
            "backward", "(opts?: {retain_graph?: boolean = false, gradient?: Tensor})",
            """
            Adds the gradients of this number to the `grad` of every leaf behind it. A tensor of several elements needs a `gradient` of its \
            shape to start from. What the operations saved is given up, unless `retain_graph` keeps it for another pass.
            """,
            example: """
                local x, w = tensor.new{1, 2, 3}, tensor.zeros(3):requires_grad(true)
                local loss = (x:dot(w) - 14):square()
                loss:backward()
                w.grad  --> [-28., -56., -84.]
                """
        ) { t, call in
            try t.backward(seed: call.option("gradient"), retainGraph: call.option("retain_graph"))
            return .none
        }
        property(
            "grad", "Tensor?",
            "The gradient summed so far, float32 for half types; nil before the first `backward`. Set it to nil to start anew.",
            example: """
                local w = tensor.ones(2):requires_grad(true)
                for _ = 1, 2 do (w * 3):sum():backward() end
                w.grad  --> [6., 6.]
                w.grad = nil
                """,
            set: { t, call in
                let grad: Tensor? = try call.get(1)
                if let grad, grad.shape != t.shape {
                    throw OpahError(.shape, "grad: a gradient of shape \(grad.shape) for a tensor of shape \(t.shape)")
                }
                t.grad = try grad?.detach().to(t.gradientDType)
            }
        ) { t, call in try call.push(t.grad) }
        method(
            "detach", "() -> Tensor",
            "The same elements without their history: gradients stop here. It shares the memory; `detach():clone()` does not.",
            example: """
                local w = tensor.ones(2):requires_grad(true)
                local target = (w * 2):detach()
                target:requires_grad()  --> false
                """
        ) { t, call in try call.push(t.detach()) }
        method(
            "is_leaf", "() -> boolean", "Whether the tensor was made by the user, not by a recorded operation.",
            example: """
                local w = tensor.ones(2):requires_grad(true)
                w:is_leaf(), (w * 2):is_leaf()  --> true, false
                """
        ) { t, call in try call.push(t.isLeaf) }
    }
}
