// SPDX-License-Identifier: Apache-2.0

/// The extension types that this module reads.
enum ExtensionType {
    static let serverName = 0
    static let applicationProtocols = 16
    static let supportedVersions = 43
    static let encryptedClientHello = 0xfe0d
}

/// The extension types met so far; each may come once (RFC 8446 §4.2).
///
/// What real clients send fits the word and the short list. A hello made of thousands of
/// extensions gets a bit map of all 65536 types, so that its cost stays linear.
struct ExtensionTypes {
    private var below64: UInt64 = 0
    private var few = InlineArray<16, UInt16>(repeating: 0)
    private var fewCount = 0
    private var many: [UInt64] = []

    /// Notes `type` (0…65535); false when it was there already.
    mutating func insert(_ type: Int) -> Bool {
        if type < 64 {
            let bit = UInt64(1) << UInt64(type)
            defer { below64 |= bit }
            return below64 & bit == 0
        }
        if many.isEmpty {
            for index in 0..<fewCount where Int(few[index]) == type { return false }
            if fewCount < few.count {
                few[fewCount] = UInt16(truncatingIfNeeded: type)
                fewCount += 1
                return true
            }
            many = [UInt64](repeating: 0, count: 65536 / 64)
            for index in 0..<fewCount { _ = insertIntoMany(Int(few[index])) }
        }
        return insertIntoMany(type)
    }

    private mutating func insertIntoMany(_ type: Int) -> Bool {
        let bit = UInt64(1) << UInt64(type & 63)
        defer { many[type >> 6] |= bit }
        return many[type >> 6] & bit == 0
    }
}
