// SPDX-License-Identifier: Apache-2.0

/// What the datapath must make of a packet, written a second time.
///
/// Nothing here is taken from `bpf/`: numbers are added where a packet's meaning changes, and every
/// checksum is summed over all that it covers. Each rule is one function, so that a rule that
/// changes in the datapath changes in one place here; what disagrees is wrong on one side.
public enum Translator {
    /// The fate of `packet`, whose link layer says it is of `protocol` (0x0800, 0x86dd).
    public static func outcome(
        of packet: [UInt8], protocol etherType: UInt16, at hook: Hook, link: Link,
        world: inout World
    ) -> Outcome {
        var passage = Passage(packet, etherType, link, world)
        let verdict =
            switch hook {
            case .flows: passage.flows()
            case .handshake: passage.handshake()
            case .egress: passage.egress()
            }
        world = passage.world
        return Outcome(
            verdict: verdict, bytes: passage.bytes, counters: passage.counters,
            records: passage.records)
    }
}

/// A packet on its way through one program.
struct Passage {
    var bytes: [UInt8]
    let etherType: UInt16
    /// Where the IP header begins.
    let ip: Int
    var world: World
    var counters: [Counter] = []
    var records: [Record] = []

    init(_ bytes: [UInt8], _ etherType: UInt16, _ link: Link, _ world: World) {
        self.bytes = bytes
        self.etherType = etherType
        self.world = world
        ip = link == .ethernet ? 14 : 0
    }

    /// Every way out has its counter.
    mutating func end(_ verdict: Verdict, _ counter: Counter) -> Verdict {
        counters.append(counter)
        return verdict
    }

    /// Sends the packet on. The kernel's neighbour code wants room for a link header, which a
    /// packet of a device without one gets, all zero.
    mutating func redirect() -> Verdict {
        if ip == 0 { bytes = [UInt8](repeating: 0, count: 14) + bytes }
        return .redirect
    }

    /// The row of the other direction; one of another connection of the same tuple is none.
    func peer(of row: Row) -> Int? {
        guard let index = world.index(of: row.rewrite.reversed),
            world.rows[index].row.created == row.created
        else { return nil }
        return index
    }
}
