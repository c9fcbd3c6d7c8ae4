// SPDX-License-Identifier: Apache-2.0

public import WireTypes

/// A TCP connection of a client that was begun without a socket and is to get one.
public struct AdoptedConnection: Sendable, Equatable {
    /// RFC 7323 timestamps of a connection that uses them.
    public struct Timestamps: Sendable, Equatable {
        /// The most recent TSval of the client. The kernel learns it from the next segment, so it
        /// is kept for the record only.
        public var peerValue: UInt32
        /// The TSval that we sent last; the kernel's clock goes on from it in milliseconds.
        public var ourValue: UInt32

        /// Both clocks.
        public init(peerValue: UInt32, ourValue: UInt32) {
            self.peerValue = peerValue
            self.ourValue = ourValue
        }
    }

    /// Client → listener address, as the client's packets arrive.
    public var tuple: FlowTuple
    /// Sequence number of the client's first byte: its ISN + 1.
    public var clientNext: UInt32
    /// Sequence number of our first byte: our ISN + 1.
    public var ourNext: UInt32
    /// The contiguous bytes from `clientNext` on. Nobody has acknowledged them yet.
    public var received: [UInt8] = []
    /// The client's MSS.
    public var mss: UInt16 = 536
    /// Window scale of the client; nil: none.
    public var clientScale: UInt8?
    /// Window scale that we promised; used only when the client has one too.
    public var ourScale: UInt8?
    /// Whether both agreed on SACK.
    public var hasSACK = false
    /// The clocks when both agreed on timestamps.
    public var timestamps: Timestamps?
    /// Whom a PROXY header named that came before `clientNext`; nil: none was read.
    public var named: FlowTuple?
    /// The client's window in bytes, scaled already.
    public var clientWindow: UInt32 = 65535

    /// A connection without options.
    public init(tuple: FlowTuple, clientNext: UInt32, ourNext: UInt32) {
        self.tuple = tuple
        self.clientNext = clientNext
        self.ourNext = ourNext
    }
}
