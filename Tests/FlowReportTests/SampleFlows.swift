// SPDX-License-Identifier: Apache-2.0

import Datapath
import WireTypes

/// Flows that tests list: each shows one thing that a listing has to get right.
enum SampleFlows {
    static let second: UInt64 = 1_000_000_000
    /// When the listing is made.
    static let now: UInt64 = 100_000 * second

    static func address(_ text: String) -> TransportAddress {
        guard let address = TransportAddress(text) else { fatalError("\(text) is no address") }
        return address
    }

    static func flow(
        client: String, listener: String = "192.0.2.1:443", balancer: String = "10.0.0.254:20000",
        endpoint: String = "10.0.0.11:9093", name: String? = "kafka1.server.test",
        cluster: String = "kafka1", state: FlowState = .established, reason: RelayReason? = nil,
        age: UInt64 = 192 * second, idle: UInt64 = 2 * second
    ) -> Flow {
        let downstreamSide = FlowTuple(source: address(client), destination: address(listener))
        let upstreamSide = FlowTuple(source: address(balancer), destination: address(endpoint))
        return Flow(
            upstream: FlowDirection(tuple: downstreamSide, rewrite: upstreamSide),
            downstream: FlowDirection(
                tuple: upstreamSide.reversed, rewrite: downstreamSide.reversed),
            state: state, relayReason: reason, listener: "tls", cluster: cluster,
            serverName: name, createdNanoseconds: now - age, lastSeenNanoseconds: now - idle)
    }

    /// Spliced, with every number different from every other.
    static var spliced: Flow {
        var flow = flow(client: "192.0.2.7:50000")
        flow.upstream.packets = 1234
        flow.upstream.bytes = 1_258_291
        flow.upstream.retransmittedBytes = 17
        flow.upstream.sequenceDelta = 11
        flow.upstream.acknowledgementDelta = 4_294_967_295
        flow.upstream.timestampValueDelta = 13
        flow.upstream.timestampEchoDelta = 14
        flow.upstream.windowShift = -2
        flow.upstream.ingressInterface = 3
        flow.upstream.egressInterface = 4
        flow.downstream.packets = 999
        flow.downstream.bytes = 35_000_000_000
        flow.downstream.sequenceDelta = 21
        flow.downstream.acknowledgementDelta = 22
        flow.downstream.timestampValueDelta = 23
        flow.downstream.timestampEchoDelta = 24
        flow.downstream.windowShift = 2
        flow.downstream.ingressInterface = 5
        flow.downstream.egressInterface = 6
        flow.clientScale = 7
        flow.balancerScale = 8
        flow.endpointScale = 10
        flow.hasTimestamps = true
        flow.hasSACK = true
        return flow
    }

    /// IPv6 on both sides, a long name.
    static let six = flow(
        client: "[2001:db8:1111:2222:3333:4444:5555:6666]:50001",
        listener: "[2001:db8::1]:443", balancer: "[2001:db8:ffff::fe]:20001",
        endpoint: "[2001:db8:ffff:aaaa:bbbb:cccc:dddd:11]:443",
        name: "a-very-long-label.of.some.service.in.some.region.example.com", cluster: "web",
        state: .closing, age: 90_000 * second, idle: 450_000_000)

    /// Relayed before it has an endpoint, without an SNI.
    static var relayed: Flow {
        var flow = flow(
            client: "127.0.0.1:60000", name: nil, cluster: "web", state: .connecting,
            reason: .localClient, age: 9_950_000_000, idle: 0)
        let nothing = TransportAddress(.anyIPv6, 0)
        flow.upstream.rewrite = FlowTuple(source: nothing, destination: nothing)
        flow.downstream.tuple = flow.upstream.rewrite
        return flow
    }

    /// An SNI that would clear the screen, add columns and rows, and end quotes.
    static let hostile = flow(
        client: "198.51.100.200:65535",
        name: "\u{1b}[2J\"a\\b\", c\r\n\u{9b}\u{202e}é\u{0}\u{7f}", state: .reset,
        age: 40_000 * second, idle: 700 * second)

    static var all: [Flow] { [spliced, six, relayed, hostile] }
}
