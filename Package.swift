// swift-tools-version: 6.0
import PackageDescription

// The instruction-set level that the kernels are compiled for. Swift's default x86-64 target has no
// fused multiply-add, and turns every SIMD8<Float> product into library calls (25 times slower).
// `OPAH_MARCH=x86-64 swift build` makes a program for older processors; the program checks at start
// that the machine has what it was built for. `-fno-math-errno` makes a square root one instruction
// for a whole vector instead of a library call per negative element (nobody reads errno after it).
#if arch(x86_64)
let level = Context.environment["OPAH_MARCH"] ?? "x86-64-v3"
let march = ["-Xcc", "-march=\(level)", "-Xcc", "-fno-math-errno"]
// Tells the program what to look for when it starts.
let define = level == "x86-64" || level == "x86-64-v2" ? [] : ["-D", "OPAH_X86_64_V3"]
#else
let level = Context.environment["OPAH_MARCH"] ?? ""
let march = (level.isEmpty ? [] : ["-Xcc", "-march=\(level)"]) + ["-Xcc", "-fno-math-errno"]
let define: [String] = []
#endif

/// Kernels are useless unoptimised, so `swift build` alone optimises too, whole modules at a time.
/// A debug build expects an object file per source, which whole modules give with more than one thread.
let fast: [SwiftSetting] = [
    .unsafeFlags(["-O", "-whole-module-optimization"] + march + define),
    .unsafeFlags(["-num-threads", "2"], .when(configuration: .debug))
]

/// `OPAH_DEV=1 swift build` is for work on the program: only the modules with kernels are optimised, the others are
/// built file by file, so that a changed line is tried in seconds. Speed and release tests need the plain build.
let development = Context.environment["OPAH_DEV"] != nil
let slow: [SwiftSetting] = [.unsafeFlags(["-Onone"] + march + define)]

/// `OPAH_FUZZ=1 swift build -c release --product opah-fuzz` makes the program that `scripts/fuzz` runs: libFuzzer, and
/// every module that reads files reporting which of its branches were taken. Nothing else can be built so.
let fuzzing = Context.environment["OPAH_FUZZ"] != nil
let traced: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]

func settings(_ name: String) -> [SwiftSetting] {
    if fuzzing { return fast + (name == "Tensors" ? [] : traced) }
    return !development
        || ["Distributed", "Tensors", "Codec", "LanguageModel", "Audio", "Formats", "Text"].contains(name) ? fast : slow
}

let testSettings: [SwiftSetting] = [.unsafeFlags([development ? "-Onone" : "-O"] + march)]

/// A module, and its tests where it has some of its own.
func library(
    _ name: String, _ dependencies: [Target.Dependency], hasTests: Bool = true,
    support: [Target.Dependency] = ["TestSupport"], luaTests: [String] = []
) -> [Target] {
    let module = Target.target(name: name, dependencies: dependencies, swiftSettings: settings(name))
    guard hasTests else { return [module] }
    return [
        module,
        .testTarget(
            name: name + "Tests", dependencies: [.byName(name: name)] + support + dependencies,
            exclude: luaTests, swiftSettings: testSettings)
    ]
}

func system(_ name: String, _ pkgConfig: String?, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// What fuzzing and the tests of its findings read with, and the program for fuzzing.
func fuzz() -> [Target] {
    let readers: [Target.Dependency] = [
        "Support", "Tensors", "Formats", "Audio", "Text", "Codec", "LanguageModel",
        "Training", "Configuration", "LuaHost", "Recipes", "Bindings", "CSndfile"
    ]
    let traced = traced + [.unsafeFlags(["-parse-as-library"])]
    return [
        .target(
            name: "FuzzReaders", dependencies: readers, path: "Tests/Fuzz/Readers",
            swiftSettings: settings("FuzzReaders")),
        fuzzing
            ? .executableTarget(
                name: "opah-fuzz", dependencies: ["FuzzReaders"], path: "Tests/Fuzz/Program", swiftSettings: traced,
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
            : .testTarget(
                name: "FuzzTests", dependencies: ["FuzzReaders", "TestSupport", "Audio"],
                swiftSettings: testSettings)
    ]
}

/// The programs that are built.
func products() -> [Product] {
    if fuzzing { return [.executable(name: "opah-fuzz", targets: ["opah-fuzz"])] }
    if Context.environment["OPAH_ONLY"] != nil { return [] }
    // The library is preloaded by tests, to make system calls fail.
    return [
        .executable(name: "opah", targets: ["opah"]),
        .library(name: "FaultShim", type: .dynamic, targets: ["FaultShim"])
    ]
}

/// `OPAH_ONLY=Audio swift test` builds and tests one module and what it stands on, nothing else.
func selected(_ all: [Target]) -> [Target] {
    guard let only = Context.environment["OPAH_ONLY"] else { return all }
    var wanted: Set<String> = [], queue = only.split(separator: ",").flatMap { [String($0), $0 + "Tests"] }
    while let name = queue.popLast() {
        guard let target = all.first(where: { $0.name == name }), wanted.insert(name).inserted else { continue }
        for case .byNameItem(let dependency, _) in target.dependencies { queue.append(dependency) }
    }
    return all.filter { wanted.contains($0.name) }
}

let package = Package(
    name: "opah",
    products: products(),
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0")
    ],
    targets: selected(
        [
            system("CLua", "lua5.4", "liblua5.4-dev"),
            system("CSndfile", "sndfile", "libsndfile1-dev"),
            system("CVorbis", "vorbis", "libvorbis-dev"),
            system("CMpg123", "libmpg123", "libmpg123-dev"),
            system("COpenBLAS", "openblas", "libopenblas-dev"),
            system("CPCRE2", "libpcre2-8", "libpcre2-dev"),
            // Its pkg-config file holds -D flags, which SwiftPM refuses with a warning; its header needs none of them.
            system("CKissFFT", nil, "libkissfft-dev"),
            system("CZlib", "zlib", "zlib1g-dev"),
            system("CEditline", "libedit", "libedit-dev"),
            system("CXXHash", "libxxhash", "libxxhash-dev"),

            // All C code: what signal handlers do, what is looked up at run time, instructions that have to be named;
            // and, the only code that may longjmp, the border to Lua.
            .target(name: "SystemShim"),
            // MPI's calls, looked up when the program runs under one of its launchers: nothing is linked.
            .target(name: "CMPI", linkerSettings: [.linkedLibrary("dl")]),
            // oneDNN's bfloat16 product, looked up on processors that have the instructions.
            .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dl")]),
            // Products by instructions that a compiler gives only to those who name them: the codec's in the vectors of
            // AVX-512, and those of 8-bit weights; optimised in every build.
            .target(name: "CRowProducts", cSettings: [.unsafeFlags(["-O2"])]),
            .target(name: "CByteProducts", cSettings: [.unsafeFlags(["-O2"])]),
            .target(name: "LuaShim", dependencies: ["CLua"]),
            .target(name: "FaultShim", path: "Tests/FaultShim"),
            // What the tests of several modules share; with an interpreter, and without.
            .target(
                name: "LuaTestSupport", dependencies: ["TestSupport", "LuaHost", "Bindings"],
                path: "Tests/LuaTestSupport",
                swiftSettings: fast),
            .target(
                name: "TestSupport", dependencies: ["Support", "Tensors", "Formats"], path: "Tests/TestSupport",
                swiftSettings: fast)
        ]
            + library("Support", ["CXXHash", "SystemShim"])
            + library("Distributed", ["Support", "CMPI"])
            + library("LuaHost", ["Support", "LuaShim", "CLua"])
            + library("Tensors", ["Support", "SystemShim", "COpenBLAS", "COneDNN", "CByteProducts", "CRowProducts"])
            + library(
                "Formats", ["Support", "Tensors", "CZlib", .product(name: "SwiftProtobuf", package: "swift-protobuf")])
            + library("Audio", ["Support", "CSndfile", "CVorbis", "CMpg123", "CKissFFT"])
            + library("Text", ["Support", "CPCRE2"])
            + library(
                "Codec",
                ["Support", "Tensors", "Formats", "Audio", "CRowProducts", .product(name: "Yams", package: "Yams")])
            + library("LanguageModel", ["Support", "Tensors", "Formats", "Text", "CByteProducts"])
            + library("Dataset", ["Support", "Tensors", "Formats", "Audio", "Text", "Codec"])
            + library("Training", ["Support", "Distributed", "Tensors", "Formats", "LanguageModel", "Dataset"])
            + library("Configuration", ["Support", .product(name: "Yams", package: "Yams")])
            // What a person sees and starts; from here on upwards the program, and no longer its arithmetic.
            + library("Console", ["Support", "SystemShim"], hasTests: false)
            + library("Installation", ["Support"], hasTests: false)
            + library("Pictures", ["Support", "Audio", "Console", "CZlib"], hasTests: false)
            + library("Supervision", ["Support", "LuaHost", "Console", "Installation", "Pictures"])
            + library(
                "Recipes",
                [
                    "Support", "LuaHost", "Configuration", "Console", "Installation", "Supervision",
                    .product(name: "Yams", package: "Yams")
                ], hasTests: false)
            // Connections and what travels on them; who answers is not its concern.
            + library("Serving", ["Support"])
            + library("Documentation", ["Support", "LuaHost", "Installation", "Pictures"], hasTests: false)
            + library(
                "REPL",
                ["Support", "LuaHost", "Tensors", "Console", "Installation", "Recipes", "Documentation", "CEditline"],
                hasTests: false)
            + library(
                "Bindings",
                [
                    "Support", "Distributed", "LuaHost", "Tensors", "Formats", "Audio", "Text", "Codec",
                    "LanguageModel", "Dataset",
                    "Training", "Configuration", "Console", "Installation", "Pictures", "Supervision", "Recipes",
                    "Serving", "Documentation", "REPL"
                ], support: ["TestSupport", "LuaTestSupport"], luaTests: ["Lua"])
            + [
                .executableTarget(
                    name: "opah",
                    dependencies: [
                        "Support", "Distributed", "LuaHost", "Tensors", "Console", "Installation", "Pictures",
                        "Supervision", "Recipes",
                        "Documentation", "REPL", "Bindings",
                        .product(name: "ArgumentParser", package: "swift-argument-parser")
                    ],
                    swiftSettings: settings("opah")),
                // What starts the program, on a terminal or from a shell.
                .testTarget(
                    name: "opahTests",
                    dependencies: [
                        "TestSupport", "LuaTestSupport", "Audio", "Documentation", "LuaHost", "Bindings",
                        .product(name: "Yams", package: "Yams")
                    ],
                    exclude: ["Lua"], swiftSettings: testSettings)
            ]
            + fuzz()),
    swiftLanguageModes: [.v6]
)
