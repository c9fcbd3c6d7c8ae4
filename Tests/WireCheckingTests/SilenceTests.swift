// SPDX-License-Identifier: Apache-2.0
import DatapathTesting
import Testing
import WireChecking
import WireTypes

@Suite struct `A flow without fault` {
    @Test(arguments: [false, true]) func `is silent from SYN to FIN`(isIPv6: Bool) throws {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.handshake()
        flow.talk()
        flow.close()
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.upstreamBytes == 817 && check.figures.downstreamBytes == 4000)
        #expect(check.figures.frontPackets == 15 && check.figures.backPackets == 14, "\(check)")
        #expect(check.figures.hellos == 1 && check.figures.dropped == 0, "\(check)")
        // Scale 11 of the endpoint against 9 of ours.
        #expect(check.figures.rescaledWindows > 5, "\(check)")
    }

    @Test(arguments: [false, true]) func `is silent without a link header`(isIPv6: Bool) throws {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.frontCapture.link = .rawIP
        flow.backCapture.link = .rawIP
        flow.handshake()
        flow.talk()
        expectSilence(flow.check)
    }

    @Test(arguments: [false, true])
    func `is silent with sums that are left to the device`(isIPv6: Bool) throws {
        var flow = try SyntheticFlow(isIPv6: isIPv6)
        flow.isPartial = true
        flow.handshake()
        flow.talk()
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.partialChecksums > 20)
    }

    /// The numbers wrap at the SYN, in the hello, behind it and in what follows.
    @Test(arguments: [0, 1, 2, 200, 517, 518, 700, 3000] as [UInt32])
    func `is silent when sequence numbers and timestamps wrap`(distance: UInt32) throws {
        var flow = try SyntheticFlow()
        for path in [\SyntheticFlow.front, \.back] {
            flow[keyPath: path].clientISN = 0 &- distance
            flow[keyPath: path].endpointISN = 0 &- (distance / 2)
            flow[keyPath: path].clientTime = 0 &- (distance % 90)
            flow[keyPath: path].endpointTime = 0 &- (distance % 70)
        }
        flow.back.clientISN &-= 12
        flow.back.endpointTime &-= 31
        flow.handshake()
        flow.talk()
        flow.close()
        expectSilence(flow.check)
    }

    @Test func `is silent with SACK, D-SACK and a retransmission`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.lose()
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.sacks == 2 && check.figures.duplicateSACKs == 1, "\(check)")
        #expect(check.figures.retransmissions == 1, "\(check)")
    }

    @Test func `is silent when a retransmission has other boundaries`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.talk()
        for (number, range) in [200..<1500, 0..<4000, 3999..<4000].enumerated() {
            flow.pass(
                Meant(
                    offset: range.lowerBound, count: range.count, acknowledged: 817,
                    time: 80 + UInt32(number) * 2, echo: 60), from: .endpoint)
        }
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.retransmissions == 3 && check.figures.downstreamBytes == 4000)
    }

    @Test func `is silent when packets arrive in disorder, and twice`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.pass(Meant(acknowledged: 517, time: 20, echo: 10), from: .endpoint)
        for (number, offset) in [2000, 0, 1000, 1000, 3000].enumerated() {
            // The third is older than the first: it was overtaken.
            let time: UInt32 = number == 2 ? 25 : 30
            flow.pass(
                Meant(offset: offset, count: 1000, acknowledged: 517, time: time, echo: 10),
                from: .endpoint)
        }
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.gaps == 1 && check.figures.retransmissions == 1, "\(check)")
    }

    @Test func `is silent when one CPU overtakes another in the balancer`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.pass(Meant(acknowledged: 517, time: 20, echo: 10), from: .endpoint)
        let first = Meant(count: 1000, acknowledged: 517, time: 30, echo: 10)
        let second = Meant(offset: 1000, count: 1000, acknowledged: 517, time: 31, echo: 10)
        flow.arrive(first, from: .endpoint)
        flow.arrive(second, from: .endpoint)
        flow.leave(second, from: .endpoint)
        flow.leave(first, from: .endpoint)
        expectSilence(flow.check)
    }

    @Test func `is silent when super-packets leave in segments`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.pass(Meant(acknowledged: 517, time: 20, echo: 10), from: .endpoint)
        var whole = Meant(
            count: 5000, flags: [.ack, .psh, .fin], acknowledged: 517, time: 30, echo: 10)
        flow.arrive(whole, from: .endpoint)
        whole.count = 1448
        for offset in stride(from: 0, to: 5000, by: 1448) {
            whole.offset = offset
            whole.count = min(1448, 5000 - offset)
            whole.flags = offset + whole.count == 5000 ? [.ack, .psh, .fin] : [.ack]
            flow.leave(whole, from: .endpoint)
        }
        flow.pass(Meant(offset: 517, acknowledged: 5001, time: 40, echo: 30), from: .client)
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.superPackets == 1 && check.figures.dropped == 0, "\(check)")
    }

    @Test func `is silent when SYN, SYN-ACK and hello are repeated`() throws {
        var flow = try SyntheticFlow()
        let syn = Meant(offset: -1, flags: [.syn], window: 64240)
        flow.arrive(syn, from: .client)
        flow.leave(Meant(offset: -1, flags: [.syn, .ack], window: 65535), from: .endpoint)
        flow.handshake()
        for time in [300, 900] as [UInt32] {
            flow.answer()
            // The template, with the first hello's time.
            flow.leave(Meant(count: 517, flags: [.ack, .psh], time: 10), from: .client)
            flow.pass(Meant(count: 517, flags: [.ack, .psh], time: time), from: .client)
        }
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.hellos == 3, "\(check)")
    }

    /// Its first time is the template's, though others came since.
    @Test func `is silent when the endpoint lets a repeated hello wait for seconds`() throws {
        var flow = try SyntheticFlow()
        flow.arrive(Meant(offset: -1, flags: [.syn], window: 64240), from: .client)
        flow.leave(Meant(offset: -1, flags: [.syn, .ack], window: 65535), from: .endpoint)
        for time in [10, 260, 800] as [UInt32] {
            flow.arrive(Meant(count: 517, flags: [.ack, .psh], time: time), from: .client)
            flow.leave(
                Meant(offset: -1, flags: [.syn], time: 10, window: 64240), from: .client)
            flow.wait(900_000_000)
        }
        flow.answer()
        flow.leave(Meant(count: 517, flags: [.ack, .psh], time: 10), from: .client)
        flow.talk()
        flow.close()
        expectSilence(flow.check)
    }

    @Test func `is silent when what is corrupt leaves corrupt`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.pass(Meant(acknowledged: 517, time: 20, echo: 10), from: .endpoint)
        let data = Meant(count: 700, acknowledged: 517, time: 30, echo: 10)
        for wire in [Wire.back, .front] {
            var bytes = flow.packet(data, from: .endpoint, on: wire).bytes
            bytes[bytes.count - 3] ^= 0x40
            flow.capture(bytes, on: wire)
        }
        flow.pass(data, from: .endpoint)
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.corrupted == 1, "\(check)")
    }

    @Test func `is silent about the balancer's own RST and keepalive, and counts them`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.talk()
        flow.leave(
            Meant(offset: 816, acknowledged: 4000, time: 60, echo: 42, window: 1 << 30),
            from: .client)
        flow.leave(Meant(offset: 817, flags: [.rst]), from: .client)
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.ownKeepalives == 1 && check.figures.ownResets == 1, "\(check)")
    }

    @Test func `is silent about connections that began before the capture`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.talk()
        var late = flow
        late.frontCapture.frames.removeAll { $0.number < 6 }
        late.backCapture.frames.removeAll { $0.number < 5 }
        let check = late.check
        expectSilence(check, flows: 0)
        #expect(check.figures.otherPackets > 10, "\(check)")
    }

    @Test func `is silent when the endpoint resets and acknowledges at once`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.talk()
        flow.pass(
            Meant(offset: 817, count: 50, acknowledged: 4000, time: 90, echo: 70), from: .client)
        flow.pass(
            Meant(offset: 4000, flags: [.ack, .rst], acknowledged: 867, time: 95, echo: 90),
            from: .endpoint)
        let check = flow.check
        expectSilence(check)
        #expect(check.figures.ownResets == 0, "\(check)")
    }

    @Test func `is found among others by its hello, and by its pair where hellos are alike`()
        throws
    {
        var one = try SyntheticFlow()
        var other = try SyntheticFlow(port: 50000)
        for path in [\SyntheticFlow.frontCapture, \.backCapture] {
            one[keyPath: path].frames = []
        }
        one.handshake()
        one.talk()
        other.handshake()
        other.talk()
        let front = Capture(frames: one.frontCapture.frames + other.frontCapture.frames)
        let back = Capture(frames: one.backCapture.frames + other.backCapture.frames)
        let listeners = [one.front.tuple.destination] as Set
        let alone = WireCheck(front: front, back: back, listeners: listeners)
        #expect(alone.figures.flows == 0 && alone.figures.unpaired == 2, "\(alone)")
        let pairs = [one, other].map { FlowPair(front: $0.front.tuple, back: $0.back.tuple) }
        expectSilence(
            WireCheck(front: front, back: back, listeners: listeners, pairs: pairs), flows: 2)
    }

    @Test func `is silent on one interface with both sides`() throws {
        var flow = try SyntheticFlow()
        flow.handshake()
        flow.talk()
        let frames = (flow.frontCapture.frames + flow.backCapture.frames).sorted {
            $0.time < $1.time
        }
        expectSilence(
            WireCheck(
                oneArm: Capture(frames: frames), listeners: [flow.front.tuple.destination]))
    }
}
