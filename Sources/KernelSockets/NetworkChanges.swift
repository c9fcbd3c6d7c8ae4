// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets

/// What of the network changed: enough to know what to look at again.
///
/// The kernel's messages say more, but one may be lost, and a look at what is there now cannot be.
public struct NetworkChanges: OptionSet, Sendable {
    /// Bits of our own.
    public let rawValue: Int

    /// From the bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Interfaces that came, went or are otherwise than they were.
    public static let links = NetworkChanges(rawValue: 1)
    /// Addresses of this host.
    public static let addresses = NetworkChanges(rawValue: 2)
    /// Routes, and the rules that choose among their tables.
    public static let routes = NetworkChanges(rawValue: 4)
    /// Anything.
    public static let all: NetworkChanges = [.links, .addresses, .routes]

    /// Bytes of `nlmsghdr`: length 4, type 2, flags 2, sequence number 4, port 4, in host order.
    private static let header = 16

    /// Reads a datagram of rtnetlink(7): messages one after the other, each with a header and padded
    /// to 4 bytes. One that cannot be read may have said anything.
    public init(reading datagram: Span<UInt8>) {
        self.init()
        var place = 0
        while place < datagram.count {
            let room = datagram.count - place
            guard room >= Self.header else {
                formUnion(.all)
                return
            }
            // Both lie in the header, whose room was just checked.
            let length = Int(
                unsafe datagram.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt32.self))
            let type = unsafe datagram.bytes.unsafeLoadUnaligned(
                fromByteOffset: place + 4, as: UInt16.self)
            guard length >= Self.header, length <= room else {
                formUnion(.all)
                return
            }
            formUnion(NetworkChanges(messageType: Int(type)))
            place += (length + 3) & ~3
        }
    }

    private init(messageType type: Int) {
        let changes: NetworkChanges =
            switch type {
            case Int(RTM_NEWLINK), Int(RTM_DELLINK): .links
            case Int(RTM_NEWADDR), Int(RTM_DELADDR): .addresses
            case Int(RTM_NEWROUTE), Int(RTM_DELROUTE), Int(RTM_NEWRULE), Int(RTM_DELRULE): .routes
            case Int(NLMSG_OVERRUN): .all
            default: []
            }
        self.init(rawValue: changes.rawValue)
    }
}
