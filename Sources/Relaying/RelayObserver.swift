// SPDX-License-Identifier: Apache-2.0

public import Datapath
public import KernelSockets
public import WireTypes

/// A relayed connection as `flowdump` lists it.
public struct RelayedConnection: Sendable, Equatable {
    /// Client → listener address.
    public var tuple: FlowTuple
    /// Balancer → endpoint; nil before an endpoint accepted.
    public var upstream: FlowTuple?
    /// CLOCK_MONOTONIC nanoseconds when its relaying began.
    public var createdNanoseconds: UInt64
    /// CLOCK_MONOTONIC nanoseconds of the last byte either way.
    public var lastSeenNanoseconds: UInt64
    /// Bytes handed to the kernel for the endpoint.
    public var upstreamBytes: UInt64 = 0
    /// Bytes handed to the kernel for the client.
    public var downstreamBytes: UInt64 = 0
    /// Id of the listener.
    public var listener: UInt16
    /// Id of the cluster.
    public var cluster: UInt16
    /// Index of the endpoint in use or tried last.
    public var endpoint: UInt16 = 0
    /// Why it is not spliced.
    public var reason: RelayReason
    /// The checked SNI.
    public var serverName: ServerName?
}

/// Who is told of what the relay does. Called on the relay's thread: must be quick, and must not
/// call `Relay.stop`.
public protocol RelayObserver: Sendable {
    /// The kernel is about to speak for this adopted client: from now on its packets are to pass to
    /// the stack. Called right before TCP_REPAIR is switched off; by an error it stays on, and the
    /// client is not adopted.
    func willActivate(_ tuple: FlowTuple) throws
    /// A listening socket accepted a client. True: its packets are seen to as an adopted client's,
    /// and `didClose` follows in any case.
    func didAccept(_ tuple: FlowTuple) -> Bool
    /// No socket could be made for a client, who has heard of nothing yet. `didClose` follows only if
    /// `willActivate` came before.
    func didFailToAdopt(_ client: AdoptedConnection, _ error: any Error)
    /// A plan was taken up; no endpoint has accepted yet.
    func didOpen(_ connection: RelayedConnection)
    /// An endpoint accepted, or bytes moved; the latter at most about once a second.
    func didUpdate(_ connection: RelayedConnection)
    /// An endpoint did not accept; the next candidate is tried.
    func didFailToConnect(_ connection: RelayedConnection, _ error: SocketError)
    /// The client's descriptor is closed. Told once for each tuple that `willActivate`, `didAccept`
    /// by its answer, or `didOpen` named; with the last counters when it was opened.
    func didClose(_ tuple: FlowTuple, _ connection: RelayedConnection?)
    /// Whether `didEnd` is wanted.
    var wantsEnds: Bool { get }
    /// A client's connection is over, whatever was done with it. Told once for each socket, right
    /// before `didClose`.
    func didEnd(_ end: RelayEnd)
}
