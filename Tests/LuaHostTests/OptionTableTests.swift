import LuaHost
import Support
import XCTest

/// Options that are declared once: what their signature says and what a call makes of them.
final class OptionTableTests: XCTestCase {
    private enum Kind: String, LuaChoice { case round, square }

    private struct Circle {
        var size = 1.5
        var smooth = true
    }

    private struct Square {
        var size = 2.0
        var corners: Int?

        static let options = OptionTable(Square()) { o in
            o.option("size", \.size, "of a side")
            o.option("corners", \.corners, "how many are kept")
        }
    }

    private struct Shape {
        var kind = Kind.round
        var seed: UInt64 = 7
        var circle = Circle()
        var square = Square()

        static let options = OptionTable(Shape()) { o in
            o.option("kind", \.kind, "what it is")
            o.option("seed", \.seed, "of its colour")
            o.include(
                OptionTable(Circle()) { o in
                    o.option("size", \.size, "across")
                    o.option("smooth", \.smooth, "without steps")
                }, at: \.circle, where: "kind", \.kind, is: .round)
            o.include(Square.options, at: \.square, where: "kind", \.kind, is: .square)
        }
    }

    /// An option that a configuration has a key for.
    func testAnOptionMayBeASetting() throws {
        let table = OptionTable(Square()) { o in
            o.option("size", \.size, "of a side", key: "drawing.size", type: ["above": 0])
            o.option("corners", \.corners, "how many are kept")
            o.option("colours", "string[]", .list([]), "of the sides", key: "drawing.colours") { (_, _: [String]) in }
            o.option("kind", "\"round\"|\"square\"", nil, "what it is", key: "kind") { (_, _: LuaValue) in }
            o.option("share", "boolean|number", .boolean(true), "is drawn", key: "share") { (_, _: LuaValue) in }
        }
        XCTAssertEqual(table.settings.map(\.option), ["size", "colours", "kind", "share"])
        XCTAssertEqual(table.settings.map(\.key), ["drawing.size", "drawing.colours", "kind", "share"])
        XCTAssertEqual(table.settings.map(\.value), [2.0, [], .null, true])
        XCTAssertEqual(
            table.settings.map(\.type),
            [
                ["is": "number", "above": 0], ["is": "list", "items": "text"],
                ["is": "text", "choices": ["round", "square"], "optional": true], ["is": "boolean|number"]
            ])
        XCTAssertTrue(table.description.contains(#"size?: number = 2.0 "of a side [drawing.size]","#))
    }

    private func shape(_ options: String) throws -> Shape {
        var shape: Shape?
        let module = LuaModule("opah.shapes", "Shapes.") { m in
            m.function("draw", "(opts?: {\(Shape.options)})", "Draws.") { call in
                shape = try Shape.options.read(call.options)
                return .none
            }
        }
        try Interpreter(Catalog([module])).run("require 'opah.shapes'.draw(\(options))")
        return try XCTUnwrap(shape)
    }

    func testTheSignatureNamesEachOptionOnce() throws {
        XCTAssertEqual(
            Shape.options.description,
            """
            kind?: "round"|"square" = "round" "what it is", seed?: integer = 7 "of its colour", \
            size?: number "across (1.5 of round); of a side (2.0 of square)", \
            smooth?: boolean "without steps (true of round)", corners?: integer "how many are kept (of square)"
            """)
        let fields = try Signature(parsing: "(opts?: {\(Shape.options)})").parameters[0].type.fields
        XCTAssertEqual(fields?.map(\.name), ["kind", "seed", "size", "smooth", "corners"])
        XCTAssertEqual(fields?.map(\.isOptional), [true, true, true, true, true])
    }

    func testLeftOutOptionsAreThoseOfAFreshValue() throws {
        for options in ["", "{}", "{ size = nil, seed = nil }"] {
            let shape = try shape(options)
            XCTAssertEqual(shape.kind, .round, options)
            XCTAssertEqual(shape.seed, 7, options)
            XCTAssertEqual(shape.circle.size, 1.5, options)
            XCTAssertNil(shape.square.corners, options)
        }
    }

    func testAnOptionGoesToThePartThatTheWordPicks() throws {
        let square = try shape("{ kind = 'square', size = 3, corners = 2, seed = -1 }")
        XCTAssertEqual(square.square.size, 3)
        XCTAssertEqual(square.square.corners, 2)
        XCTAssertEqual(square.circle.size, 1.5)
        XCTAssertEqual(square.seed, .max)
    }

    func testAnOptionOfAnotherPartIsAnError() throws {
        XCTAssertThrowsError(try shape("{ corners = 2 }")) { error in
            let error = error as? OpahError
            XCTAssertEqual(error?.message.contains("shapes.draw: the kind \"round\" has no option 'corners'"), true)
            XCTAssertEqual(error?.hint, "it belongs to kind = \"square\"")
        }
        XCTAssertThrowsError(try shape("{ kind = 'oval' }")) { error in
            XCTAssertEqual((error as? OpahError)?.message.contains("option 'kind'"), true)
        }
    }
}
