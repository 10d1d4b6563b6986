import CRowProducts
import Codec
import Tensors
import XCTest

/// Products with the vectors of AVX-512 against those of AVX2: not a bit differs, in codes and in sound.
final class WideProductTests: XCTestCase {
    override func setUpWithError() throws {
        try XCTSkipIf(crow_use(1) != 0, "this processor has no AVX-512")
    }

    override func tearDown() { _ = crow_use(1) }

    private func both<T>(_ body: () throws -> T) throws -> (wide: T, narrow: T) {
        XCTAssertEqual(crow_is_used(), 1)
        let wide = try body()
        XCTAssertEqual(crow_use(0), 0)
        defer { _ = crow_use(1) }
        return (wide, try body())
    }

    /// Widths with an odd number of panels, kernels of every way through the vocoder, and numbers of rows that end
    /// within a tile.
    func testTheSameBits() throws {
        var configuration = CodecConfiguration()
        configuration.backbone.depths = [1, 0, 0, 1]
        configuration.head.initialChannels = 160
        configuration.head.resblockKernelSizes = [3, 8, 11, 13]
        configuration.head.resblockDilations = [[1, 3, 5], [1, 2, 5], [1, 3, 4], [1, 1, 2]]
        let codec = try Codec.random(configuration, seed: 9)
        for tokens in [1, 9, 14] {
            let codes = try Tensor(integers: (0 ..< (8 * tokens)).map { $0 * 7919 % 1000 }, [8, tokens], .int32)
            let wave = try both { try codec.decode(codes) }
            XCTAssertGreaterThan(wave.wide.map { abs($0) }.max() ?? 0, 0.01)
            XCTAssertEqual(wave.wide.map(\.bitPattern), wave.narrow.map(\.bitPattern), "\(tokens) tokens")
            let found = try both { try codec.encode(wave.wide).codes }
            XCTAssertEqual(found.wide, found.narrow, "\(tokens) tokens")
        }
    }
}
