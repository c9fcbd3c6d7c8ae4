// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Testing
import WireTypes

/// Timestamps and SACK blocks in both orders behind every run of padding that fits.
private let layouts: [[TCPOption]] = {
    var layouts: [[TCPOption]] = []
    let timestamps = TCPOption.timestamps(0x8000_0001, 0x7fff_fffe)
    for blocks in 0...4 {
        // The first block lies below the acknowledgement: a D-SACK (RFC 2883).
        let sack = TCPOption.sack(
            (0..<UInt32(blocks)).map { SACKBlock($0 &* 3000 &- 1000, $0 &* 3000 &+ 500) })
        for before in 0...7 {
            for between in 0...4 {
                let pads = [before, between].map { [TCPOption](repeating: .nop, count: $0) }
                layouts.append(pads[0] + [timestamps] + pads[1])
                layouts.append(pads[0] + [sack] + pads[1])
                layouts.append(pads[0] + [timestamps] + pads[1] + [sack])
                layouts.append(pads[0] + [sack] + pads[1] + [timestamps])
                layouts.append(pads[0] + [.other(254, [9, 8, 7])] + pads[1] + [sack, .endOfList])
            }
        }
    }
    return layouts.filter { size(of: $0) <= 40 }
}()

private func size(of options: [TCPOption]) -> Int {
    options.reduce(0) { sum, option in
        switch option {
        case .endOfList, .nop: sum + 1
        case .timestamps: sum + 10
        case .sack(let blocks): sum + 2 + 8 * blocks.count
        case .other(_, let body): sum + 2 + body.count
        default: sum + 4
        }
    }
}

@Suite(.needsKernel) struct `Translation of TCP options` {
    @Test(arguments: Family.allCases)
    func `moves timestamps and SACK edges at every alignment and order`(family: Family) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            #expect(layouts.count > 300)
            for (index, options) in layouts.enumerated() {
                let packet = splice.fromEndpoint {
                    $0.options = options
                    $0.payload = [UInt8](repeating: 0xa5, count: index % 3)
                }
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, isRedirectOf: packet.translated(by: splice.downstream))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func `blanks SACK blocks for an endpoint that refused SACK`(family: Family) throws {
        try TestBench.use { bench in
            var splice = EstablishedSplice(family)
            splice.upstream.flags.insert(.stripSACK)
            try splice.program(bench)
            for options in layouts {
                let packet = splice.fromClient { $0.options = options }
                let result = try bench.run(.flowsEthernet, on: packet)
                expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            }
        }
    }

    @Test(arguments: Family.allCases, [[.nop, .nop], [.nop], []] as [[TCPOption]])
    func `keeps a TSecr of 0 without ACK and moves it with ACK`(
        family: Family, padding: [TCPOption]
    ) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(family)
            try splice.program(bench)
            for flags in [[.rst], [.ack], [.syn], [.rst, .ack]] as [TCPFlags] {
                for echo: UInt32 in [0, 5] {
                    let packet = splice.fromClient(flags) {
                        $0.options = padding + [.timestamps(7, echo)]
                    }
                    // SYN last seen as RST: program anew, since an RST marks the flow.
                    try splice.program(bench)
                    let result = try bench.run(.flowsEthernet, on: packet)
                    expect(result, isRedirectOf: packet.translated(by: splice.upstream))
                }
            }
        }
    }

    @Test func `leaves options alone that it does not know`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.options = [
                    .maximumSegment(1460), .windowScale(7), .sackPermitted, .other(19, [1, 2, 3]),
                    .other(254, [8, 10, 1, 2, 3, 4, 5, 6, 7, 8]),
                ]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    /// Receivers stop at an option whose length lies (RFC 9293 §3.1); so does the translation.
    @Test(
        arguments: [
            [8, 0], [8, 1], [5, 0], [5, 1], [8, 10, 1, 2, 3, 4], [5, 10, 1, 2, 3, 4], [8, 255],
            [5, 35],
            [8], [5], [254, 1], [2, 200],
        ] as [[UInt8]])
    func `stops at an option whose length lies, and translates those before it`(lie: [UInt8])
        throws
    {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let padding = [UInt8](repeating: 1, count: 10 - lie.count)
            let packet = splice.fromClient {
                // NOPs stand before the lie, so that it reaches beyond the end of the header.
                $0.options = [.timestamps(3, 4), .bytes(padding + lie)]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
            #expect(bench.counts == [.translated: 1])
        }
    }

    @Test(arguments: [0, 1] as [UInt8])
    func `does not read on behind an option of length 0 or 1`(length: UInt8) throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v6)
            try splice.program(bench)
            let packet = splice.fromClient {
                let hidden: [UInt8] = [8, 10, 1, 2, 3, 4, 5, 6, 7, 8]
                $0.options = [.nop, .bytes([254, length] + hidden), .bytes([1, 1, 1])]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    @Test func `does not read on behind the end of the list`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.options = [.endOfList, .bytes([8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 0])]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }

    @Test func `leaves timestamps of a length that is not theirs`() throws {
        try TestBench.use { bench in
            let splice = EstablishedSplice(.v4)
            try splice.program(bench)
            let packet = splice.fromClient {
                $0.options = [
                    .nop, .other(8, [1, 2, 3, 4, 5, 6, 7]), .nop, .nop,
                    .other(8, [UInt8](repeating: 6, count: 9)),
                ]
            }
            let result = try bench.run(.flowsEthernet, on: packet)
            expect(result, isRedirectOf: packet.translated(by: splice.upstream))
        }
    }
}
