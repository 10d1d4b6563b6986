import Tensors
import XCTest

final class MachineRatesTests: XCTestCase {
    /// Rates are those of a computer, whatever else it does: above a megabyte, below a petabyte each second.
    func testRatesArePlausible() throws {
        let rates = try MachineRates.measure(seconds: 0.05, size: 256, bufferBytes: 64 << 20)
        for rate in [rates.squareProduct, rates.layerProduct, rates.readBandwidth] {
            XCTAssertGreaterThan(rate, 1e6)
            XCTAssertLessThan(rate, 1e15)
        }
        XCTAssertEqual(rates.matrixRate, max(rates.squareProduct, rates.layerProduct))
    }

    func testBetterIsTakenRateByRate() {
        let first = MachineRates(squareProduct: 3, layerProduct: 2, readBandwidth: 9)
        let second = MachineRates(squareProduct: 1, layerProduct: 4, readBandwidth: 5)
        XCTAssertEqual(first.better(second), MachineRates(squareProduct: 3, layerProduct: 4, readBandwidth: 9))
    }
}
