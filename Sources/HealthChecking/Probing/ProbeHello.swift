// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// A ClientHello of our own: as small as TLS 1.2 and 1.3 servers of all kinds answer
/// (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2). Nothing follows it, so it needs no cryptography: any 32
/// bytes are a public key of X25519 (RFC 7748 §5).
enum ProbeHello {
    /// The hello as one clear-text record: type 22, version 0x0301, length, handshake.
    static func record(
        serverName: ServerName?, random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        let handshake = [1] + vector(3, body(serverName, &random))
        return [22, 3, 1] + vector(2, handshake)
    }

    /// Version 0x0303, random, session id, cipher suites, compression, extensions.
    private static func body(
        _ name: ServerName?, _ random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        var body: [UInt8] = [3, 3]
        body += bytes(32, &random)
        body += vector(1, bytes(32, &random))
        body += vector(2, words(suites))
        body += [1, 0]
        return body + vector(2, extensions(name, &random))
    }

    /// AEAD suites of TLS 1.3, ECDHE of TLS 1.2, and what old servers have; no renegotiation
    /// (RFC 5746 §3.3).
    private static let suites: [UInt16] = [
        0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013,
        0xc00a, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0x00ff,
    ]
    /// X25519, P-256, P-384, P-521.
    private static let groups: [UInt16] = [0x001d, 0x0017, 0x0018, 0x0019]
    /// ECDSA, Ed25519, RSA-PSS, RSA-PKCS1.
    private static let signatures: [UInt16] = [
        0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201,
    ]

    private static func extensions(
        _ name: ServerName?, _ random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        var all: [UInt8] = []
        if let name {
            // A list of one entry of type host_name (RFC 6066 §3).
            all += one(0, vector(2, [0] + vector(2, Array(name.text.utf8))))
        }
        all += one(10, vector(2, words(groups)))
        all += one(11, vector(1, [0]))
        all += one(13, vector(2, words(signatures)))
        // extended_master_secret (RFC 7627 §5.1).
        all += one(23, [])
        all += one(43, vector(1, words([0x0304, 0x0303])))
        // psk_dhe_ke, which some servers miss otherwise.
        all += one(45, vector(1, [1]))
        all += one(51, vector(2, words([0x001d]) + vector(2, bytes(32, &random))))
        return all
    }

    private static func one(_ type: UInt16, _ data: [UInt8]) -> [UInt8] {
        words([type]) + vector(2, data)
    }

    /// Length in so many bytes, then the bytes.
    private static func vector(_ width: Int, _ data: [UInt8]) -> [UInt8] {
        let length = stride(from: (width - 1) * 8, through: 0, by: -8).map { shift in
            UInt8(truncatingIfNeeded: data.count >> shift)
        }
        return length + data
    }

    private static func words(_ values: [UInt16]) -> [UInt8] {
        values.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    }

    private static func bytes(
        _ count: Int, _ random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
