// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import Glibc
package import KernelBPF

extension FlowRow {
    /// The interface that its packets leave by; 0: not known.
    package func nextHopInterface(in datapath: KernelDatapath) -> UInt32 {
        datapath.interface(ofWay: entry.way)
    }

    /// The MTU of its way out; 0: not known.
    package func nextHopMTU(in datapath: KernelDatapath) -> UInt16 {
        datapath.ways.value(of: UInt32(entry.way))?.hop.mtu ?? 0
    }

    /// A way out that was just asked for, and is believed for some 30 ms at least; the kernel resolves
    /// the neighbour. May wait for such a moment.
    package mutating func route(
        by interface: UInt32, mtu: UInt16, in datapath: KernelDatapath
    ) throws(BPFError) {
        let slot = 1 + (interface &* 31 &+ UInt32(mtu)) % (WAYS_MAX - 1)
        let tick = Self.tickInsideEpoch()
        var way = CDatapathABI.way()
        way.confirmed = max(tick.value, WAY_IN_WORK + 1)
        way.hop.ifindex = interface
        way.hop.mtu = mtu
        try datapath.ways.set(slot, to: way)
        entry.way = UInt16(slot)
        entry.last_seen = tick.value
    }

    /// Neither the first tick of an epoch, for the clock of another CPU may not be there yet, nor one
    /// of the last two.
    private static func tickInsideEpoch() -> Tick {
        let length: UInt32 = 1 << EPOCH_SHIFT
        while true {
            // The datapath's clock, which lags behind the exact one.
            var now = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
            let tick = Tick(
                nanoseconds: UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec))
            if 1...length - 3 ~= tick.value % length { return tick }
            usleep(2000)
        }
    }
}
