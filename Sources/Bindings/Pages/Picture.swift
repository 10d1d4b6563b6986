import Console
import Foundation
import LuaHost
import Pictures
import Support

/// A plot as Lua holds it: it prints itself as text, and is saved as SVG or PNG.
public final class Picture: LuaObject, @unchecked Sendable {
    let plot: Plot
    init(_ plot: Plot) { self.plot = plot }

    public static let luaClass = LuaClass(
        "Picture", of: Picture.self, "Something to look at. `print` draws it in characters; the prompt shows it so."
    ) { c in
        c.method(
            "text", "(opts?: {width?: integer, height?: integer = 14, colour?: boolean = false}) -> string",
            "The picture in lines of characters, as wide as the terminal unless `width` says otherwise. With `colour`, terminal colours are used.",
            example: "print(plot.line({ 1, 3, 2 }):text { width = 40, height = 4 })"
        ) { picture, call in
            let options = try call.options
            let width: Int = try options.get("width", as: Int?.self) ?? Terminal.outputWidth,
                height: Int = try options.get("height")
            guard (20 ... 1000).contains(width), (3 ... 300).contains(height) else {
                throw call.error("width must be 20 to 1000 and height 3 to 300")
            }
            return try call.push(picture.plot.text(width: width, height: height, colour: options.get("colour")))
        }
        c.method(
            "svg", "() -> string", "The picture as the text of an SVG file.",
            example: #"plot.line({ 1, 3, 2 }):svg():sub(1, 4)  --> "<svg""#
        ) { picture, call in try call.push(picture.plot.svg(background: true)) }
        c.method(
            "png", "(opts?: {width?: integer = 900, height?: integer = 400}) -> string",
            "The bytes of a PNG file of that many pixels. Its letters are ASCII, drawn in pixels: accents are left out, other letters are boxes; SVG has all of them.",
            example: """
                bytes = plot.line({ 1, 3, 2 }):png { width = 300, height = 200 }
                bytes:sub(2, 4)  --> "PNG"
                """
        ) { picture, call in
            let options = try call.options, width: Int = try options.get("width"),
                height: Int = try options.get("height")
            guard (100 ... 8000).contains(width), (80 ... 8000).contains(height) else {
                throw call.error("width must be 100 to 8000 and height 80 to 8000")
            }
            return try call.push(bytes: picture.plot.png(width: width, height: height))
        }
        c.method(
            "save", "(path: string)", "Writes the picture as its file name says: .svg, .png or .txt.",
            example: """
                plot.line({ 3, 1, 2 }):save("curve.svg")
                fs.exists("curve.svg")  --> true
                """
        ) { picture, call in
            let path = try call.string(1)
            switch path.split(separator: ".").last?.lowercased() {
            case "svg": try AtomicFile.write(path, picture.plot.svg(background: true) + "\n")
            case "png": try AtomicFile.write(path, picture.plot.png())
            case "txt": try AtomicFile.write(path, picture.plot.text() + "\n")
            default: throw call.error(at: 1, "\(name: path) has none of the endings .svg, .png, .txt")
            }
            return .none
        }
        c.metamethod(
            "__tostring", "(picture: Picture) -> string",
            "The picture in lines of characters, in colour where standard output shows colours.",
            example: "tostring(plot.line { 1, 3, 2 })  --> ...3 ┤..."
        ) { call in
            try call.push(
                call.object(1, as: Picture.self).plot.text(
                    width: Terminal.outputWidth, colour: Terminal.hasOutputColour))
        }
    }
}
