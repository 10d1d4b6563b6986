import Foundation

/// The reference numbers in Tests/Vectors, found from this file's own place in the checkout.
public enum Vectors {
    public static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Vectors").path

    public static func path(_ relative: String) -> String { folder + "/" + relative }

    public static func json(_ relative: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path(relative))),
                                         options: [.fragmentsAllowed])
    }
}
