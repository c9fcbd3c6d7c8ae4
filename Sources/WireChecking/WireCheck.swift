// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// Compares what both wires of a balancer carried: is each packet that left one that arrived,
/// translated exactly, and did nothing leave that nobody sent?
///
/// Both captures are taken on the balancer's interfaces, so that their times are of one clock:
/// arriving packets are captured before the datapath sees them, leaving ones behind it. What is
/// lost on the wire is lost before or behind both. Flows whose SYN was not captured are not checked.
///
///     let check = WireCheck(front: front, back: back, listeners: [listener])
///     #expect(check.violations.isEmpty, "\(check)")
///     #expect(check.figures.flows == 8 && check.figures.sacks > 0)
public struct WireCheck: Sendable, CustomStringConvertible {
    /// What is wrong, at most 20 of a kind.
    public let violations: [Violation]
    /// How many there are of each kind.
    public let counts: [Violation.Kind: Int]
    /// What was there to be checked.
    public let figures: Figures

    /// Checks a balancer with an interface for each side.
    ///
    /// pairs: which connections belong together; those that it does not name are found by their
    /// ClientHello. With the front wire carrying anything to endpoints, or the back wire to clients
    /// (plain forwarding, say), that counts as a leak.
    public init(
        front: Capture, back: Capture, listeners: Set<TransportAddress>, pairs: [FlowPair] = []
    ) {
        var work = Sorting(listeners: listeners, isOneArm: false)
        work.read(front, .front)
        work.read(back, .back)
        self.init(work, pairs)
    }

    /// Checks a balancer with one interface for both sides.
    public init(
        oneArm capture: Capture, listeners: Set<TransportAddress>, pairs: [FlowPair] = []
    ) {
        var work = Sorting(listeners: listeners, isOneArm: true)
        work.read(capture, .front)
        self.init(work, pairs)
    }

    private init(_ sorting: Sorting, _ given: [FlowPair]) {
        let report = sorting.report
        let front = sorting.conversations(.front)
        let back = sorting.conversations(.back)
        let pairing = Pairing(
            front.flatMap(\.connections), back.flatMap(\.connections), given: given)
        report.figures.unpaired = pairing.unpairedFront.count
        let unpaired = pairing.unpairedFront + pairing.unpairedBack
        report.figures.otherPackets = unpaired.reduce(0) { $0 + $1.packets.count }
        var states: [FlowTuple: Direction] = [:]
        for pair in pairing.pairs {
            var check = FlowCheck(front: pair.front, back: pair.back, report: report)
            check.run()
            // By the tuples with which their packets arrive: what clients and endpoints wrote.
            states[pair.front.tuple] = check.up
            states[pair.back.tuple.reversed] = check.down
        }
        let addresses = Addresses(pairing.pairs, listeners: sorting.listeners)
        sorting.expectNoStrangers(front + back, addresses)
        sorting.expectNoLeak(addresses)
        sorting.expectQuotes(states, addresses)
        violations = report.violations
        counts = report.counts
        figures = report.figures
    }

    /// The figures, and the first violations.
    public var description: String {
        let kinds = counts.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.key.rawValue) × \($0.value)" }.joined(separator: ", ")
        let lines = violations.prefix(40).map { "  \($0)" }
        return (["\(figures)", kinds.isEmpty ? "no violation" : kinds] + lines)
            .joined(separator: "\n")
    }
}
