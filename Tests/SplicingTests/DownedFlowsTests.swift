// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

/// A splice's row of client → endpoint, or of the way back, with times that a test says.
private func row(
    _ number: Int = 1, to endpoint: String = "10.0.0.1:443", upstream: Bool = true,
    state: flow_state = FLOW_ESTABLISHED, data: UInt64 = 0, seen: UInt64 = 0,
    sent: UInt32 = 0, acknowledged: UInt32 = 0, repeated: UInt64 = 0
) -> SpliceRow {
    let source = TransportAddress(Scene.source, UInt16(20000 + number % 40000))
    var splice = Splice(
        client: Scene.client(number % 30000),
        upstream: FlowTuple(source: source, destination: at(endpoint)), note: Scene.note(), isn: 1)
    splice.cluster = 4
    var entry = upstream ? splice.upstreamEntry : splice.downstreamEntry
    entry.state = UInt8(state.rawValue)
    entry.last_data = Tick(nanoseconds: data).value
    entry.last_seen = Tick(nanoseconds: seen).value
    entry.next_seq = UInt64(sent) + 1 << 32
    entry.last_ack = acknowledged &- entry.ack_delta
    entry.bytes = entry.next_seq &- UInt64(entry.first_seq) + repeated
    return SpliceRow(upstream ? splice.client.abi : splice.upstream.reversed.abi, entry)
}

@Suite struct `Flows of an endpoint that is down` {
    private let endpoint = DownedEndpoint(address: at("10.0.0.1:443"), cluster: 4)

    private func ordered(_ count: Int, perSecond: Int) -> DownedFlows {
        var flows = DownedFlows()
        var orders = DownOrders.Orders()
        orders.added[endpoint] = perSecond
        flows.follow(orders, now: 0)
        for number in 0..<count { flows.look(at: row(number)) }
        flows.didLook()
        return flows
    }

    @Test func `are those that stand, of that endpoint and cluster alone`() {
        var flows = ordered(3, perSecond: 1000)
        // Not looked for any more.
        flows.look(at: row(9))
        #expect(flows.next(now: 0).count == 3)
        #expect(flows.takeFinished().map(\.1) == [3])
        #expect(flows.isEmpty)
        flows = DownedFlows()
        var orders = DownOrders.Orders()
        orders.added[endpoint] = 1000
        flows.follow(orders, now: 0)
        flows.look(at: row(1, to: "10.0.0.2:443"))
        flows.look(at: row(2, upstream: false))
        flows.look(at: row(3, state: FLOW_CONNECTING))
        flows.look(at: row(4, state: FLOW_CLOSED))
        flows.look(at: row(5, state: FLOW_CLOSING))
        flows.didLook()
        #expect(flows.next(now: 0).map(\.client) == [Scene.client(5)])
    }

    @Test(arguments: [500, 10_000])
    func `leave at their pace`(perSecond: Int) {
        var flows = ordered(30_000, perSecond: perSecond)
        var (now, count): (UInt64, Int) = (0, 0)
        while !flows.isEmpty {
            count += flows.next(now: now).count
            let most = perSecond / 10 + Int(now / 1_000_000) * perSecond / 1000
            #expect(count <= most)
            #expect(flows.takeFinished().isEmpty || count == 30_000)
            now += .milliseconds(10)
        }
        let ideal = UInt64(30_000 / perSecond) * 1_000_000_000
        #expect(now <= ideal && now >= ideal - 200_000_000)
    }

    @Test func `go on when it is back`() {
        var flows = ordered(3000, perSecond: 500)
        #expect(flows.next(now: 0).count == 50)
        var orders = DownOrders.Orders()
        orders.cancelled = [endpoint]
        flows.follow(orders, now: 1)
        #expect(flows.isEmpty && flows.next(now: .milliseconds(5000)).isEmpty)
    }

    @Test func `follow the last order`() {
        let orders = DownOrders()
        orders.add(endpoint, perSecond: 500)
        orders.cancel(endpoint)
        #expect(orders.take().added.isEmpty)
        orders.cancel(endpoint)
        orders.add(endpoint, perSecond: 10_000)
        let taken = orders.take()
        #expect(taken.added == [endpoint: 10_000] && taken.cancelled.isEmpty)
    }
}

@Suite struct `Flows into silence` {
    private let data: UInt64 = .milliseconds(1_000_000)

    @Test func `repeat themselves for a while`() {
        let now = data + .milliseconds(400)
        let repeated = data + .milliseconds(210)
        #expect(SilentFlows.repeatsItself(row(data: data, seen: repeated), now: now))
        // New data, an ACK within the round trip, not long enough, too long ago.
        #expect(!SilentFlows.repeatsItself(row(data: data, seen: data), now: now))
        #expect(
            !SilentFlows.repeatsItself(row(data: data, seen: data + .milliseconds(40)), now: now))
        #expect(
            !SilentFlows.repeatsItself(
                row(data: data, seen: repeated), now: data + .milliseconds(300)))
        #expect(
            !SilentFlows.repeatsItself(
                row(data: data, seen: repeated), now: data + .milliseconds(11_000)))
        #expect(
            !SilentFlows.repeatsItself(
                row(state: FLOW_CONNECTING, data: data, seen: repeated), now: now))
    }

    @Test func `are not silent while their hello is on its way, however far it is`() {
        let up = row(seen: 500_000_000, sent: 700)
        #expect(!SilentFlows.isSilent(row(upstream: false, acknowledged: 1), towards: up))
    }

    @Test func `hear nothing at all since their last new data`() {
        let up = row(data: data, seen: data + .milliseconds(210))
        let silent = row(upstream: false, seen: data - .milliseconds(17))
        #expect(SilentFlows.isSilent(silent, towards: up))
        // A keepalive after a pause: the endpoint had acknowledged what came before.
        let answered = row(upstream: false, seen: data + .milliseconds(1))
        #expect(!SilentFlows.isSilent(answered, towards: up))
        // In the same tick as the data, but not of it.
        let lacking = row(data: data, seen: data + .milliseconds(210), sent: 100)
        #expect(SilentFlows.isSilent(answered, towards: lacking))
    }

    /// A way that is dead to the endpoint, not from it.
    @Test(arguments: [700, 0xffff_fff0] as [UInt32])
    func `hear again what the endpoint said before it was deaf`(sent: UInt32) {
        let up = row(data: data, seen: data + .milliseconds(210), sent: sent &+ 100)
        func down(data said: UInt64, acknowledged: UInt32, repeated: UInt64 = 1000) -> SpliceRow {
            row(
                upstream: false, data: said, seen: data + .milliseconds(200),
                acknowledged: acknowledged, repeated: repeated)
        }
        let before = data - .milliseconds(50)
        #expect(SilentFlows.isSilent(down(data: before, acknowledged: sent), towards: up))
        // It acknowledges alone, since it lacks a segment; it has all, and its reader is slow; or it
        // has something to say.
        let alone = down(data: before, acknowledged: sent, repeated: 0)
        #expect(!SilentFlows.isSilent(alone, towards: up))
        #expect(!SilentFlows.isSilent(down(data: before, acknowledged: sent &+ 100), towards: up))
        let after = data + .milliseconds(1)
        #expect(!SilentFlows.isSilent(down(data: after, acknowledged: sent), towards: up))
    }
}
