// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// Keys that several sections have.
enum Bounds {
    static func maxConnections(_ purpose: String) -> ValueKey<Int?> {
        ValueKey(
            "max_connections", Form.count(1...16_777_216).orAbsent("unlimited"), standard: nil,
            purpose + " Spliced and relayed ones count.")
    }

    static func access(_ purpose: String) -> GroupKey {
        GroupKey("access", "a mapping", purpose, shape: .section(AccessSection.path))
    }

    static func perSource(_ purpose: String) -> GroupKey {
        GroupKey("per_source", "a mapping", purpose, shape: .section(PerSourceSection.path))
    }
}

/// The keys of `access`.
enum AccessSection: Section {
    static let path = "limits.access, listeners.NAME.access"
    static let allow = ListKey(
        "allow", .addressBlock, standard: "all",
        "Blocks that may connect; none of the others then.")
    static let allowFile = ValueKey(
        "allow_file", Form.filePath.orAbsent("none"), standard: nil,
        "A file of more of these, one a line, # for comments.")
    static let deny = ListKey(
        "deny", .addressBlock, standard: "none",
        "Blocks that may not. Of blocks in each other the smallest decides.")
    static let denyFile = ValueKey(
        "deny_file", Form.filePath.orAbsent("none"), standard: nil,
        "A file of more of these.")
    static let denied = ValueKey(
        "denied", .choice, standard: Defaults.access.refusal,
        "What a SYN of those gets: nothing, or RST.")

    static var keys: [any AnyKey] { [allow, allowFile, deny, denyFile, denied] }
}

/// The keys of `per_source`.
enum PerSourceSection: Section {
    static let path = "limits.per_source, listeners.NAME.per_source"
    static let connections = ValueKey(
        "connections", Form.count(1...16_777_216).orAbsent("unlimited"), standard: nil,
        "The most connections of one source, spliced and relayed.")
    static let rate = ValueKey(
        "rate", Form.connectionRate.orAbsent("unlimited"), standard: nil,
        "How many connections one source may open.")
    static let burst = ValueKey(
        "burst", Form.count(1...1_000_000).orAbsent("what the rate is for a second"), standard: nil,
        "How many of them at once after a silence.")
    static let prefixV4 = ValueKey(
        "prefix_v4", .count(0...32), standard: Defaults.perSource.prefixLengthV4,
        "How many leading bits of an IPv4 address make a source.")
    static let prefixV6 = ValueKey(
        "prefix_v6", .count(0...128), standard: Defaults.perSource.prefixLengthV6,
        "The same of an IPv6 address.")
    static let above = ValueKey(
        "above", .choice, standard: Defaults.perSource.refusal,
        "What a client above that gets: nothing, so that it tries again, or RST.")
    static let dryRun = ValueKey(
        "dry_run", .onOff, standard: Defaults.perSource.isDryRun,
        "Whether those above are only counted.")

    static var keys: [any AnyKey] {
        [connections, rate, burst, prefixV4, prefixV6, above, dryRun]
    }
}

extension Form where Value == ConnectionRate {
    static let connectionRate = Form(
        accepted: "a number of connections in a second or a minute, for example 20/s or 100/m",
        advice: { decimal($0) == nil ? nil : "the /s is missing" },
        parse: { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, ["s", "m"].contains(parts[1]), let count = decimal(parts[0]),
                (1...1_000_000).contains(count)
            else { return nil }
            return ConnectionRate(count, perMinute: parts[1] == "m")
        },
        show: { "\($0.count)/\($0.isPerMinute ? "m" : "s")" })
}
