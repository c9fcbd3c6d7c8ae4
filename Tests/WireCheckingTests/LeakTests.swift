// SPDX-License-Identifier: Apache-2.0
import DatapathTesting
import Testing
import WireChecking
import WireTypes

@Suite struct `On the wrong wire` {
    private func talked(isIPv6: Bool) throws -> SyntheticFlow {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.handshake()
        flow.talk()
        return flow
    }

    /// "Too big" to the client about what it sent at `offset`.
    private func error(
        _ flow: SyntheticFlow, quoting wire: Wire, at offset: Int, isIPv6: Bool
    ) -> ICMPError {
        let quoted = flow.packet(
            Meant(offset: offset, count: 10, acknowledged: 4000, time: 60, echo: 42),
            from: .client, on: wire)
        let quote = [UInt8](quoted.bytes.dropFirst(14).prefix(isIPv6 ? 60 : 40))
        return ICMPError(
            from: flow.front.tuple.destination.address, to: flow.front.tuple.source.address,
            type: isIPv6 ? 2 : 3, quote: quote)
    }

    @Test(arguments: Wire.allCases, [false, true])
    func `a packet of the other is a leak`(wire: Wire, isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        let other: Wire = wire == .front ? .back : .front
        flow.capture(flow.packet(Meant(), from: .client, on: other).bytes, on: wire)
        let check = flow.check
        #expect(check.counts[.leak] == 1, "\(check)")
        #expect(check.violations.contains { $0.kind == .leak && $0.wire == wire }, "\(check)")
    }

    @Test func `one address of the other is a leak, whatever the port`() throws {
        var flow = try talked(isIPv6: false)
        flow.leave(Meant(offset: 4000, acknowledged: 817, time: 90, echo: 60), from: .endpoint) {
            [back = flow.back, front = flow.front] in
            $0.tuple = FlowTuple(
                source: back.tuple.destination, destination: front.tuple.source)
        }
        expect(.leak, in: flow.check)
    }

    @Test(arguments: [false, true])
    func `an ICMP error that quotes the packet as it was sent is none`(isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        flow.capture(
            error(flow, quoting: .front, at: 517, isIPv6: isIPv6).bytes, on: .front)
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.icmpErrors == 1)
    }

    /// As our own "too big" leaves: the quoted checksum, and so its own, are left to the device.
    @Test(arguments: [false, true])
    func `an ICMP error whose quote has a partial sum is none`(isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        var error = error(flow, quoting: .front, at: 517, isIPv6: isIPv6)
        let start = isIPv6 ? 40 : 20
        var pseudo = InternetChecksum()
        pseudo.add(flow.front.tuple.source.address)
        pseudo.add(flow.front.tuple.destination.address)
        // The whole packet's header and data, of which the quote is cut.
        let length =
            flow.packet(
                Meant(offset: 517, count: 10), from: .client, on: .front
            ).bytes.count - 14 - start
        pseudo.add(UInt32(length))
        pseudo.add(UInt16(6))
        error.quote[start + 16] = UInt8(pseudo.folded >> 8)
        error.quote[start + 17] = UInt8(pseudo.folded & 0xff)
        // What the device will write there, by which the ICMP checksum is right.
        var sum = InternetChecksum()
        let quoted = [UInt8](error.quote[start..<start + 20])
        sum.add(quoted.span)
        var finished = error
        finished.quote[start + 16] = UInt8(sum.checksum >> 8)
        finished.quote[start + 17] = UInt8(sum.checksum & 0xff)
        var bytes = error.bytes
        let icmp = isIPv6 ? 54 : 34
        bytes[icmp + 2] = finished.bytes[icmp + 2]
        bytes[icmp + 3] = finished.bytes[icmp + 3]
        flow.capture(bytes, on: .front)
        expectSilence(flow.check)
        bytes[icmp + 3] ^= 1
        flow.capture(bytes, on: .front)
        expect(.headerChecksum, in: flow.check)
    }

    @Test(arguments: [false, true])
    func `an ICMP error that quotes the packet as it was forwarded is a leak`(isIPv6: Bool)
        throws
    {
        var flow = try talked(isIPv6: isIPv6)
        flow.capture(error(flow, quoting: .back, at: 517, isIPv6: isIPv6).bytes, on: .front)
        expect(.leak, in: flow.check)
    }

    @Test(arguments: [false, true])
    func `an ICMP error about a number that was never sent is found`(isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        flow.capture(
            error(flow, quoting: .front, at: 100_000, isIPv6: isIPv6).bytes, on: .front)
        expect(.quotedPacket, in: flow.check)
    }

    @Test(arguments: [false, true])
    func `an ICMP error with a wrong checksum is found`(isIPv6: Bool) throws {
        var flow = try talked(isIPv6: isIPv6)
        var bytes = error(flow, quoting: .front, at: 517, isIPv6: isIPv6).bytes
        bytes[bytes.count - 1] ^= 1
        flow.capture(bytes, on: .front)
        expect(.headerChecksum, in: flow.check)
    }
}
