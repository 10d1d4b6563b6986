import LuaTestSupport
import TestSupport
import XCTest

/// `lora.config`: names, tables and files.
final class AdapterSettingsTests: XCTestCase {
    private let tools = LuaScript.file("tools")

    func testNamesAndTables() throws {
        try LuaFixture.check(.file("names_and_tables"), after: tools)
    }

    /// Every stock file says what its name says.
    func testStockFiles() throws {
        try LuaFixture.check(.file("stock_files"), after: tools)
    }

    func testFiles() throws {
        try LuaFixture.check(.file("files"), after: tools)
    }

    /// DoRA in a loop in Lua, saved, loaded again and merged.
    func testTrainingAndMerging() throws {
        try LuaFixture.check(.file("training_and_merging"))
    }
}
