import Foundation
import Installation
import LanguageModel
import LuaHost
import Supervision
import Support
import Tensors

extension LuaModule {
    /// `opah.machine`: what recipes plan and measure with.
    public static let machine = LuaModule(
        "opah.machine",
        "This machine: its rates, memory, disk and time, and other programs run beside this one. Bytes and seconds."
    ) { m in
        m.constant(
            "program", "string", "The path of this program, for `machine.run`.",
            example: "machine.program  --> \"/...\"", FileKind.resolved("/proc/self/exe"))
        m.function(
            "rates",
            "(seconds?: number = 2, opts?: {size?: integer = 2048, buffer?: integer = 536870912}) -> \(Record.rates)",
            """
            What the machine does at best, measured now for about `seconds` with all threads: `{matrix_rate, square_product, \
            layer_product, bfloat16_rate, read_bandwidth}`. FLOP/s of float32 products (of `size` x `size` matrices, and of \
            `size` / 4 rows of 1024 with a weight [4096, 1024]; `matrix_rate` is the better one), of the better of these with \
            bfloat16 factors where the processor multiplies such numbers (see `machine.engines`), and bytes/s of reading \
            `buffer` bytes, more than any cache holds. \
            Smaller sizes take less time and say less.
            """,
            example: """
                local rates = machine.rates(0.01, { size = 64, buffer = 1048576 })
                rates.matrix_rate > 1e8, rates.read_bandwidth > 1e8  --> true, true
                """
        ) { call in
            let seconds = try call.number(1), size: Int = try call.option("size"),
                buffer: Int = try call.option("buffer")
            guard seconds >= 0, seconds <= 600 else { throw call.error(at: 1, "must be from 0 to 600 seconds") }
            guard size >= 4, size <= 16384 else { throw call.error("size must be from 4 to 16384") }
            guard buffer >= 4096, buffer <= 64 << 30 else { throw call.error("buffer must be from 4 KiB to 64 GiB") }
            let rates = try MachineRates.measure(seconds: seconds, size: size, bufferBytes: buffer)
            return try call.push(
                [
                    "matrix_rate": rates.matrixRate, "square_product": rates.squareProduct,
                    "layer_product": rates.layerProduct,
                    "bfloat16_rate": rates.bfloat16Rate, "read_bandwidth": rates.readBandwidth
                ] as Fields)
        }
        m.function(
            "memory", "() -> \(Record.memory)",
            """
            `{total, available}` of the machine, `{resident, peak}` of this process: what it holds now, mapped files included, and the most it has held since its start or `reset_peak`. \
            `plannable` is what a plan may count on: `available`, or what the environment variable OPAH_MEMORY_LIMIT says when that is less (bytes, or as in 4GB).
            """,
            example: """
                local memory = machine.memory()
                memory.available <= memory.total, memory.resident <= memory.peak  --> true, true
                ("%.1f GB may be planned"):format(memory.plannable / 1e9)         --> "... GB may be planned"
                """
        ) { call in
            let machine = ProcessMemory.machine(), own = ProcessMemory.of("self")
            return try call.push(
                [
                    "total": machine.total, "available": machine.available, "resident": own.resident, "peak": own.peak,
                    "plannable": min(machine.available, try ByteCount.limit("OPAH_MEMORY_LIMIT") ?? Int.max)
                ] as Fields)
        }
        m.function(
            "reset_peak", "() -> boolean",
            "Lets `memory().peak` begin again from what the process holds now. False where the system cannot do that.",
            example: """
                machine.reset_peak()
                local memory = machine.memory()
                memory.peak - memory.resident < 16e6  --> true
                """
        ) { call in
            try call.push(ProcessMemory.resetPeak())
        }
        m.function(
            "free_disk", "(path: string) -> integer",
            """
            Bytes that may still be written below a path, which need not exist yet; at most what the environment variable OPAH_DISK_LIMIT says, when that is set (bytes, or as in 4GB).
            """,
            example: #"machine.free_disk("out/new") > 1e6  --> true"#
        ) { call in
            try call.push(min(DiskSpace.free(at: call.string(1)), try ByteCount.limit("OPAH_DISK_LIMIT") ?? Int.max))
        }
        m.function(
            "now", "() -> number",
            "Seconds since some moment in the past, never turned back: for measuring how long something takes.",
            example: """
                local began = machine.now()
                tensor.randn(100, 100):matmul(tensor.randn(100, 100))
                ("took %.1f ms"):format((machine.now() - began) * 1000)  --> "took ... ms"
                """
        ) { call in
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return try call.push(Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9)
        }
        m.function(
            "cpu", "() -> \(Record.cpu)",
            "`{model, processors, threads, instruction_set}`: threads are those that kernels use, the instruction set is what this program was built for.",
            example: "machine.cpu()  --> {instruction_set = ..., model = ..., processors = ..., threads = ...}"
        ) { call in
            try call.push(
                [
                    "model": InstructionSet.processorName(), "processors": ProcessInfo.processInfo.activeProcessorCount,
                    "threads": Parallel.threadCount, "instruction_set": InstructionSet.name
                ] as Fields)
        }
        m.function(
            "engines", "() -> \(Record.engines)",
            """
            What computes products with large matrices: `{float32, bfloat16, bfloat16_speed, fast_bfloat16, int8}`. `bfloat16` names what multiplies such numbers on this processor, or says why nothing \
            does; `bfloat16_speed` is how many times as fast as float32 that is, measured once (nil where nothing does), and `fast_bfloat16` whether it is 1.2 or more, which `precision = "auto"` goes by; `int8` is whose instructions multiply 8-bit weights when such a model speaks.
            """,
            example: #"machine.engines().float32  --> "OpenBLAS ...""#
        ) { call in
            try call.push(
                [
                    "float32": MatrixLibrary.description, "bfloat16": BFloat16Engine.description,
                    "bfloat16_speed": BFloat16Engine.speed, "fast_bfloat16": BFloat16Engine.isFaster,
                    "int8": LanguageModel.WeightForm.int8Engine
                ] as Fields)
        }
        m.function(
            "load_average", "() -> number",
            "How many threads of all programs wanted to run, on average over the last minute; more than `cpu().processors` means that programs wait for each other.",
            example: "machine.load_average() >= 0  --> true"
        ) { call in
            var averages = [0.0, 0.0, 0.0]
            return try call.push(getloadavg(&averages, 3) > 0 ? averages[0] : 0)
        }
        m.function(
            "run",
            """
            (arguments: string[], opts?: {timeout?: number, folder?: string, environment?: table<string, string>, output?: "captured"|"inherited"|"discarded" = "captured", \
            errors?: "captured"|"merged"|"inherited"|"discarded" = "captured"}) -> \(Record.ended)
            """,
            """
            Runs a program, `arguments[1]`, to its end, in a process group of its own with nothing on its standard input: `{exit_code, seconds, processor_seconds, peak, output, errors, timed_out}`. \
            `peak` is the most memory it held; a program that was killed has 128 + the signal as its exit code. After `timeout` seconds, and on Ctrl-C, it and what it started \
            are asked to end, and killed five seconds later. `environment` is added to this program's own.
            """,
            example: #"""
                local result = machine.run({ "/bin/sh", "-c", "echo hello; exit 3" }, { timeout = 10 })
                result.exit_code, result.output:match("%a+"), result.timed_out  --> 3, "hello", false
                """#
        ) { call in
            let arguments = try call.strings(1)
            guard !arguments.isEmpty else { throw call.error(at: 1, "must name a program") }
            let timeout: Double? = try call.option("timeout")
            if let timeout, !(timeout > 0) { throw call.error("timeout must be above 0") }
            let child = try ChildProcess(
                arguments, environment: call.option("environment", as: [String: String]?.self) ?? [:],
                folder: call.option("folder"),
                output: childOutput(call.option("output")), errors: childOutput(call.option("errors")))
            let end = try child.wait(timeout: timeout)
            return try call.push(
                [
                    "exit_code": Int(end.code), "seconds": end.seconds, "processor_seconds": end.processorSeconds,
                    "peak": end.peakBytes,
                    "output": child.output(), "errors": child.errors(), "timed_out": child.wasStopped
                ] as Fields)
        }
    }

    private static func childOutput(_ name: String) -> ChildProcess.Output {
        switch name {
        case "inherited": .inherited
        case "discarded": .discarded
        case "merged": .merged
        default: .captured
        }
    }
}
