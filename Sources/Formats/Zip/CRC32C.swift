/// CRC-32C (Castagnoli), and the masked form in which TensorBoard's record files store it.
enum CRC32C {
    private static let table: [UInt32] = (0 ..< 256).map { byte in
        (0 ..< 8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    }

    /// Rotated and shifted, because a checksum over bytes that contain checksums is weak.
    static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let crc = of(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
