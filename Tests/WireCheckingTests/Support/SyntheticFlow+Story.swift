// SPDX-License-Identifier: Apache-2.0
import DatapathTesting
import WireChecking
import WireTypes

/// What happens to a packet that leaves, before it is captured.
typealias Change = @Sendable (inout TestPacket) -> Void

extension SyntheticFlow {
    static let helloLength = 517

    /// The wire on which the packets of `end` arrive at the balancer.
    static func arrival(_ end: End) -> Wire { end == .client ? .front : .back }
    static func departure(_ end: End) -> Wire { end == .client ? .back : .front }

    mutating func arrive(_ meant: Meant, from end: End, change: Change = { _ in }) {
        var packet = packet(meant, from: end, on: Self.arrival(end))
        change(&packet)
        capture(packet.bytes, on: Self.arrival(end))
    }

    mutating func leave(_ meant: Meant, from end: End, change: Change = { _ in }) {
        var packet = packet(meant, from: end, on: Self.departure(end))
        change(&packet)
        capture(packet.bytes, on: Self.departure(end))
    }

    /// A packet that arrives and leaves.
    mutating func pass(_ meant: Meant, from end: End, change: Change = { _ in }) {
        arrive(meant, from: end)
        leave(meant, from: end, change: change)
    }

    /// SYN, SYN-ACK, ACK and hello in front; SYN, SYN-ACK, ACK + hello behind. The hello is at the
    /// client's time 10, the balancer's SYN as late.
    mutating func handshake() {
        arrive(Meant(offset: -1, flags: [.syn], window: 64240), from: .client)
        leave(Meant(offset: -1, flags: [.syn, .ack], window: 65535), from: .endpoint)
        arrive(Meant(), from: .client)
        let hello = Meant(count: Self.helloLength, flags: [.ack, .psh], time: 10)
        arrive(hello, from: .client)
        leave(Meant(offset: -1, flags: [.syn], time: 10, window: 64240), from: .client)
        answer()
        leave(hello, from: .client)
    }

    /// The endpoint's SYN-ACK.
    mutating func answer() {
        arrive(
            Meant(offset: -1, flags: [.syn, .ack], echo: 10, window: 65160), from: .endpoint)
    }

    /// The endpoint acknowledges the hello; both send and acknowledge some packets.
    mutating func talk() {
        let hello = Self.helloLength
        pass(Meant(acknowledged: hello, time: 20, echo: 10), from: .endpoint)
        for number in 0..<4 {
            let data = Meant(
                offset: number * 1000, count: 1000, flags: [.ack, .psh], acknowledged: hello,
                time: 30 + UInt32(number) * 4, echo: 10)
            pass(data, from: .endpoint)
        }
        pass(Meant(offset: hello, acknowledged: 4000, time: 50, echo: 42), from: .client)
        pass(
            Meant(
                offset: hello, count: 300, flags: [.ack, .psh], acknowledged: 4000, time: 60,
                echo: 42), from: .client)
        pass(Meant(offset: 4000, acknowledged: hello + 300, time: 70, echo: 60), from: .endpoint)
    }

    /// FINs of both ends and their acknowledgements.
    mutating func close() {
        let sent = Self.helloLength + 300
        pass(
            Meant(offset: sent, flags: [.ack, .fin], acknowledged: 4000, time: 80, echo: 70),
            from: .client)
        pass(
            Meant(
                offset: 4000, flags: [.ack, .fin], acknowledged: sent + 1, time: 90, echo: 80),
            from: .endpoint)
        pass(Meant(offset: sent + 1, acknowledged: 4001, time: 100, echo: 90), from: .client)
    }

    /// A packet with a SACK of 1000..<2000 from the client, of which the first 1000 were lost.
    mutating func lose(change: Change = { _ in }) {
        let hello = Self.helloLength
        pass(Meant(acknowledged: hello, time: 20, echo: 10), from: .endpoint)
        for offset in [0, 1000] {
            pass(
                Meant(
                    offset: offset, count: 1000, flags: [.ack], acknowledged: hello, time: 30,
                    echo: 10), from: .endpoint)
        }
        pass(
            Meant(offset: hello, sacks: [1000..<2000], time: 40, echo: 20), from: .client,
            change: change)
        pass(
            Meant(count: 1000, flags: [.ack], acknowledged: hello, time: 50, echo: 40),
            from: .endpoint)
        pass(
            Meant(offset: hello, acknowledged: 2000, sacks: [0..<1000], time: 60, echo: 50),
            from: .client)
    }

    var check: WireCheck {
        WireCheck(
            front: frontCapture, back: backCapture, listeners: [front.tuple.destination])
    }
}
