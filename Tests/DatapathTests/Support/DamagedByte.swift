// SPDX-License-Identifier: Apache-2.0

import DatapathTesting

/// A byte of a TCP header without data that a bad wire changed under the checksum.
enum DamagedByte: CaseIterable {
    case sequence, window, lastOption

    func damage(_ packet: TestPacket) -> [UInt8] {
        var bytes = packet.bytes
        switch self {
        case .sequence: bytes[packet.tcpOffset + 6] ^= 0x20
        case .window: bytes[packet.tcpOffset + 14] ^= 0x10
        case .lastOption: bytes[bytes.count - 1] ^= 0x08
        }
        return bytes
    }
}
