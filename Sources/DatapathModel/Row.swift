// SPDX-License-Identifier: Apache-2.0

/// Life of a flow.
public enum State: UInt8, Sendable, CaseIterable {
    /// The endpoint has not answered yet.
    case connecting = 1
    /// Both directions translate.
    case established
    /// A FIN passed.
    case closing
    /// Both FINs are acknowledged.
    case closed
    /// An RST passed that its receiver may believe.
    case reset
}

/// What is true of a direction of a flow.
public struct RowFlags: OptionSet, Sendable {
    /// Bits as in the flow map.
    public let rawValue: UInt16

    /// Bits as in the flow map.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Client to endpoint.
    public static let upstream = RowFlags(rawValue: 1)
    /// Timestamps were agreed on.
    public static let timestamps = RowFlags(rawValue: 2)
    /// The client was promised SACK.
    public static let sack = RowFlags(rawValue: 4)
    /// The client was promised a window scale.
    public static let windowScale = RowFlags(rawValue: 8)
    /// The endpoint refused SACK.
    public static let stripSACK = RowFlags(rawValue: 16)
    /// A FIN of this direction passed.
    public static let fin = RowFlags(rawValue: 32)
    /// A FIN of the other direction passed.
    public static let peerFIN = RowFlags(rawValue: 64)
    /// This direction acknowledged the other's FIN.
    public static let finAcknowledged = RowFlags(rawValue: 128)
    /// The endpoint refused window scaling.
    public static let unscaled = RowFlags(rawValue: 256)
    /// Owned bytes may not be acknowledged yet.
    public static let owned = RowFlags(rawValue: 512)
    /// A FIN of this direction passed before any of the other.
    public static let finFirst = RowFlags(rawValue: 1024)
    /// Of a plain listener.
    public static let plain = RowFlags(rawValue: 2048)
    /// The endpoint's SYN-ACK came.
    public static let answered = RowFlags(rawValue: 4096)
}

/// Where packets leave.
public struct NextHop: Sendable, Equatable {
    /// Index of the interface.
    public var interface: UInt32 = 0
    /// 2 or 10 as AF_INET and AF_INET6; 0: the kernel finds the neighbour.
    public var family: UInt16 = 0
    /// Largest packet of layer 3.
    public var mtu: UInt16 = 0
    /// The neighbour.
    public var address = Address(high: 0, low: 0)

    /// Nowhere yet.
    public init() {}

    /// Whether it is anywhere.
    public var isKnown: Bool { interface != 0 }
}

/// Where the hello of a connecting flow lies, and what the SYN-ACK needs to be answered.
public struct Handover: Sendable, Equatable {
    /// Segments of the hello as they lie in the template; empty: overwritten, or none.
    public var segments: [[UInt8]] = []
    /// How many segments the row names; more than `segments` when some were overwritten.
    public var segmentCount = 0
    /// Window scale of the client, 0 if none.
    public var clientScale: UInt8 = 0
    /// Window scale that the client was told.
    public var ourScale: UInt8 = 0
    /// Window of the client's hello, unscaled.
    public var clientWindow: UInt16 = 0
    /// The client's bytes in the template.
    public var helloLength: UInt16 = 0
    /// Bytes of ours in front of the client's first, in the template too.
    public var ownedLength: UInt16 = 0

    /// None.
    public init() {}
}

/// What packets of one tuple become.
public struct Row: Sendable, Equatable {
    /// The tuple on the way out.
    public var rewrite: Tuple
    /// State.
    public var state: State
    /// Flags.
    public var flags: RowFlags = []
    /// Added to sequence numbers.
    public var sequenceDelta: UInt32 = 0
    /// Added to acknowledgements.
    public var acknowledgementDelta: UInt32 = 0
    /// Added to TSval.
    public var timestampDelta: UInt32 = 0
    /// Added to TSecr; upstream while connecting: as if the endpoint's clock stood at 0.
    public var echoDelta: UInt32 = 0
    /// Windows are multiplied by 2 to this.
    public var windowShift: Int8 = 0
    /// Highest acknowledgement.
    public var lastAcknowledgement: UInt32 = 0
    /// End of what was sent.
    public var nextSequence: UInt64 = 0
    /// Packets so far.
    public var packets: UInt64 = 0
    /// Payload so far.
    public var bytes: UInt64 = 0
    /// When it was made.
    public var created: UInt64 = 0
    /// The tick in which a packet came last.
    public var lastSeen: UInt32 = 0
    /// The tick in which new data came last.
    public var lastData: UInt32 = 0
    /// Where packets leave, as it was asked last.
    public var nextHop = NextHop()
    /// Where they came in last.
    public var ingressInterface: UInt32 = 0
    /// Largest packet of layer 3 by the receiver's MSS.
    public var sizeLimit: UInt16 = 0xffff
    /// How often the sender was told of it.
    public var timesToldLimit: UInt8 = 0
    /// Window scale of the endpoint's SYN-ACK.
    public var endpointScale: UInt8 = 0
    /// Sequence number of the first byte.
    public var firstSequence: UInt32 = 0
    /// Our initial sequence number towards the sender of this direction.
    public var ownISN: UInt32 = 0
    /// The client's first bytes, which the endpoint does not get.
    public var prefaceLength: UInt16 = 0
    /// For the SYN-ACK.
    public var handover = Handover()
    /// Where it belongs, if the datapath began it.
    public var origin: Origin?

    /// Ids by which a flow is listed.
    public struct Origin: Sendable, Equatable {
        /// The listener's.
        public var listener: UInt16
        /// The cluster's.
        public var cluster: UInt16
        /// The endpoint's place in it.
        public var endpoint: UInt16
        /// The name's that the client asked for; 0: none is known.
        public var serverName: UInt32

        /// Ids of a flow.
        public init(
            listener: UInt16, cluster: UInt16, endpoint: UInt16, serverName: UInt32 = 0
        ) {
            self.listener = listener
            self.cluster = cluster
            self.endpoint = endpoint
            self.serverName = serverName
        }
    }

    /// A row without deltas.
    public init(rewrite: Tuple, state: State) {
        self.rewrite = rewrite
        self.state = state
    }
}

/// Initial sequence numbers of a splice, which both of its rows know: deltas are from one to
/// another, and make up for what only one end has of the first bytes.
extension Row {
    /// The client's.
    public var clientISN: UInt32 {
        flags.contains(.upstream) ? firstSequence &- 1 : ownISN &+ acknowledgementDelta &- shortfall
    }

    /// Ours towards the client; the endpoint's direction knows it since the endpoint answered.
    public var cookie: UInt32 {
        flags.contains(.upstream) ? ownISN : firstSequence &- 1 &+ sequenceDelta
    }

    /// Ours towards the endpoint, of the SYN.
    public var isn: UInt32 {
        flags.contains(.upstream) ? clientISN &+ sequenceDelta &+ shortfall : ownISN
    }

    /// Bytes of the client that the endpoint does not get, less those that only the endpoint gets.
    private var shortfall: UInt32 { UInt32(prefaceLength) &- UInt32(handover.ownedLength) }
}
