import Tensors
import XCTest

final class MachineRatesTests: XCTestCase {
    /// Rates are those of a computer, whatever else it does: above a megabyte, below a petabyte each second.
    func testRatesArePlausible() throws {
        let rates = try MachineRates.measure(seconds: 0.05, size: 256, bufferBytes: 64 << 20)
        for rate in [rates.squareProduct, rates.layerProduct, rates.readBandwidth]
            + (rates.bfloat16Rate.map { [$0] } ?? [])
        {
            XCTAssertGreaterThan(rate, 1e6)
            XCTAssertLessThan(rate, 1e15)
        }
        XCTAssertEqual(rates.matrixRate, max(rates.squareProduct, rates.layerProduct))
        XCTAssertEqual(rates.bfloat16Rate != nil, BFloat16Engine.isAvailable)
    }

    /// Whether bfloat16 products are worth taking agrees with what the rates say, where it is not close.
    func testSpeedOfBFloat16ProductsIsMeasured() throws {
        guard let speed = BFloat16Engine.speed else {
            XCTAssertFalse(BFloat16Engine.isFaster)
            return XCTAssertFalse(BFloat16Engine.isAvailable)
        }
        XCTAssertEqual(BFloat16Engine.isFaster, speed >= 1.2)
        let rates = try MachineRates.measure(seconds: 1, size: 1024, bufferBytes: 1 << 20)
        let ratio = try XCTUnwrap(rates.bfloat16Rate) / rates.matrixRate
        if ratio > 1.6 { XCTAssertTrue(BFloat16Engine.isFaster, "\(speed), by the rates \(ratio)") }
        if ratio < 0.9 { XCTAssertFalse(BFloat16Engine.isFaster, "\(speed), by the rates \(ratio)") }
    }

    func testBetterIsTakenRateByRate() {
        let first = MachineRates(squareProduct: 3, layerProduct: 2, readBandwidth: 9)
        let second = MachineRates(squareProduct: 1, layerProduct: 4, readBandwidth: 5)
        XCTAssertEqual(first.better(second), MachineRates(squareProduct: 3, layerProduct: 4, readBandwidth: 9))
        let withHalf = MachineRates(squareProduct: 1, layerProduct: 1, bfloat16Rate: 7, readBandwidth: 1)
        XCTAssertEqual(first.better(withHalf).bfloat16Rate, 7)
        XCTAssertEqual(
            withHalf.better(MachineRates(squareProduct: 1, layerProduct: 1, bfloat16Rate: 6, readBandwidth: 1))
                .bfloat16Rate, 7)
    }
}
