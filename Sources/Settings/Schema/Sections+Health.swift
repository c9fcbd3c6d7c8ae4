// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

/// The keys of `health` in a cluster.
enum HealthSection: Section {
    static let path = "clusters.NAME.health"
    private static let pause = Form.duration(.milliseconds(100)...(.seconds(3600)))
    static let check = ValueKey(
        "check", .choice, standard: Defaults.health.kind,
        "What is asked of an endpoint: to accept, to answer a ClientHello, GET, or some bytes.")
    static let interval = ValueKey(
        "interval", pause, standard: Defaults.health.interval,
        "The time from one check to the next.")
    static let timeout = ValueKey(
        "timeout", .duration(.milliseconds(10)...(.seconds(600))),
        standard: Defaults.health.timeout, "How long a check may take.")
    static let rise = ValueKey(
        "rise", .count(1...100), standard: Defaults.health.rise,
        "Good checks in a row that bring an endpoint back.")
    static let fall = ValueKey(
        "fall", .count(1...100), standard: Defaults.health.fall,
        "Bad checks in a row that take it out.")
    static let fastInterval = ValueKey(
        "fast_interval", pause.orAbsent("as interval"), standard: Defaults.health.fastInterval,
        "The interval while checks disagree with what an endpoint is taken for.")
    static let downInterval = ValueKey(
        "down_interval", pause.orAbsent("as interval"), standard: Defaults.health.downInterval,
        "The interval of endpoints that are down.")
    static let jitter = ValueKey(
        "jitter", .percent(0...50, example: 10), standard: Defaults.health.jitter,
        "By how much of it an interval may be longer or shorter.")
    static let start = ValueKey(
        "start", .choice, standard: Defaults.health.start,
        "What an endpoint is taken for before its first check.")
    static let path_ = ValueKey(
        "path", .requestPath, standard: Defaults.health.path, "What GET asks for.")
    static let status = ValueKey(
        "status", .statusRange, standard: Defaults.health.status, "Good status codes of HTTP.")
    static let serverName = ValueKey(
        "server_name", Form.serverName.orAbsent("the first exact route to the cluster"),
        standard: Defaults.health.serverName, "The SNI of the ClientHello, or the Host of GET.")
    static let send = ValueKey(
        "send", .probeBytes, standard: Defaults.health.send, "What is sent.")
    static let expect = ValueKey(
        "expect", .probeBytes, standard: Defaults.health.expect,
        "What must be somewhere in the answer.")

    static var keys: [any AnyKey] {
        [
            check, interval, timeout, rise, fall, fastInterval, downInterval, jitter, start, path_,
            status, serverName, send, expect,
        ]
    }
}

/// The keys of `ejection` in a cluster.
enum EjectionSection: Section {
    static let path = "clusters.NAME.ejection"
    static let failures = ValueKey(
        "failures", .count(1...1000), standard: Defaults.ejection.failures,
        "Failed connects in a row that take an endpoint out.")
    static let base = ValueKey(
        "base", .duration(.milliseconds(100)...(.seconds(3600))),
        standard: Defaults.ejection.base, "How long it is out; the n-th time n times as long.")
    static let maxShare = ValueKey(
        "max_share", .percent, standard: Defaults.ejection.maxShare,
        "The most endpoints that may be out, of all of the cluster.")

    static var keys: [any AnyKey] { [failures, base, maxShare] }
}

extension Form where Value == String {
    /// An absolute path as a request line has it (RFC 9112 §3.2.1): no blanks, no control
    /// characters.
    static let requestPath = Form(
        accepted: "a path of at most 1024 printable bytes, for example /healthz",
        shape: .text("^/[!-~]*$"),
        parse: { text in
            let isPath = text.hasPrefix("/") && text.utf8.allSatisfy { (33...126).contains($0) }
            return isPath && text.utf8.count <= 1024 ? text : nil
        }, show: { $0 })
}

extension Form where Value == ClosedRange<Int> {
    static let statusRange = Form(
        accepted: "a status code or a range of them, for example 200-399",
        shape: .either(.number(100...599), .text("^[0-9]+(-[0-9]+)?$")),
        parse: { text in
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(decimal)
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
                100 <= first, first <= last, last <= 599
            else { return nil }
            return first...last
        },
        show: {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        })
}

extension Form where Value == ServerName {
    static let serverName = Form(
        accepted: "a server name, for example www.example.com", shape: .name("^[^*\\s]+$"),
        parse: { ServerName($0) }, show: \.text)
}

extension Form where Value == ProbeBytes {
    static let probeBytes = Form(
        accepted: "a text of at most \(ProbeBytes.limit) bytes, or hex: and pairs of digits",
        parse: { ProbeBytes($0) }, show: \.description)
}

/// `when_empty` as it is written; whether its cluster exists is asked later.
enum EmptyChoice: Hashable, Sendable {
    case tryAll
    case reject(RejectPolicy)
    case cluster(String)
}

extension Form where Value == EmptyChoice {
    private static let words: [(String, EmptyChoice)] = [
        ("try_all", .tryAll), ("close", .reject(.close)), ("alert", .reject(.alert)),
        ("reset", .reject(.reset)),
    ]

    static let emptyChoice = Form(
        accepted: "try_all, close, alert, reset, or cluster and the name of one",
        shape: .either(.words(words.map(\.0)), .text("^cluster [A-Za-z0-9._-]{1,63}$")),
        advice: { suggestion(for: $0, among: words.map(\.0)).map { "did you mean \"\($0)\"?" } },
        parse: { text in
            if let word = words.first(where: { $0.0 == text }) { return word.1 }
            guard text.hasPrefix("cluster ") else { return nil }
            let name = String(text.dropFirst(8))
            return Form<String>.objectName.parse(name).map { .cluster($0) }
        },
        show: { choice in
            if case .cluster(let name) = choice { return "cluster \(name)" }
            return words.first { $0.1 == choice }?.0 ?? ""
        })
}
