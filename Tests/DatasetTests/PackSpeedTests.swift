import Dataset
import Formats
import Foundation
import Support
import Tensors
import TestSupport
import XCTest

/// What packing many clips takes.
final class PackSpeedTests: XCTestCase {
    /// 2000 clips of 10 seconds in a time for 10 000 of which 10 s are generous.
    func testSpeed() throws {
        try withTemporaryFolder { folder in
            let codes = try Tensor(integers: (0 ..< 8 * 215).map { $0 % 1000 }, [8, 215], .int32)
            try Npy.save(codes, to: folder + "/one.npy")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/one.npy"))
            try FileManager.default.removeItem(atPath: folder + "/one.npy")
            for speaker in 0 ..< 10 {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/data/s\(speaker)", withIntermediateDirectories: true)
                for clip in 0 ..< 200 {
                    let stem = "\(folder)/data/s\(speaker)/\(clip)"
                    try bytes.write(to: URL(fileURLWithPath: stem + ".npy"))
                    try Data("This is sentence number \(clip).".utf8).write(to: URL(fileURLWithPath: stem + ".lab"))
                }
            }
            let clock = ContinuousClock()
            var report: PackFolder.Report?
            let time = try clock.measure {
                report = try PackFolder.build(inputs: [folder + "/data"], output: folder + "/protos")
            }
            print("packing 2000 clips of 215 frames: \(time)")
            XCTAssertEqual(report?.sentences, 2000)
            XCTAssertLessThan(time, .seconds(2))
            let load = try clock.measure {
                XCTAssertEqual(try SentenceStore(protos: [folder + "/protos"]).sentenceCount, 2000)
            }
            print("reading them: \(load)")
        }
    }
}
