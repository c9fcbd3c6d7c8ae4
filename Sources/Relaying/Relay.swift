// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import KernelSockets
public import Logging
import Synchronization
public import WireTypes

/// Copies connections that cannot be spliced between their client and their endpoint, in userspace,
/// on one thread of its own.
public final class Relay: Sendable {
    private let channel: RelayChannel
    private let thread: Mutex<KernelThread?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - policy: Decides about clients that come by a listening socket.
    ///   - observer: Is told of connections; keeps the maps.
    ///   - limits: Sizes and time-outs.
    ///   - logger: Gets one debug line a connection.
    public init(
        policy: any RelayPolicy, observer: any RelayObserver, limits: RelayLimits = RelayLimits(),
        logger: Logger
    ) throws(SocketError) {
        let channel = try RelayChannel()
        self.channel = channel
        let thread = try KernelThread(name: "relay") {
            RelayLoop(
                channel: channel, policy: policy, observer: observer, limits: limits,
                logger: logger
            ).run()
        }
        self.thread = Mutex(thread)
    }

    deinit { stop() }

    /// Makes a kernel socket of a client's connection and relays it as planned.
    public func adopt(_ connection: AdoptedConnection, plan: RelayPlan) {
        channel.post(.adopt(connection, .relay(plan)))
    }

    /// Makes a kernel socket of a client's connection whose hello is not complete, and goes on to
    /// classify it as if it had come by a listening socket.
    public func adopt(_ connection: AdoptedConnection, listener: UInt16) {
        channel.post(.adopt(connection, .classify(listener: listener)))
    }

    /// Makes a kernel socket of a client's connection and turns the client away with it.
    public func adoptAndReject(_ connection: AdoptedConnection, _ action: RejectAction) {
        channel.post(.adopt(connection, .reject(action)))
    }

    /// Accepts clients on an ordinary listening socket.
    ///
    /// - Parameters:
    ///   - address: Address and port; port 0 is the kernel's choice.
    ///   - listener: Id that the policy gets.
    ///   - freeBind: Whether the address need not be there yet.
    /// - Returns: The address bound to.
    /// - Throws: When the address is taken or not ours.
    @discardableResult
    public func listen(
        on address: TransportAddress, listener: UInt16, freeBind: Bool = false
    ) throws(SocketError) -> TransportAddress {
        let socket = try ListeningSocket(on: address, freeBind: freeBind)
        let bound = socket.address
        channel.post(.listen(RelayListener(socket: socket, listener: listener)))
        return bound
    }

    /// Closes the listening socket of `address`, as `listen` returned it; its clients stay. The address
    /// is free when this returns. Not for the observer or the policy to call.
    public func stopListening(on address: TransportAddress) {
        let done = DispatchSemaphore(value: 0)
        channel.post(.stopListening(address, done: done))
        // A loop that died keeps nobody waiting for ever.
        _ = done.wait(timeout: .now() + 5)
    }

    /// Has the listening socket of `address` serve another listener from now on.
    public func assign(_ address: TransportAddress, to listener: UInt16) {
        channel.post(.assign(address, listener: listener))
    }

    /// Goes by other limits from now on.
    public func use(_ limits: RelayLimits) { channel.post(.use(limits)) }

    /// Ends all connections that an endpoint of a cluster has accepted, with RST to both sides.
    public func end(connectionsTo endpoint: TransportAddress, of cluster: UInt16) {
        channel.post(.end(endpoint, cluster: cluster))
    }

    /// Closes listening sockets, resets every connection, ends the thread and waits for it. A
    /// second call returns at once.
    public func stop() {
        guard let thread = thread.withLock({ $0.take() }) else { return }
        channel.post(.stop)
        thread.join()
    }
}
