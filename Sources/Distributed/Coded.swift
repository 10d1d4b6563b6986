import Foundation

/// Swift values as bytes, for other processes of the same program.
enum Coded {
    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return Array(try encoder.encode([value]))   // a list, since a plain value is no document
    }

    static func value<T: Decodable>(_ bytes: [UInt8], as type: T.Type = T.self) throws -> T {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode([T].self, from: Data(bytes))[0]
    }
}
