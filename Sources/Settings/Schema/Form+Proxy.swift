// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension Form where Value == ProxyTLV {
    private static let words: [(String, ProxyTLV)] = [
        ("authority", .authority), ("alpn", .alpn), ("unique_id", .uniqueID), ("crc32c", .crc32c),
    ]

    /// A word, or a type and a value as in `0xe4=blue` and `0xe4=hex:00 ff`.
    static let proxyTLV = Form(
        accepted: "authority, alpn, unique_id, crc32c, or a type from 0xe0 to 0xf7 and at most "
            + "\(ProxyTLV.valueLimit) bytes, for example \"0xe4=blue\" or \"0xe4=hex:00 ff\"",
        advice: { suggestion(for: $0, among: words.map(\.0)).map { "did you mean \"\($0)\"?" } },
        parse: { text in
            if let word = words.first(where: { $0.0 == text }) { return word.1 }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].hasPrefix("0x"), parts[0].utf8.count == 4,
                let type = UInt8(parts[0].dropFirst(2), radix: 16),
                ProxyTLV.customTypes.contains(type),
                let value = ProbeBytes(String(parts[1])), value.bytes.count <= ProxyTLV.valueLimit
            else { return nil }
            return .custom(type: type, value: value.bytes)
        },
        show: { tlv in
            if case .custom(let type, let value) = tlv {
                return "0x" + String(type, radix: 16) + "=" + ProbeBytes(value).description
            }
            return words.first { $0.1 == tlv }?.0 ?? ""
        })
}
