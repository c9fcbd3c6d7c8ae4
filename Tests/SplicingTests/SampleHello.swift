// SPDX-License-Identifier: Apache-2.0

/// A ClientHello of one record, as small as RFC 8446 §4.1.2 allows, or padded to a size.
enum SampleHello {
    /// A hello for `name`; nil: without SNI. `padding` adds an extension of that many bytes.
    static func bytes(for name: String?, padding: Int = 0) -> [UInt8] {
        var extensions: [UInt8] = []
        if let name {
            let text = Array(name.utf8)
            extensions += [0, 0] + vector(vector([0] + vector(text)))
        }
        if padding > 0 { extensions += [0, 21] + vector([UInt8](repeating: 0, count: padding)) }
        let body: [UInt8] =
            [3, 3] + [UInt8](repeating: 0x5a, count: 32) + [0] + vector([0x13, 0x01]) + [1, 0]
            + vector(extensions)
        let message = [1, UInt8(body.count >> 16)] + vector(body)
        return [22, 3, 1] + vector(message)
    }

    private static func vector(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)]
            + bytes
    }
}
