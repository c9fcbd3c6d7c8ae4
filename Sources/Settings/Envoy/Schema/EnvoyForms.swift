// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension Form where Value == Duration {
    /// As protobuf writes it in JSON: seconds, with a fraction or without, and `s`.
    static func seconds(_ range: ClosedRange<Duration>) -> Form {
        let bounds = "\(secondsText(range.lowerBound)) to \(secondsText(range.upperBound))"
        return Form(
            accepted: "a duration in seconds from \(bounds), for example 0.25s or 5s",
            advice: { decimal($0) == nil ? nil : "the unit is missing" },
            parse: { text in seconds(text).flatMap { range.contains($0) ? $0 : nil } },
            show: secondsText)
    }

    private static func seconds(_ text: String) -> Duration? {
        guard text.hasSuffix("s") else { return nil }
        let parts = text.dropLast().split(
            separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty, let whole = decimal(first),
            whole < 1_000_000_000
        else { return nil }
        guard parts.count == 2 else { return .seconds(whole) }
        // Zeros behind the milliseconds say nothing; other digits there cannot be kept.
        var digits = parts[1]
        while digits.count > 3, digits.last == "0" { digits.removeLast() }
        guard (1...3).contains(digits.count), let fraction = decimal(digits) else { return nil }
        let factor = [1: 100, 2: 10, 3: 1][digits.count] ?? 1
        return .seconds(whole) + .milliseconds(fraction * factor)
    }
}

/// `5s`, `0.25s`: a duration of whole milliseconds as Envoy's files write it.
func secondsText(_ duration: Duration) -> String {
    let milliseconds = Int(duration / .milliseconds(1))
    guard milliseconds % 1000 > 0 else { return "\(milliseconds / 1000)s" }
    var fraction = String(String(milliseconds % 1000 + 1000).dropFirst())
    while fraction.last == "0" { fraction.removeLast() }
    return "\(milliseconds / 1000).\(fraction)s"
}

extension Form where Value == Duration? {
    /// The same; `0s` switches the limit off.
    static func seconds(orNever range: ClosedRange<Duration>) -> Form {
        let seconds = Form<Duration>.seconds(range)
        return Form(
            accepted: "0s for never, or " + seconds.accepted, advice: seconds.advice,
            parse: { text in text == "0s" ? .some(nil) : seconds.parse(text).map { $0 } },
            show: { $0.map(secondsText) ?? "0s" })
    }
}

extension Form where Value == IPAddress {
    /// Where a listener is; `0.0.0.0` and `::` are all addresses of the attached interfaces.
    static let envoyListenerAddress = Form(
        accepted: "an IP address, for example 192.0.2.1, 0.0.0.0 or \"::\"",
        advice: hostAdvice, parse: { IPAddress($0) }, show: \.description)
}

extension Form where Value == EnvoyHost {
    /// `address` of an endpoint.
    static let envoyEndpointHost = Form(
        accepted: "an IP address, for example 10.0.0.1 or \"2001:db8::1\", or a host name",
        advice: { $0.contains("/") ? "paths of sockets are not supported" : nil },
        parse: { text in
            if let address = IPAddress(text) {
                return address.isUnicast ? .address(address) : nil
            }
            let name = Form<EndpointName>.endpointName.parse("\(text):1")
            return name.map { .name($0.name) }
        },
        show: \.text)
}

extension Form where Value == EnvoyDiscovery {
    /// `type` of a cluster.
    static let discovery = Form(
        accepted: Form.choice.accepted, shape: Form.choice.shape,
        advice: { text in
            text == "LOGICAL_DNS"
                ? "it uses one address of a name at a time, STRICT_DNS all of them"
                : Form.choice.advice(text)
        },
        parse: Form.choice.parse, show: Form.choice.show)
}

/// Who an endpoint is.
enum EnvoyHost: Sendable {
    case address(IPAddress)
    case name(String)

    var text: String {
        switch self {
        case .address(let address): address.description
        case .name(let name): name
        }
    }
}

/// What is probably wrong with an address.
private func hostAdvice(_ text: String) -> String? {
    if text.contains("/") { return "paths of sockets are not supported" }
    return text.contains { $0.isLetter } && !text.contains(":")
        ? "host names are not looked up" : nil
}

extension Form where Value == NamePattern {
    /// Of `server_names`.
    static let envoyServerName = Form(
        accepted: Form.namePattern.accepted,
        advice: { text in
            text == "*"
                ? "leave \"server_names\" out to match every name" : Form.namePattern.advice(text)
        },
        parse: Form.namePattern.parse, show: Form.namePattern.show)
}

extension Form where Value == Bool {
    /// As JSON writes it.
    static let trueFalse = Form(
        accepted: "true or false", parse: { ["true": true, "false": false][$0] },
        show: { $0 ? "true" : "false" })
}

extension Form where Value == String {
    /// Any text; what it names is asked later.
    static func text(_ accepted: String) -> Form {
        Form(accepted: accepted, parse: { $0.isEmpty ? nil : $0 }, show: { $0 })
    }
}
