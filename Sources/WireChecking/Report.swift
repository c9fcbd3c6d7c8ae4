// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// A field that is not as it should be, before it is known whether that is a violation.
struct Mismatch {
    let kind: Violation.Kind
    let expected, found: String

    init(_ kind: Violation.Kind, expected: Any, found: Any) {
        self.kind = kind
        self.expected = "\(expected)"
        self.found = "\(found)"
    }
}

/// Takes down what the checks find.
final class Report {
    /// One fault may break every packet behind it; the first ones tell.
    private static let limit = 20

    private(set) var violations: [Violation] = []
    private(set) var counts: [Violation.Kind: Int] = [:]
    var figures = Figures()

    func add(_ mismatch: Mismatch, _ packet: TCPPacket) {
        add(mismatch, packet.wire, packet.number, packet.time, packet.tuple.description)
    }

    func add(
        _ mismatch: Mismatch, _ wire: Wire, _ packet: Int, _ time: UInt64, _ tuple: String
    ) {
        counts[mismatch.kind, default: 0] += 1
        guard counts[mismatch.kind, default: 0] <= Self.limit else { return }
        violations.append(
            Violation(
                kind: mismatch.kind, wire: wire, packet: packet, time: time, tuple: tuple,
                expected: mismatch.expected, found: mismatch.found))
    }
}
