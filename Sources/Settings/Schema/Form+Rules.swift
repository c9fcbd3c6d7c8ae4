// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import TLSClassifier
internal import WireTypes

extension Form where Value == NamePattern {
    static let namePattern = Form(
        accepted: "a server name, for example www.example.com or \"*.example.com\"",
        shape: .name("^(\\*\\.)?[^*\\s]+$"),
        advice: { nameAdvice($0) }, parse: { NamePattern($0) }, show: \.description)
}

extension Form where Value == NameExpression {
    static let nameExpression = Form(
        accepted: "a regular expression, for example 'kafka-(\\d+)\\.example\\.com'",
        advice: { text in
            do throws(NameExpression.Fault) {
                _ = try NameExpression(text)
                return nil
            } catch {
                return "at byte \(error.offset + 1): \(error.reason)"
            }
        },
        parse: { try? NameExpression($0) }, show: \.text)
}

extension Form where Value == String {
    static let filePath = Form(
        accepted: "the path of a file", parse: { $0.isEmpty ? nil : $0 }, show: { $0 })

    /// As in the ALPN extension, and written as text.
    static let protocolName = Form(
        accepted: "a protocol of 1 to 255 bytes, for example h2",
        parse: { (1...255).contains($0.utf8.count) ? $0 : nil }, show: { $0 })
}

extension Form where Value == AddressBlock {
    static let addressBlock = Form(
        accepted: "an address or a block, for example 10.0.0.0/8 or \"2001:db8::/32\"",
        shape: .text("^[0-9A-Fa-f:.]+(/[0-9]+)?$"),
        parse: { AddressBlock($0) }, show: \.description)
}

extension Form where Value == TLSVersion {
    private static let names: [(String, TLSVersion)] = [
        ("1.0", .tls10), ("1.1", .tls11), ("1.2", .tls12), ("1.3", .tls13),
    ]

    static let tlsVersion = Form(
        accepted: alternatives(names.map(\.0)), shape: .words(names.map(\.0)),
        parse: { text in names.first { $0.0 == text }?.1 },
        show: { version in names.first { $0.1 == version }?.0 ?? "\(version)" })
}

/// What is probably wrong with a server name, in few words.
private func nameAdvice(_ text: String) -> String? {
    if text == "*" { return "leave \"sni\" out to match every name" }
    if text.contains("*") { return "a star stands only in front, before a dot" }
    if IPAddress(text) != nil { return "clients never send an address as server name (RFC 6066)" }
    if !text.utf8.allSatisfy({ $0 < 128 }) {
        return "write international names as clients send them, as in xn--bcher-kva.example"
    }
    return nil
}
