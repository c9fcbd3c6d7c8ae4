// SPDX-License-Identifier: Apache-2.0

/// One of the two wires.
public enum Wire: String, Sendable, CaseIterable {
    /// Between clients and the listener.
    case front
    /// Between the balancer's own address and the endpoints.
    case back
}

/// A packet that breaks what a splice promises.
public struct Violation: Sendable, CustomStringConvertible {
    /// What is promised, one case an invariant.
    public enum Kind: String, Sendable, CaseIterable {
        /// Bytes leave that never arrived.
        case unseenBytes
        /// Bytes leave that arrived otherwise.
        case alteredBytes
        /// A packet leaves that nobody sent, or more often than it was sent.
        case unsolicited
        /// Flags are not those of the packet that arrived.
        case flags
        /// The acknowledgement is not the one that arrived, translated.
        case acknowledgement
        /// A byte is acknowledged before the end that must have it did so.
        case acknowledgedEarly
        /// A byte is acknowledged that nobody sent on this wire.
        case acknowledgedUnsent
        /// SACK or D-SACK names bytes that the receiver of it never sent on this wire.
        case sackOfUnsent
        /// SACK blocks are not those that arrived, translated.
        case sackEdges
        /// TSval goes back on the way out, and did not on the way in.
        case timestampBack
        /// The difference between TSval in and out is not the flow's.
        case timestampOffset
        /// TSecr is no TSval that the peer sent on this wire.
        case timestampEcho
        /// TSecr is not the one that arrived, translated.
        case timestampEchoOffset
        /// Timestamps arrived, or did not, and leave the other way.
        case timestampPresence
        /// The window means something else than the one that arrived.
        case window
        /// An address of one wire is seen on the other.
        case leak
        /// An ICMP error quotes a packet that its receiver never sent.
        case quotedPacket
        /// A checksum of IP or ICMP is wrong.
        case headerChecksum
        /// A checksum of TCP is neither right nor the partial sum of the pseudo-header.
        case tcpChecksum
        /// A packet arrived corrupted and leaves with a right checksum.
        case corruptionHidden
        /// A packet is no whole TCP packet, or was captured in part.
        case malformed
    }

    /// Which promise is broken.
    public let kind: Kind
    /// Where the packet was captured.
    public let wire: Wire
    /// The packet's number in that capture, from 1.
    public let packet: Int
    /// When, in nanoseconds since 1970.
    public let time: UInt64
    /// Who sent it to whom.
    public let tuple: String
    /// What should have been.
    public let expected: String
    /// What was.
    public let found: String

    /// `window: back packet 12 at …, 10.0.0.1:1 → 10.0.0.2:2: 512 expected, 1024 found`.
    public var description: String {
        let fraction = String(time % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - fraction.count)
        return "\(kind.rawValue): \(wire.rawValue) packet \(packet) at "
            + "\(time / 1_000_000_000).\(zeros)\(fraction), \(tuple): "
            + "\(expected) expected, \(found) found"
    }
}
