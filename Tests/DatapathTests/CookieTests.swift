// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import KernelBPF
import Testing
import WireTypes

/// What a note becomes when it is rebuilt: the MSS is one of four that our timestamp tells.
private let sizes: [(offered: UInt16, rebuilt: UInt16)] = [
    (100, 536), (536, 536), (1219, 536), (1220, 1220), (1399, 1220), (1400, 1400), (1439, 1400),
    (1440, 1440), (1460, 1440), (8960, 1440),
]

@Suite(.needsKernel) struct `Cookie without its note` {
    private func forgetAndSend(
        _ bench: TestBench, _ client: HandshakeClient, _ data: [UInt8]
    ) throws -> (old: HandshakeNote, new: HandshakeNote?) {
        let note = try client.connect(bench)
        bench.datapath.forgetHandshake(of: client.family.client)
        let packet = client.packet([.ack], note, data)
        let result = try bench.run(.handshakeEthernet, on: packet)
        expect(result, leaves: packet.bytes, TCVerdict.drop)
        return (note, bench.datapath.note(of: client.family.client))
    }

    @Test(arguments: Family.allCases, [nil, 0, 1, 7, 14] as [UInt8?])
    func `gives scale and SACK back by the timestamp`(family: Family, scale: UInt8?) throws {
        for hasSACK in [false, true] {
            try TestBench.use { bench in
                try bench.listen(family)
                var client = HandshakeClient(family)
                client.scale = scale
                client.hasSACK = hasSACK
                let notes = try forgetAndSend(bench, client, hello(100))
                let new = try #require(notes.new)
                #expect(new.clientISN == client.sequence)
                #expect(new.cookie == notes.old.cookie)
                #expect(new.timestamp == notes.old.timestamp)
                #expect(new.hasTimestamps)
                #expect(new.hasSACK == hasSACK)
                #expect(new.hasWindowScale == (scale != nil))
                #expect(new.clientScale == scale ?? 0)
                #expect(new.ourScale == notes.old.ourScale)
                #expect(new.listener == 3)
                let heard = try #require(bench.records().hellos.first)
                #expect(heard.record.note == new)
                #expect(heard.bytes == hello(100))
                #expect(bench.count(.cookieAccepted) == 1)
            }
        }
    }

    @Test(arguments: sizes)
    func `gives the MSS back by the timestamp, rounded down`(offered: UInt16, rebuilt: UInt16)
        throws
    {
        try TestBench.use { bench in
            try bench.listen(.v4)
            var client = HandshakeClient(.v4)
            client.mss = offered
            #expect(try forgetAndSend(bench, client, []).new?.mss == rebuilt)
        }
    }

    @Test(arguments: Family.allCases)
    func `completes a handshake without timestamps by the least that is safe`(family: Family)
        throws
    {
        try TestBench.use { bench in
            try bench.listen(family)
            var client = HandshakeClient(family)
            client.hasTimestamps = false
            let new = try #require(try forgetAndSend(bench, client, hello(100)).new)
            #expect(!new.hasTimestamps && !new.hasSACK)
            #expect(new.hasWindowScale && new.clientScale == 0 && new.ourScale == 7)
            #expect(new.mss == family.defaultMSS)
            #expect(bench.records().hellos.map(\.bytes) == [hello(100)])
        }
    }

    @Test(arguments: Family.allCases)
    func `is refused when it is not ours`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            bench.datapath.forgetHandshake(of: family.client)
            // The lowest bits are the kernel's MSS index: near cookies are good as well.
            for change: UInt32 in [0x100, 0x8000, 0x8000_0000] {
                var packet = client.packet([.ack], note, [1])
                packet.acknowledgement ^= change
                let result = try bench.run(.handshakeEthernet, on: packet)
                expect(result, leaves: packet.bytes, TCVerdict.drop)
            }
            #expect(bench.count(.dropStray) == 3)
            #expect(bench.count(.cookieAccepted) == 0)
        }
    }

    @Test(arguments: Family.allCases)
    func `completes an early FIN as well`(family: Family) throws {
        try TestBench.use { bench in
            try bench.listen(family)
            let client = HandshakeClient(family)
            let note = try client.connect(bench)
            bench.datapath.forgetHandshake(of: family.client)
            let result = try bench.run(
                .handshakeEthernet, on: client.packet([.fin, .ack], note))
            #expect(result.verdict == TCVerdict.redirect)
            #expect(bench.count(.resetEarlyFin) == 1)
            #expect(bench.datapath.note(of: family.client) == nil)
        }
    }
}
