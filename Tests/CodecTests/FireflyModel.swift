import Codec
import Support
import Tensors
import TestSupport
import XCTest
import Yams

/// One of the two small codecs of the reference vectors, with its clips.
struct FireflyModel {
    let name: String, clipCount: Int
    let configuration: CodecConfiguration
    let clips: [[Float]]

    /// `b` has the first two clips only.
    static func all() throws -> [FireflyModel] { try [FireflyModel("a", 3), FireflyModel("b", 2)] }

    init(_ name: String, _ clipCount: Int) throws {
        self.name = name
        self.clipCount = clipCount
        configuration = try CodecConfiguration(Self.tree("firefly/\(name)/config.yaml"))
        clips = try (0 ..< clipCount).map { try Self.wave("firefly/clip\($0).wav") }
    }

    var checkpoint: String { Vectors.path("firefly/\(name)/model.pth") }

    func load() throws -> Codec { try Codec.load(configuration: configuration, checkpoint: checkpoint) }

    /// A 16-bit mono wav with the plain 44-byte header.
    private static func wave(_ path: String) throws -> [Float] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Vectors.path(path))).dropFirst(44)
        return stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            Float(Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)) / 32768
        }
    }

    static func tree(_ path: String) throws -> ConfigValue {
        let node = try XCTUnwrap(Yams.compose(yaml: String(contentsOfFile: Vectors.path(path), encoding: .utf8)))
        return convert(node)
    }

    private static func convert(_ node: Yams.Node) -> ConfigValue {
        switch node {
        case .mapping(let mapping):
            var map = ConfigMap()
            for (key, value) in mapping { map[key.string ?? ""] = convert(value) }
            return .map(map)
        case .sequence(let sequence): return .list(sequence.map(convert))
        default:
            return node.int.map(ConfigValue.int) ?? node.float.map(ConfigValue.double) ?? .string(node.string ?? "")
        }
    }
}

extension Tensor {
    /// The elements of an int32 tensor.
    var codes: [Int32] { Array(UnsafeBufferPointer(start: pointer(Int32.self), count: count)) }

    /// [1, ...] without the batch of one.
    var withoutBatch: Tensor {
        Tensor(
            storage: storage, offset: offset, shape: Dims(Array(shape.dropFirst())),
            strides: Dims(Array(strides.dropFirst())), dtype: dtype)
    }

    /// Entry `b` of the batch, the first dimension.
    func batch(_ b: Int) -> Tensor {
        Tensor(
            storage: storage, offset: offset + b * strides[0], shape: Dims(Array(shape.dropFirst())),
            strides: Dims(Array(strides.dropFirst())), dtype: dtype)
    }
}
