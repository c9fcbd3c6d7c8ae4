// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension Form where Value == String {
    /// The instance becomes a directory of bpffs, which takes no dots.
    static let instanceName = Form.name(
        "1 to 32 letters, digits, \"-\" or \"_\"", longest: 32, others: "_-")

    /// What the names map of the datapath can hold.
    static let objectName = Form.name(
        "1 to 63 letters, digits, \"-\", \"_\" or \".\"", longest: 63, others: "_.-")

    /// A reference to a cluster; whether it exists is asked later.
    static let clusterName = Form(
        accepted: "the name of a cluster", parse: { $0.isEmpty ? nil : $0 }, show: { $0 })

    private static func name(_ accepted: String, longest: Int, others: String) -> Form {
        Form(
            accepted: accepted, shape: .name("^[A-Za-z0-9\(others)]{1,\(longest)}$"),
            parse: { text in
                let isName = text.unicodeScalars.allSatisfy {
                    $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                        || others.unicodeScalars.contains($0)
                }
                return isName && (1...longest).contains(text.utf8.count) ? text : nil
            }, show: { $0 })
    }
}

extension Form where Value == InterfaceSelector {
    /// By name or index; a quoted number is a name, which the reader sees to.
    static let interface = Form(
        accepted: "an interface's name or index, for example eth0 or 2",
        shape: .name("^[^/:\\s]{1,15}$"),
        parse: { InterfaceSelector($0) }, show: \.description)

    static let interfaceIndex = Form(
        accepted: "an interface's index, for example 2",
        shape: .number(1...Int(Int32.max)),
        parse: { text in decimal(text) == nil ? nil : InterfaceSelector(text) },
        show: \.description)
}

extension Form where Value == IPAddress {
    /// One that others can answer to.
    static let sourceAddress = Form(
        accepted: "an IP address, for example 192.0.2.1 or \"2001:db8::1\"",
        shape: .text("^[0-9A-Fa-f:.]+$"),
        advice: { text in
            guard let address = IPAddress(text), !address.isUnspecified else { return nil }
            return address.isLoopback ? "nobody else can answer to that" : "no host has that one"
        },
        parse: { text in
            IPAddress(text).flatMap { $0.isUnicast && !$0.isLoopback ? $0 : nil }
        },
        show: \.description)
}

extension Form where Value == TransportAddress {
    static let endpointAddress = Form(
        accepted: "an IP address and port, for example 10.0.0.1:443 or \"[2001:db8::1]:443\"",
        shape: .text("^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+$"),
        advice: { text in
            if Form<EndpointName>.endpointName.parse(text) != nil {
                return "names belong to \"endpoints_dns\""
            }
            return isName(text)
                ? "names belong to \"endpoints_dns\", with a port" : addressAdvice(text)
        },
        parse: { text in
            TransportAddress(text).flatMap { $0.address.isUnicast ? $0 : nil }
        },
        show: \.description)
}

extension Form where Value == TransportAddress {
    static let nameServer = Form(
        accepted: "an IPv4 address and port, for example 10.0.0.53:53",
        shape: .text("^[0-9.]+:[0-9]+$"), advice: addressAdvice,
        parse: { text in
            TransportAddress(text).flatMap {
                $0.address.isIPv4 && !$0.address.isUnspecified ? $0 : nil
            }
        },
        show: \.description)
}

extension Form where Value == EndpointName {
    static let endpointName = Form(
        accepted: "a host name and port, for example db.internal:5432",
        shape: .text("^[0-9A-Za-z._-]+:[0-9]+$"),
        parse: { text in
            guard let colon = text.lastIndex(of: ":"),
                let port = Port(text: text[text.index(after: colon)...])?.rawValue,
                let name = hostName(text[..<colon])
            else { return nil }
            return EndpointName(name: name, port: port)
        },
        show: \.description)
}

/// A name of letters, digits, `-` and `_`, labels of at most 63 and all of at most 253 bytes (RFC 1123
/// §2.1), whose last label is no number.
private func hostName(_ text: some StringProtocol) -> String? {
    let name =
        text.lowercased().hasSuffix(".") ? String(text.lowercased().dropLast()) : text.lowercased()
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let isRight = labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy {
                ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 >= 0x30 && $0 <= 0x39
                    || $0 == 0x2d || $0 == 0x5f
            }
    }
    guard isRight, name.utf8.count <= 253, labels.last?.contains(where: \.isLetter) == true
    else { return nil }
    return name
}

extension Form where Value == [TransportAddress] {
    /// `192.0.2.1:443`, or a thousand at once: `192.0.2.1:9000-9999`.
    static let listenerAddresses = Form(
        accepted: "an IP address and port, for example 192.0.2.1:443 or \"[2001:db8::1]:443\", "
            + "or a range of ports as in 192.0.2.1:9000-9099",
        shape: .text("^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+(-[0-9]+)?$"),
        advice: addressAdvice,
        parse: { text in
            guard let colon = text.lastIndex(of: ":"),
                let ports = portRange(text[text.index(after: colon)...]),
                let first = TransportAddress(text[...colon] + String(ports.lowerBound))
            else { return nil }
            return ports.map { TransportAddress(first.address, $0) }
        },
        show: { $0.map(\.description).joined(separator: ", ") })
}

extension Form where Value == [ClosedRange<UInt16>] {
    static let portRanges = Form(
        accepted: "a port or range of ports, for example 10000-32767",
        shape: .either(
            .number(1...65535), .text("^ *[0-9]+(-[0-9]+)? *(, *[0-9]+(-[0-9]+)? *)*$")),
        parse: { text in
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            let ranges = parts.compactMap { portRange(trimmed($0)) }
            return ranges.count == parts.count ? ranges : nil
        },
        show: { ranges in ranges.map(portRangeText).joined(separator: ", ") })
}

/// What is probably wrong with an address and port.
private func addressAdvice(_ text: String) -> String? {
    if IPAddress(text) != nil, !text.contains(":") { return "the port is missing" }
    guard !text.contains("[") else { return nil }
    if text.count(where: { $0 == ":" }) > 1 { return "IPv6 addresses are written in brackets" }
    if isName(text) { return "host names are not looked up" }
    let ports = text.split(separator: ":").last?.split(separator: "-").map { Port(text: $0) }
    if let ports, ports.count == 2, let first = ports[0], let last = ports[1], last < first {
        return "the first port is the larger one"
    }
    return nil
}

private func isName(_ text: String) -> Bool {
    text.prefix { $0 != ":" }.contains { $0.isLetter }
        && !text.contains("[") && text.count(where: { $0 == ":" }) < 2
}

/// A port or `first-last`.
private func portRange(_ text: some StringProtocol) -> ClosedRange<UInt16>? {
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        .compactMap { Port(text: $0)?.rawValue }
    guard let first = ends.first, let last = ends.last, first <= last,
        ends.count == text.count(where: { $0 == "-" }) + 1
    else { return nil }
    return first...last
}

/// `443`, or `10000-32767`.
func portRangeText(_ range: ClosedRange<UInt16>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
}

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
}
