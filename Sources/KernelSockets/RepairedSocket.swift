// SPDX-License-Identifier: Apache-2.0

internal import CKernelSockets
internal import CrashPoints
internal import Glibc
import WireTypes

/// An established kernel socket made from what is known of a connection (`TCP_REPAIR`), silent
/// until `activate`. Needs CAP_NET_ADMIN and, for `activate`, Linux 4.19.
///
/// The order of steps is the kernel's wish (net/ipv4/tcp.c): queue sequence numbers while closed,
/// then bind and connect, which send nothing, then options, which want an established socket.
public struct RepairedSocket: ~Copyable {
    let socket: TCPSocket

    /// What `activate` leaves open for the client until the first read. The kernel answers the
    /// read that opens the window at least twofold with an ACK at once; that is how the received
    /// bytes get acknowledged. Ten full segments, an initial flight, still fit.
    private static let windowBeforeFirstRead: UInt32 = 16384

    /// Builds the socket beside any listening socket of the same address.
    ///
    /// - Throws: `EPERM` without the capability, `EADDRNOTAVAIL` when a socket of this tuple
    ///   exists (TIME_WAIT included), `ENETUNREACH` without a route to the client.
    public init(_ connection: AdoptedConnection) throws(SocketError) {
        let tuple = connection.tuple
        do {
            let socket = try TCPSocket(familyOf: tuple.destination)
            CrashPoint.reach(.socketMade)
            try socket.repair(TCP_REPAIR_ON)
            CrashPoint.reach(.repairOn)
            try socket.allowForeignSource(tuple.destination)
            try socket.setSegmentSize(connection.mss)
            try socket.setSequence(connection.ourNext, queue: TCP_SEND_QUEUE)
            try socket.setSequence(connection.clientNext, queue: TCP_RECV_QUEUE)
            CrashPoint.reach(.queuesSet)
            try socket.bind(to: tuple.destination)
            CrashPoint.reach(.bound)
            try socket.connect(to: tuple.source)
            CrashPoint.reach(.connected)
            try socket.setOptions(connection)
            try socket.setClock(connection.timestamps)
            CrashPoint.reach(.optionsSet)
            try socket.fill(connection.received, queue: TCP_RECV_QUEUE)
            CrashPoint.reach(.queueFilled)
            try socket.setWindow(connection, open: Self.windowBeforeFirstRead)
            CrashPoint.reach(.windowSet)
            self.init(socket)
        } catch {
            throw SocketError("adopt (\(error.operation))", "\(tuple)", code: error.code)
        }
    }

    private init(_ socket: consuming TCPSocket) { self.socket = socket }

    /// Lets the kernel speak for the connection. The caller should read at once: that sends the
    /// acknowledgement of the bytes received before.
    public consuming func activate() throws(SocketError) -> TCPSocket {
        try socket.repair(TCP_REPAIR_OFF_NO_WP)
        CrashPoint.reach(.repairOff)
        // Leaving repair takes the forced reuse away; a listener of the next daemon needs one.
        try socket.descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
        try socket.setNoDelay()
        return socket
    }

}

extension TCPSocket {
    fileprivate func repair(_ mode: Int32) throws(SocketError) {
        try descriptor.set(Int32(IPPROTO_TCP), TCP_REPAIR, mode, "TCP_REPAIR")
    }

    fileprivate func select(_ queue: Int) throws(SocketError) {
        try descriptor.set(
            Int32(IPPROTO_TCP), TCP_REPAIR_QUEUE, Int32(queue), "TCP_REPAIR_QUEUE")
    }

    fileprivate func setSequence(_ number: UInt32, queue: Int) throws(SocketError) {
        try select(queue)
        try descriptor.set(
            Int32(IPPROTO_TCP), TCP_QUEUE_SEQ, Int32(bitPattern: number), "TCP_QUEUE_SEQ")
    }

    /// Before connect, because the repair option of the same name comes too late for the MSS that
    /// connect computes. Values that the kernel refuses (below 88) are left to its own minimum.
    fileprivate func setSegmentSize(_ mss: UInt16) throws(SocketError) {
        let value = min(max(Int32(mss), 88), 32767)
        try descriptor.set(Int32(IPPROTO_TCP), TCP_MAXSEG, value, "TCP_MAXSEG")
    }

    fileprivate func setOptions(_ connection: AdoptedConnection) throws(SocketError) {
        var scales: UInt32 = 0
        if let clientScale = connection.clientScale, let ourScale = connection.ourScale {
            scales = UInt32(min(clientScale, 14)) | UInt32(min(ourScale, 14)) << 16
        }
        // The scale is set even when it is 0: connect has chosen one that nobody promised.
        var options = [
            tcp_repair_opt(
                opt_code: UInt32(TCPOPT_MAXSEG), opt_val: UInt32(max(connection.mss, 88))),
            tcp_repair_opt(opt_code: UInt32(TCPOPT_WINDOW), opt_val: scales),
        ]
        if connection.hasSACK {
            options.append(tcp_repair_opt(opt_code: UInt32(TCPOPT_SACK_PERMITTED), opt_val: 0))
        }
        if connection.timestamps != nil {
            options.append(tcp_repair_opt(opt_code: UInt32(TCPOPT_TIMESTAMP), opt_val: 0))
        }
        let size = socklen_t(options.count * MemoryLayout<tcp_repair_opt>.stride)
        // The kernel copies the array during the call.
        guard
            unsafe setsockopt(
                descriptor.rawValue, Int32(IPPROTO_TCP), TCP_REPAIR_OPTIONS, &options, size)
                == 0
        else { throw .last("TCP_REPAIR_OPTIONS") }
    }

    /// Rounded up to even: since Linux 6.7 the lowest bit asks for a clock of microseconds.
    fileprivate func setClock(_ timestamps: AdoptedConnection.Timestamps?) throws(SocketError) {
        guard let timestamps else { return }
        let value = (timestamps.ourValue &+ 1) & ~1
        try descriptor.set(
            Int32(IPPROTO_TCP), TCP_TIMESTAMP, Int32(bitPattern: value), "TCP_TIMESTAMP")
    }

    /// In pieces, each of which becomes one buffer of the kernel.
    func fill(_ bytes: [UInt8], queue: Int) throws(SocketError) {
        try select(queue)
        var rest = bytes.span
        while !rest.isEmpty {
            let piece = rest.extracting(first: 16384)
            guard case .moved(let count) = try write(piece) else {
                throw SocketError("fill queue", "", code: ENOBUFS)
            }
            rest = rest.extracting(droppingFirst: count)
        }
    }

    fileprivate func setWindow(_ connection: AdoptedConnection, open: UInt32) throws(SocketError) {
        var window = tcp_repair_window(
            snd_wl1: connection.clientNext, snd_wnd: connection.clientWindow,
            max_window: connection.clientWindow, rcv_wnd: open,
            rcv_wup: connection.clientNext &+ UInt32(connection.received.count))
        let size = socklen_t(MemoryLayout<tcp_repair_window>.size)
        // The kernel copies the struct during the call.
        guard
            unsafe setsockopt(
                descriptor.rawValue, Int32(IPPROTO_TCP), TCP_REPAIR_WINDOW, &window, size)
                == 0
        else { throw .last("TCP_REPAIR_WINDOW") }
    }
}
