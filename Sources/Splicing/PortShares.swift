// SPDX-License-Identifier: Apache-2.0

/// Source ports towards endpoints of plain listeners. The datapath takes a port when a SYN comes and
/// asks nobody, so the workers' pools leave it the greater part.
public struct PortShares: Sendable, Equatable {
    /// For the workers: a quarter.
    public let spliced: [ClosedRange<UInt16>]
    /// For the datapath.
    public let plain: [ClosedRange<UInt16>]

    /// Shares out `ranges`, of which there is at least one port.
    public init(of ranges: [ClosedRange<UInt16>]) {
        var left = ranges.reduce(0) { $0 + $1.count } / 4
        var spliced: [ClosedRange<UInt16>] = []
        var plain: [ClosedRange<UInt16>] = []
        for range in ranges {
            let count = min(left, range.count)
            left -= count
            if count > 0 {
                spliced.append(range.lowerBound...range.lowerBound + UInt16(count - 1))
            }
            if count < range.count {
                plain.append(range.lowerBound + UInt16(count)...range.upperBound)
            }
        }
        self.spliced = spliced
        self.plain = plain
    }
}
