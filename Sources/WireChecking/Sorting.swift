// SPDX-License-Identifier: Apache-2.0

internal import WireTypes

/// Addresses that are at home on one wire.
struct Addresses {
    private(set) var front: Set<IPAddress> = []
    private(set) var back: Set<IPAddress> = []
    /// The balancer's own on the back wire.
    private(set) var balancer: Set<IPAddress> = []

    init(_ pairs: [(front: Connection, back: Connection)], listeners: Set<TransportAddress>) {
        front = Set(listeners.map(\.address))
        for pair in pairs {
            front.insert(pair.front.tuple.source.address)
            balancer.insert(pair.back.tuple.source.address)
            back.insert(pair.back.tuple.destination.address)
        }
        back.formUnion(balancer)
        // One address may serve both sides: it tells nothing.
        let shared = front.intersection(back)
        front.subtract(shared)
        back.subtract(shared)
    }

    func foreign(to wire: Wire) -> Set<IPAddress> { wire == .front ? back : front }
}

/// The packets of both captures, by wire and by connection.
struct Sorting {
    /// A packet's addresses, for the search for leaks.
    private struct Label {
        let wire: Wire
        let number: Int
        let time: UInt64
        let addresses: [IPAddress]
    }

    let listeners: Set<TransportAddress>
    let isOneArm: Bool
    let report = Report()
    private var groups: [Wire: [FlowTuple: [TCPPacket]]] = [:]
    private var errors: [ICMPError] = []
    private var labels: [Label] = []

    init(listeners: Set<TransportAddress>, isOneArm: Bool) {
        self.listeners = listeners
        self.isOneArm = isOneArm
    }

    mutating func read(_ capture: Capture, _ wire: Wire) {
        let reader = FrameReader(wire: wire, link: capture.link)
        for frame in Self.inOrder(capture.frames) {
            switch reader.read(frame) {
            case .tcp(let packet): add(packet)
            case .icmp(let error):
                errors.append(error)
                label(frame, wire, [error.source, error.destination])
                label(frame, wire, [error.quotedSource, error.quotedDestination])
            case .other(let source?, let destination?): label(frame, wire, [source, destination])
            case .other: break
            case .corrupt: report.figures.corrupted += 1
            case .malformed(let what):
                let mismatch = Mismatch(.malformed, expected: "a whole packet", found: what)
                report.add(mismatch, wire, frame.number, frame.time, "-")
            }
        }
    }

    /// By time; two processors may write to a capture in the wrong order.
    private static func inOrder(_ frames: [CapturedFrame]) -> [CapturedFrame] {
        let isSorted = zip(frames, frames.dropFirst()).allSatisfy { $0.time <= $1.time }
        return isSorted ? frames : frames.sorted { ($0.time, $0.number) < ($1.time, $1.number) }
    }

    private mutating func add(_ packet: TCPPacket) {
        let tuple = packet.tuple
        var packet = packet
        if isOneArm { packet.wire = isOfListener(tuple) ? .front : .back }
        let key = tuple.source < tuple.destination ? tuple : tuple.reversed
        groups[packet.wire, default: [:]][key, default: []].append(packet)
        let addresses = [tuple.source.address, tuple.destination.address]
        labels.append(
            Label(
                wire: packet.wire, number: packet.number, time: packet.time, addresses: addresses))
    }

    private mutating func label(_ frame: CapturedFrame, _ wire: Wire, _ addresses: [IPAddress]) {
        labels.append(
            Label(wire: wire, number: frame.number, time: frame.time, addresses: addresses))
    }

    private func isOfListener(_ tuple: FlowTuple) -> Bool {
        listeners.contains(tuple.source) || listeners.contains(tuple.destination)
    }

    /// In the order in which they began.
    func conversations(_ wire: Wire) -> [Conversation] {
        let all = (groups[wire] ?? [:]).filter { wire == .back || isOfListener($0.key) }
        let sorted = all.values.sorted { ($0.first?.time ?? 0) < ($1.first?.time ?? 0) }
        return sorted.map { packets in
            Conversation(packets) { wire == .front ? !listeners.contains($0) : nil }
        }
    }

    /// Outside of connections, the balancer sends SYNs, SYN-ACKs and RSTs and nothing else.
    /// Connections older than the capture are no business of it: both ends are heard, and no SYN.
    func expectNoStrangers(_ conversations: [Conversation], _ addresses: Addresses) {
        for others in conversations.map(\.others) where !others.isEmpty {
            report.figures.otherPackets += others.count
            let own = others.filter { isOwn($0, addresses) }
            let isOlder =
                own.count < others.count
                && !others.contains { $0.flags.isSuperset(of: .syn) && !$0.flags.contains(.ack) }
            guard !isOlder else { continue }
            for packet in own where packet.flags.isDisjoint(with: [.syn, .rst]) {
                report.add(
                    Mismatch(
                        .unsolicited, expected: "a packet of a connection",
                        found: "\(packet.flags) without a handshake"), packet)
            }
        }
    }

    private func isOwn(_ packet: TCPPacket, _ addresses: Addresses) -> Bool {
        let source = packet.tuple.source
        return packet.wire == .front
            ? listeners.contains(source) : addresses.balancer.contains(source.address)
    }

    func expectNoLeak(_ addresses: Addresses) {
        for label in labels {
            let foreign =
                isOneArm
                ? mixed(label.addresses, addresses)
                : label.addresses.filter { addresses.foreign(to: label.wire).contains($0) }
            guard !foreign.isEmpty else { continue }
            let home = label.wire == .front ? addresses.front : addresses.back
            report.add(
                Mismatch(
                    .leak, expected: home.map(\.description).sorted().joined(separator: " "),
                    found: foreign.map(\.description).joined(separator: " ")), label.wire,
                label.number, label.time,
                label.addresses.map(\.description).joined(separator: " → "))
        }
    }

    /// On a shared wire, addresses of both sides in one header.
    private func mixed(_ found: [IPAddress], _ addresses: Addresses) -> [IPAddress] {
        let back = found.filter(addresses.back.contains)
        return found.contains(where: addresses.front.contains) ? back : []
    }

    /// Whoever gets an ICMP error must know the packet, or his kernel drops it.
    func expectQuotes(_ states: [FlowTuple: Direction], _ addresses: Addresses) {
        for error in errors {
            report.figures.icmpErrors += 1
            let source = error.quotedSource
            let isLeaving =
                error.destination == source && !listeners.contains { $0.address == source }
                && !addresses.balancer.contains(source)
            guard isLeaving, let tuple = error.quoted else { continue }
            if error.isCorrupt { add(.headerChecksum, error, "a right sum", "a wrong one") }
            // Without one it is of a relayed connection, or no business of ours.
            guard let direction = states[tuple] else { continue }
            let at = direction.arriving.offset(error.quotedSequence)
            if direction.carried.contains(at..<at + 1) || at == direction.carried.end { continue }
            add(.quotedPacket, error, "inside \(direction.carried)", "\(at)")
        }
    }

    private func add(
        _ kind: Violation.Kind, _ error: ICMPError, _ expected: String, _ found: String
    ) {
        report.add(
            Mismatch(kind, expected: expected, found: found), error.wire, error.number,
            error.time, error.quoted.map(\.description) ?? "-")
    }
}
