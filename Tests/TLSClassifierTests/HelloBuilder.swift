// SPDX-License-Identifier: Apache-2.0

/// A hello field by field, sound unless a test spoils it.
struct HelloBuilder {
    var version: [UInt8] = [3, 3]
    var sessionID = vector8([])
    var cipherSuites = vector16([0x13, 0x01])
    var compression = vector8([0])
    /// Extensions, ready made; nil leaves the whole block away.
    var extensions: [[UInt8]]? = []
    var afterExtensions: [UInt8] = []

    static func serverName(_ name: [UInt8]) -> [UInt8] {
        ext(0, vector16([0] + vector16(name)))
    }

    static func serverName(_ name: String) -> [UInt8] { serverName(Array(name.utf8)) }

    /// One extension.
    static func ext(_ type: Int, _ data: [UInt8]) -> [UInt8] { bigEndian(type) + vector16(data) }

    static func with(_ extensions: [UInt8]...) -> HelloBuilder {
        HelloBuilder(extensions: extensions)
    }

    var body: [UInt8] {
        version + [UInt8](repeating: 0x5a, count: 32) + sessionID + cipherSuites + compression
            + (extensions.map { vector16($0.flatMap { $0 }) } ?? []) + afterExtensions
    }

    /// Type and length included.
    var message: [UInt8] { [1, UInt8(body.count >> 16)] + bigEndian(body.count) + body }

    /// In as few records as it takes.
    var stream: [UInt8] { records(message, of: 0x4000) }
}
