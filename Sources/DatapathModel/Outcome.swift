// SPDX-License-Identifier: Apache-2.0

/// The programs.
public enum Hook: String, Sendable, CaseIterable {
    /// Packets of spliced connections, at ingress.
    case flows
    /// Handshakes with clients, at ingress behind it.
    case handshake
    /// The guard at egress.
    case egress
}

/// Whether packets begin with an Ethernet header.
public enum Link: String, Sendable, CaseIterable {
    /// They do.
    case ethernet
    /// They begin with their IP header.
    case raw
}

/// What becomes of a packet.
public enum Verdict: Int32, Sendable {
    /// To the next program or the stack.
    case pass = -1
    /// Gone.
    case drop = 2
    /// Sent on.
    case redirect = 7
}

/// What is counted, in the order of the datapath's.
public enum Counter: Int, Sendable, CaseIterable {
    case translated, synAnswered, helloRecorded, helloSent, helloLost, cookieAccepted
    case handshakeAck, passNotTCP, passFragment, passNoFlow, passAdopted, passStray, passNoDaemon
    case dropMalformed, passExtension, dropConnecting, dropRingFull, dropNoRoute, dropTTL
    case dropKernel, dropLocal, dropBadSynAck, dropSynData, resetEarlyFin, dropFragment, dropStray
    case dropTooBig, icmpTranslated, dropIcmpStale, icmpSent, icmpLimited
    case sourceDenied, sourceFull, sourceTooFast, fastDryRun
    case plainOpened, plainRefused, plainFull
    case helloRouted
}

/// What the daemon is told.
public enum Record: Sendable, Equatable {
    /// What happened to a flow.
    public enum Event: String, Sendable {
        case refused, challenged, optionsRefused, established, closed, reset, abandoned, orphaned
        case stray

        /// Whether it comes in the ring of the hellos, which wakes the daemon.
        public var wakes: Bool {
            switch self {
            case .established, .closed, .reset: false
            default: true
            }
        }
    }

    /// An event of a flow, or of a client that has none (created 0).
    case event(Event, client: Tuple, created: UInt64, sequence: UInt32, acknowledgement: UInt32)
    /// A client's bytes.
    case hello(Hello)
    /// A client of a known name was taken to its endpoint.
    case opened(Opened)

    /// A client's bytes, in pieces of at most 4096.
    public struct Hello: Sendable, Equatable {
        /// Client to listener.
        public var client: Tuple
        /// Of the connecting flow; 0: there is none.
        public var created: UInt64
        /// Number of the first byte.
        public var sequence: UInt32
        /// TSval, 0 without.
        public var timestamp: UInt32
        /// TSecr, 0 without.
        public var timestampEcho: UInt32
        /// Window as on the wire.
        public var window: UInt16
        /// The bytes.
        public var bytes: [UInt8]
    }

    /// A flow that was begun without the daemon, or a port that was taken for one in vain.
    public struct Opened: Sendable, Equatable {
        /// Client to listener.
        public var client: Tuple
        /// Balancer to endpoint.
        public var upstream: Tuple
        /// Of the flow; 0: a row was in its way, and the SYN's numbers have no meaning.
        public var created: UInt64
        /// Of our SYN.
        public var isn: UInt32
        /// The client's initial sequence number.
        public var clientISN: UInt32
        /// Ours towards it.
        public var cookie: UInt32
        /// TSval of the hello, 0 without.
        public var timestamp: UInt32
        /// TSecr of the hello, 0 without.
        public var timestampEcho: UInt32
        /// Window of the hello as on the wire.
        public var window: UInt16
        /// Bytes of the hello.
        public var length: UInt32
        /// The cluster's id.
        public var cluster: UInt16
        /// The endpoint's place in it.
        public var endpoint: UInt16
    }
}

/// All that a packet brings about, besides changes of the world.
public struct Outcome: Sendable, Equatable {
    /// The verdict.
    public var verdict: Verdict
    /// The packet afterwards; of no meaning when it is dropped.
    public var bytes: [UInt8]
    /// What was counted.
    public var counters: [Counter]
    /// What the daemon hears.
    public var records: [Record]
}
