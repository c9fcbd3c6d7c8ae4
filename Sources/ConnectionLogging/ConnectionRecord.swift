// SPDX-License-Identifier: Apache-2.0

public import Datapath
public import TLSClassifier
public import WireTypes

/// A rule as it would be written; shared by the connections that took it.
public final class RuleText: Sendable {
    let text: String

    /// A rule, or `default` or `non_tls`.
    public init(_ text: String) { self.text = text }
}

/// What the daemon knew of a connection before it was given away. Nothing of it stands in the flow
/// table but the name.
public struct ConnectionFacts: Sendable {
    /// CLOCK_MONOTONIC nanoseconds of its SYN, or of its being accepted; 0: not known.
    public var began: UInt64 = 0
    /// The checked SNI.
    public var serverName: ServerName?
    /// The protocols that the client offered.
    public var protocols = ApplicationProtocols()
    /// Whether the hello has `encrypted_client_hello`.
    public var hasECH = false
    /// The rule taken.
    public var rule: RuleText?
    /// From SYN to whole hello, in microseconds.
    public var classifyMicroseconds: UInt32?
    /// From whole hello to an endpoint's answer, all attempts, in microseconds.
    public var handoffMicroseconds: UInt32?
    /// From the SYN to the endpoint that took it to its answer, in microseconds.
    public var connectMicroseconds: UInt32?
    /// Endpoints asked.
    public var attempts: UInt8 = 0
    /// Why the client is turned away, if it is.
    public var rejection: RejectionReason?

    /// Nothing.
    public init() {}

    /// Takes what a hello says.
    public mutating func note(_ hello: ClientHello) {
        serverName = hello.serverName
        // Kept as long as the connection, so the client shall not decide how much it is.
        protocols = hello.applicationProtocols.shortened(to: 512)
        hasECH = hello.hasEncryptedClientHello
    }

    /// The hello is whole, or will never be.
    public mutating func noteClassified(now: UInt64) {
        guard began > 0, classifyMicroseconds == nil else { return }
        classifyMicroseconds = .microseconds(from: began, to: now)
    }
}

extension UInt32 {
    /// Between two times in nanoseconds; at most 71 minutes, at least nothing.
    public static func microseconds(from start: UInt64, to end: UInt64) -> UInt32 {
        end > start ? UInt32(clamping: (end - start) / 1000) : 0
    }
}

/// A connection that is over: one line of the log.
public struct ConnectionRecord: Sendable {
    /// What became of it.
    public enum Mode: Sendable, Equatable {
        /// Handed to the kernel.
        case spliced
        /// Copied by the daemon, for a reason.
        case relayed(RelayReason)
        /// Given to no endpoint.
        case rejected
    }

    /// Client → listener.
    public var client: FlowTuple
    /// Id of the listener in the name table.
    public var listener: UInt16
    /// What became of it.
    public var mode: Mode
    /// How it ended.
    public var end: ConnectionEnd
    /// CLOCK_MONOTONIC nanoseconds of its end.
    public var ended: UInt64
    /// What the daemon knew before.
    public var facts = ConnectionFacts()
    /// Id of the cluster in the name table; nil: it went to none.
    public var cluster: UInt16?
    /// Balancer → endpoint; nil: no endpoint took it.
    public var upstream: FlowTuple?
    /// Id of the SNI, for one of which the daemon knows no facts.
    public var serverNameID: UInt32 = 0
    /// What went from client to endpoint; nil: not known.
    public var sent: FlowTotals?
    /// What went from endpoint to client; nil: not known.
    public var received: FlowTotals?

    /// A connection that is over.
    public init(
        client: FlowTuple, listener: UInt16, mode: Mode, end: ConnectionEnd, ended: UInt64
    ) {
        self.client = client
        self.listener = listener
        self.mode = mode
        self.end = end
        self.ended = ended
    }
}
