import LuaHost
import Support
import Tensors

extension Random: LuaObject {
    /// What Lua sees of a generator.
    public static let luaClass = LuaClass(
        "Generator", of: Random.self,
        "A stream of random numbers: what it gives depends only on its seed and on what was drawn before."
    ) { c in
        c.method("seed", "() -> integer", "The seed of its stream.", example: "tensor.generator(7):seed()  --> 7") {
            g, call in try call.push(Int(bitPattern: UInt(g.seed)))
        }
        c.method(
            "manual_seed", "(seed: integer) -> Generator", "Starts the stream `seed` from its beginning.",
            example: """
                local g = tensor.generator(1)
                local a, b = g:uniform(), g:manual_seed(1):uniform()
                a == b  --> true
                """
        ) { g, call in
            g.reset(seed: UInt64(bitPattern: Int64(try call.integer(1))))
            return call.pass(0)
        }
        c.method(
            "state", "() -> {seed: integer, offset: integer}",
            "Where the stream is: give it to `set_state` to continue there.",
            example: """
                local g = tensor.generator(7)
                tensor.rand(3, {generator = g})
                g:state()  --> {offset = ..., seed = 7}
                """
        ) { g, call in
            try call.push(fields: ["seed": Int(bitPattern: UInt(g.seed)), "offset": Int(bitPattern: UInt(g.offset))])
        }
        c.method(
            "set_state", "(state: {seed: integer, offset: integer})", "Continues where `state` was taken.",
            example: """
                local g = tensor.generator(7)
                local state = g:state()
                local a = g:uniform()
                g:set_state(state)
                g:uniform() == a  --> true
                """
        ) { g, call in
            let seed: Int = try call.option("seed"), offset: Int = try call.option("offset")
            g.reset(seed: UInt64(bitPattern: Int64(seed)), offset: UInt64(bitPattern: Int64(offset)))
            return .none
        }
        c.method(
            "uniform", "() -> number", "One number from 0 up to, not including, 1.",
            example: """
                local g = tensor.generator(7)
                local coin = g:uniform() < 0.5 and "heads" or "tails"
                coin  --> "..."
                """
        ) { g, call in try call.push(g.uniform()) }
        c.method(
            "integer", "(low: integer, high: integer) -> integer",
            "One integer from `low` to `high`, both included. (`tensor.randint` leaves `high` out, as PyTorch's does.)",
            example: """
                local g = tensor.generator(7)
                local pick = ({"a", "b", "c"})[g:integer(1, 3)]
                pick  --> "..."
                """
        ) { g, call in
            let low = try call.integer(1), high = try call.integer(2)
            let (span, overflow) = high.subtractingReportingOverflow(low)
            guard high >= low, !overflow, span < .max else { throw call.error("no integers from \(low) to \(high)") }
            return try call.push(low + g.integer(below: span + 1))
        }
    }
}

extension ModuleBuilder {
    /// Random tensors and their generators.
    func declareRandom() {
        let options = "dtype?: \(DType.choices) = \"float32\", generator?: Generator, requires_grad?: boolean = false"
        function(
            "manual_seed", "(seed: integer)",
            "Starts the stream of the default generator anew: the same seed gives the same numbers, whatever the number of threads.",
            example: """
                tensor.manual_seed(1)
                local a = tensor.rand(2)
                tensor.manual_seed(1)
                a:equal(tensor.rand(2))  --> true
                """
        ) { call in
            Random.manualSeed(UInt64(bitPattern: Int64(try call.integer(1))))
            return .none
        }
        function(
            "generator", "(seed?: integer) -> Generator",
            "A random stream of its own, to pass as `generator=`. Without a seed every run gives another one.",
            example: """
                local a = tensor.randn(3, {generator = tensor.generator(5)})
                local b = tensor.randn(3, {generator = tensor.generator(5)})
                a:equal(b)  --> true
                """
        ) { call in
            let seed: Int? = try call.get(1)
            return try call.push(
                Random(seed: seed.map { UInt64(bitPattern: Int64($0)) } ?? .random(in: 0 ... UInt64.max)))
        }
        function(
            "default_generator", "() -> Generator",
            "The generator that is used where none is named: its `state()` belongs into a checkpoint.",
            example: """
                tensor.manual_seed(42)
                tensor.default_generator():state()  --> {offset = 0, seed = 42}
                """
        ) { call in
            try call.push(Random.standard)
        }
        function(
            "rand", "(...: integer|integer[], opts?: {low?: number = 0, high?: number = 1, \(options)}) -> Tensor",
            "Evenly distributed numbers from `low` up to, not including, `high`.",
            example: """
                tensor.rand(2, 3):shape()                              --> {2, 3}
                local noise = tensor.rand(1000, {low = -1, high = 1})
                noise:min():item() >= -1 and noise:max():item() < 1    --> true
                """
        ) { call in
            try call.made(
                Tensor.rand(
                    call.sizes(), call.option("dtype"), low: call.option("low"), high: call.option("high"),
                    generator: call.generator))
        }
        function(
            "randn", "(...: integer|integer[], opts?: {mean?: number = 0, std?: number = 1, \(options)}) -> Tensor",
            "Normally distributed numbers, of mean 0 and standard deviation 1 unless the options say otherwise.",
            example: """
                tensor.manual_seed(1)
                local w = tensor.randn(256, 64, {std = 0.02, requires_grad = true})
                w:std():item() < 0.021  --> true
                """
        ) { call in
            try call.made(
                Tensor.randn(
                    call.sizes(), call.option("dtype"), mean: call.option("mean"), std: call.option("std"),
                    generator: call.generator))
        }
        function(
            "randint",
            "(low: integer, high: integer, ...: integer|integer[], opts?: {dtype?: \(DType.choices) = \"int64\", generator?: Generator}) -> Tensor",
            "Integers (int64) from `low` up to, not including, `high`, of the shape that follows.",
            example: """
                local codes = tensor.randint(0, 1024, 4, 20)
                codes:shape(), codes:dtype()                --> {4, 20}, "int64"
                codes:ge(0):all() and codes:lt(1024):all()  --> true
                """
        ) { call in
            try call.push(
                Tensor.randint(
                    call.integer(1), call.integer(2), call.sizes(), call.option("dtype"), generator: call.generator))
        }
        function(
            "randperm", "(n: integer, opts?: {generator?: Generator}) -> Tensor",
            "The positions 1 to `n` in random order: int64.",
            example: """
                local clips = tensor.new{10, 20, 30}
                local shuffled = clips[tensor.randperm(#clips)]
                shuffled:sort()  --> [10., 20., 30.], ...
                """
        ) { call in
            try call.push(Tensor.randperm(call.integer(1), generator: call.generator).oneBased())
        }
    }
}

extension Call {
    /// The option `generator`, else the default one.
    var generator: Random {
        get throws { try option("generator", as: Random?.self) ?? .standard }
    }

    /// Pushes a new tensor, with the option `requires_grad`.
    func made(_ tensor: Tensor) throws -> Results {
        if try option("requires_grad") { try tensor.setRequiresGrad() }
        return try push(tensor)
    }
}
