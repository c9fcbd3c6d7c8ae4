// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting

extension TestPacket {
    /// What a flow must make of the packet, stated field by field: the model that tests compare
    /// the kernel's bytes with.
    func translated(by row: FlowRow) -> TestPacket {
        var packet = self
        packet.tuple = row.rewrite
        packet.timeToLive -= 1
        packet.sequence &+= row.sequenceDelta
        if flags.contains(.ack) { packet.acknowledgement &+= row.acknowledgementDelta }
        if !flags.contains(.syn) { packet.window = rescaled(by: Int(row.windowShift)) }
        packet.options = options.map { translated($0, by: row) }
        return packet
    }

    private func rescaled(by shift: Int) -> UInt16 {
        shift < 0 ? window >> -shift : UInt16(clamping: Int(window) << shift)
    }

    private func translated(_ option: TCPOption, by row: FlowRow) -> TCPOption {
        switch option {
        case .timestamps(let value, let echo):
            let isEmpty = echo == 0 && !flags.contains(.ack)
            return .timestamps(
                value &+ row.timestampValueDelta,
                isEmpty ? 0 : echo &+ row.timestampEchoDelta)
        case .sack(let blocks) where row.flags.contains(.stripSACK):
            return .bytes([UInt8](repeating: 1, count: 2 + 8 * blocks.count))
        case .sack(let blocks):
            return .sack(
                blocks.map {
                    SACKBlock(
                        $0.left &+ row.acknowledgementDelta, $0.right &+ row.acknowledgementDelta)
                })
        default: return option
        }
    }
}
