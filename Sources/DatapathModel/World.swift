// SPDX-License-Identifier: Apache-2.0

/// What a client's SYN said.
public struct Note: Sendable, Equatable {
    /// The client's initial sequence number.
    public var clientISN: UInt32 = 0
    /// Ours.
    public var cookie: UInt32 = 0
    /// TSval of our SYN-ACK.
    public var timestamp: UInt32 = 0
    /// Where the SYN came in.
    public var interface: UInt32 = 0
    /// When.
    public var created: UInt64 = 0
    /// The client's MSS.
    public var mss: UInt16 = 0
    /// The listener's id.
    public var listener: UInt16 = 0
    /// The client's window scale.
    public var scale: UInt8 = 0
    /// Ours.
    public var ourScale: UInt8 = 0
    /// enum handshake_flag.
    public var flags: UInt16 = 0

    /// Nothing.
    public init() {}

    /// Both have timestamps.
    public static let timestamps: UInt16 = 1
    /// Both have SACK.
    public static let sack: UInt16 = 2
    /// Both scale windows.
    public static let windowScale: UInt16 = 4
    /// The client completed the handshake.
    public static let acknowledged: UInt16 = 8
    /// The client sent data.
    public static let data: UInt16 = 16
}

/// What clients of an address are promised.
public struct Listener: Sendable, Equatable {
    /// The listener's id.
    public var id: UInt16 = 0
    /// MSS in the SYN-ACK.
    public var mss: UInt16 = 0
    /// Our window scale.
    public var windowScale: UInt8 = 0
    /// Whether timestamps are promised.
    public var promisesTimestamps = true
    /// Window in the SYN-ACK.
    public var window: UInt16 = 0
    /// Whether endpoints are picked at the SYN.
    public var isPlain = false

    /// None.
    public init() {}
}

/// The clients' side of a listener as the handshake program finds it.
public struct Handshakes: Sendable, Equatable {
    /// The address that has a listener.
    public var address: (Address, UInt16)?
    /// What it promises.
    public var listener = Listener()
    /// Notes by client.
    public var notes: [Tuple: Note] = [:]
    /// Clients of real sockets, and when the socket was closed (0: it is open).
    public var adopted: [Tuple: UInt64] = [:]

    /// No listener.
    public init() {}

    /// Field by field.
    public static func == (one: Handshakes, other: Handshakes) -> Bool {
        one.address?.0 == other.address?.0 && one.address?.1 == other.address?.1
            && one.listener == other.listener && one.notes == other.notes
            && one.adopted == other.adopted
    }
}

/// An endpoint of a plain listener.
public struct PlainEndpoint: Sendable, Equatable {
    /// Where it is.
    public var address: Address
    /// Its port.
    public var port: UInt16
    /// Ours towards it.
    public var sources: [Address]
    /// Its place in the cluster.
    public var index: UInt16

    /// An endpoint.
    public init(address: Address, port: UInt16, sources: [Address], index: UInt16) {
        self.address = address
        self.port = port
        self.sources = sources
        self.index = index
    }
}

/// Who gets the clients of a plain listener.
public struct PlainChoice: Sendable, Equatable {
    /// The cluster's id.
    public var cluster: UInt16 = 0
    /// Whether ports are hashed.
    public var hashesPort = false
    /// Who may get them.
    public var endpoints: [PlainEndpoint] = []
    /// Places of those; others are nobody.
    public var slots: [UInt16] = []
    /// Ports of ours.
    public var ports: ClosedRange<UInt16> = 0...0

    /// Nobody.
    public init() {}
}

/// A name that clients of a listener ask for.
public struct RoutedName: Hashable, Sendable {
    /// The listener's id.
    public var listener: UInt16
    /// The clients' family.
    public var isIPv6: Bool
    /// The name as in a hello.
    public var text: [UInt8]

    /// A name.
    public init(listener: UInt16, isIPv6: Bool, text: [UInt8]) {
        self.listener = listener
        self.isIPv6 = isIPv6
        self.text = text
    }
}

/// Where clients of a name go without the daemon.
public struct NameRoute: Sendable, Equatable {
    /// Place among the targets.
    public var target: Int
    /// The cluster's id.
    public var cluster: UInt16
    /// The endpoint's place in it.
    public var endpoint: UInt16
    /// The name's id.
    public var serverName: UInt32
    /// Bytes of a hello's segment; there are two at most.
    public var segmentSize: Int

    /// A route.
    public init(
        target: Int, cluster: UInt16, endpoint: UInt16, serverName: UInt32, segmentSize: Int
    ) {
        self.target = target
        self.cluster = cluster
        self.endpoint = endpoint
        self.serverName = serverName
        self.segmentSize = segmentSize
    }
}

/// An endpoint that names lead to.
public struct NameTarget: Sendable, Equatable {
    /// Where it is.
    public var address: Address
    /// Its port.
    public var port: UInt16
    /// Ours towards it.
    public var source: Address
    /// Ports of ours that may be taken, in their order.
    public var ports: [UInt16]

    /// An endpoint.
    public init(address: Address, port: UInt16, source: Address, ports: [UInt16]) {
        self.address = address
        self.port = port
        self.source = source
        self.ports = ports
    }

    /// From us to it.
    public func way(from port: UInt16) -> Tuple {
        Tuple(
            source: source, destination: address, sourcePort: port, destinationPort: self.port)
    }
}

/// Names whose clients are taken to an endpoint without the daemon.
public struct RoutedNames: Sendable, Equatable {
    /// Where they lead.
    public var routes: [RoutedName: NameRoute] = [:]
    /// The endpoints.
    public var targets: [NameTarget] = []

    /// None.
    public init() {}
}

/// Everything a packet's fate depends on besides its bytes.
public struct World: Sendable {
    /// The flow table: few rows, so that walking beats hashing.
    public var rows: [(key: Tuple, row: Row)] = []
    /// Flows of plain listeners that are about to stand.
    public var openings: [Tuple: Row] = [:]
    /// For the handshake program.
    public var handshakes = Handshakes()
    /// For plain listeners.
    public var plain = PlainChoice()
    /// Known names.
    public var names = RoutedNames()
    /// CLOCK_MONOTONIC when a flow of a known name is begun.
    public var clock: UInt64 = 0
    /// Key of our initial sequence numbers.
    public var sequenceKey: (UInt64, UInt64) = (0, 0)
    /// CLOCK_MONOTONIC (coarse).
    public var now: UInt64 = 0
    /// The same when a plain flow is begun, if it has ticked since; 0: it has not.
    public var earlier: UInt64 = 0
    /// Where the packet is.
    public var interface: UInt32 = 1
    /// Where it came in; 0: this host made it.
    public var ingressInterface: UInt32 = 1
    /// Priority of the socket that sent it.
    public var priority: UInt32 = 0
    /// Segments of a super-packet; 0: it is none, or nobody has counted.
    public var segments: UInt32 = 0
    /// Payload of each of them.
    public var segmentSize: UInt32 = 0
    /// Ports that splices come from.
    public var sourcePorts: ClosedRange<UInt16> = 0...0
    /// Who is an endpoint of ours.
    public var endpoints: [(address: Address, port: UInt16)] = []
    /// Whether the budget of what anybody can provoke has a token left.
    public var hasToken = true
    /// The cookie that the kernel makes for a SYN: its secret, so the world knows it and we do not.
    public var cookie: UInt32 = 0
    /// The only way out; nil: the FIB has no answer.
    public var route: @Sendable (Address) -> NextHop?

    /// An empty world.
    public init(route: @escaping @Sendable (Address) -> NextHop?) { self.route = route }

    /// The place of a row.
    public func index(of key: Tuple) -> Int? {
        for index in rows.indices where rows[index].key == key { return index }
        return nil
    }

    /// The row of packets with this tuple.
    public func row(of key: Tuple) -> Row? { index(of: key).map { rows[$0].row } }

    mutating func remove(_ key: Tuple) {
        if let index = index(of: key) { rows.remove(at: index) }
    }
}
