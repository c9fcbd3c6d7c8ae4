// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
@testable import Datapath
@testable import DatapathModel
import DatapathTesting
import KernelBPF

/// Slots that trials write, from here on.
private let firstSlot: UInt16 = 4000

extension KernelSide {
    /// The row of a trial as it lies in the map, with the way that it names.
    func laid(_ trial: TrialRow, _ now: UInt64) throws(BPFError) -> flow_entry {
        let row = trial.row(at: now)
        var entry = entry(row, trial.template)
        guard row.nextHop.isKnown else { return entry }
        entry.way = firstSlot + waysLaid
        waysLaid += 1
        let way = CDatapathABI.way(row, confirmed: Row.tick(at: now))
        try bench.datapath.ways.set(UInt32(entry.way), to: way)
        return entry
    }

    func readWays(_ outcome: inout KernelOutcome) {
        for entry in outcome.entries where entry.way != 0 && outcome.ways[entry.way] == nil {
            outcome.ways[entry.way] = bench.datapath.ways.value(of: UInt32(entry.way))
        }
    }

    /// How a row is not as the model has it; nil: it is. Which slot names the way is the datapath's
    /// affair, but not what lies in it.
    func difference(
        _ row: Row?, _ template: Int, _ actual: flow_entry?, _ comparison: Comparison
    ) -> String? {
        let expected = row.map { entry($0, template) }
        var wayless = actual
        wayless?.way = 0
        guard areSame(expected, wayless) else { return places(expected, wayless) }
        guard let row, let slot = actual?.way else { return nil }
        return wayDifference(row, slot, comparison)
    }

    private func wayDifference(_ row: Row, _ slot: UInt16, _ comparison: Comparison) -> String? {
        guard row.nextHop.isKnown else { return slot == 0 ? nil : ": model knows no way" }
        guard slot != 0, let way = comparison.kernel.ways[slot] else {
            return ": way \(slot), model \(row.nextHop)"
        }
        let hop = way.nextHop(to: row.rewrite.destination)
        if !isSame(hop, row.nextHop.abi) {
            return ": way \(slot) \(hop), model \(row.nextHop.abi)"
        }
        // A slot that nobody confirms is another way's in the end: who believes it has asked.
        let tick = Row.tick(at: comparison.world.now)
        let isOld = way.confirmed / Row.epochLength != tick / Row.epochLength
        return isOld && row.knowsWay(at: tick) ? ": way \(slot) of \(way.confirmed)" : nil
    }
}

extension way {
    /// Of a row's packets. The address is left out where it is the destination's.
    fileprivate init(_ row: Row, confirmed tick: UInt32) {
        let isDirect = row.nextHop.address == row.rewrite.destination
        var hop = row.nextHop.abi
        if isDirect { hop.addr = ip_address() }
        self.init(confirmed: tick, is_direct: isDirect ? 1 : 0, hop: hop)
    }

    /// The next hop of packets to an address; IPv4 addresses stand in the first word.
    fileprivate func nextHop(to destination: Address) -> next_hop {
        guard is_direct != 0 else { return hop }
        var direct = NextHop()
        direct.interface = hop.ifindex
        direct.family = hop.family
        direct.mtu = hop.mtu
        direct.address = destination
        return direct.abi
    }
}
