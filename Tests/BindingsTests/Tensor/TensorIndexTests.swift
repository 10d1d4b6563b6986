import LuaHost
import LuaTestSupport
import XCTest

/// `t[key]` on both sides of `=`; keys count from 1.
final class TensorIndexTests: TensorTestCase {
    func testReading() {
        check(.file("reading"))
    }

    func testWriting() {
        check(.file("writing"))
    }

    func testErrors() {
        check(.file("errors"))
    }
}
