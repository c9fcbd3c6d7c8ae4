// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import CDatapathABI
internal import Foundation
public import KernelBPF
public import WireTypes

/// What the datapath promises clients of a listener's address.
public struct ListenerPromise: Sendable, Equatable {
    /// Id of the listener in the name table.
    public var listener: UInt16
    /// MSS in the SYN-ACK.
    public var mss: UInt16
    /// Our window scale.
    public var windowScale: UInt8
    /// Window in the SYN-ACK, unscaled.
    public var window: UInt16
    /// Whether timestamps are promised to clients that offer them; not where endpoints refuse them.
    public var promisesTimestamps = true
    /// What is asked of a client's source.
    public var sources = SourceNumbers()
    /// Whether the datapath picks endpoints itself, by a ``PlainTable``.
    public var isPlain = false
    /// Whether workers hear of clients that completed the handshake, before their first byte.
    public var tellsAcknowledgements = false

    /// Scale 7 is what Linux endpoints mostly say, so that windows need no rescaling.
    public init(listener: UInt16, mss: UInt16, windowScale: UInt8 = 7, window: UInt16 = 64240) {
        self.listener = listener
        self.mss = mss
        self.windowScale = windowScale
        self.window = window
    }
}

/// Kinds of names.
public enum NameKind: UInt32, Sendable {
    /// A listener's.
    case listener = 1
    /// A cluster's.
    case cluster = 2
}

extension KernelDatapath {
    /// Answers SYNs to `address` from now on; another entry of the same address is replaced.
    public func listen(on address: TransportAddress, _ promise: ListenerPromise) throws(BPFError) {
        var entry = listener_entry()
        entry.listener = promise.listener
        entry.mss = promise.mss
        entry.window_scale = promise.windowScale
        entry.window = promise.window
        entry.process_list = promise.sources.processList
        entry.own_list = promise.sources.ownList
        entry.process_limit = promise.sources.processLimit
        entry.own_limit = promise.sources.ownLimit
        var flags: UInt32 = 0
        if !promise.promisesTimestamps { flags |= LISTENER_FLAG_NO_TIMESTAMPS.rawValue }
        if promise.tellsAcknowledgements { flags |= LISTENER_FLAG_TELLS_ACK.rawValue }
        if promise.isPlain { flags |= LISTENER_FLAG_PLAIN.rawValue }
        entry.flags = UInt8(flags)
        try listeners.set(Self.key(address), to: entry)
    }

    /// Leaves SYNs to `address` to the stack from now on.
    public func stopListening(on address: TransportAddress) {
        listeners.remove(Self.key(address))
    }

    /// Leaves SYNs to all other addresses to the stack.
    public func stopListening(besides addresses: some Sequence<TransportAddress>) {
        let kept = Set(addresses)
        stopListening { _, address in !kept.contains(address) }
    }

    /// Leaves SYNs to all addresses to the stack.
    package func stopListening() { stopListening { _, _ in true } }

    private func stopListening(_ isOver: (_ flags: UInt32, TransportAddress) -> Bool) {
        for key in listeners.keys() {
            let flags = UInt32(listeners.value(of: key)?.flags ?? 0)
            let address = TransportAddress(IPAddress(key.addr), UInt16(bigEndian: key.port))
            if isOver(flags, address) { listeners.remove(key) }
        }
    }

    /// Is told from now on of packets of these endpoints to ports of ours that are of no flow. A
    /// system call for a thousand of them.
    public func expect(_ addresses: [TransportAddress]) throws(BPFError) {
        var rest = addresses[...]
        while !rest.isEmpty {
            let keys = rest.prefix(1024).map(Self.key)
            let values = keys.map { _ in UInt32(1) }
            try endpoints.set(keys.span, to: values.span)
            rest = rest.dropFirst(1024)
        }
    }

    private static func key(_ address: TransportAddress) -> listener_key {
        listener_key(addr: address.address.abi, port: address.port.bigEndian, pad: 0)
    }

    /// Forgets what only a running daemon serves: listeners but plain ones, relayed connections,
    /// handshakes.
    public func clearDaemonState() {
        stopListening { flags, _ in flags & LISTENER_FLAG_PLAIN.rawValue == 0 }
        for key in adopted.keys() { adopted.remove(key) }
        for key in relayed.keys() { relayed.remove(key) }
        for key in handshakes.keys() { handshakes.remove(key) }
    }

    /// Lets the packets of an adopted client pass to the stack. Where there is no room, clients make it
    /// whose socket is closed, those first for whom it has been so for long.
    ///
    /// - Throws: When as many clients have a socket as there is room for.
    public func adopt(_ client: FlowTuple, now: UInt64) throws(BPFError) {
        let entry = adopted_entry(closed_ns: 0)
        do {
            try adopted.set(client.abi, to: entry)
        } catch {
            guard error.errno == E2BIG, makeRoomForAdopted(now: now) else { throw error }
            try adopted.set(client.abi, to: entry)
        }
    }

    /// Forgets those that have been closed for a minute, or for less where that makes little room.
    /// False: none is closed, as a walk through the map found that is no older than 100 ms.
    private func makeRoomForAdopted(now: UInt64) -> Bool {
        guard adoptedAreOpenUntil.withLock({ $0 <= now }) else { return false }
        let closed = closedAdopted()
        for age in [60_000_000_000, 5_000_000_000, 0] as [UInt64] {
            let over = closed.filter { $0.time + age <= now }.map(\.key)
            if over.count < (age == 0 ? 1 : adopted.capacity / 8) { continue }
            adopted.remove(over.span)
            return true
        }
        adoptedAreOpenUntil.withLock { $0 = now + 100_000_000 }
        return false
    }

    /// The socket of a client is closed, an adopted one perhaps: of that a SYN begins anew, and other
    /// packets pass still.
    public func closeAdopted(_ client: FlowTuple, now: UInt64) {
        adopted.replace(client.abi, with: adopted_entry(closed_ns: now))
    }

    /// Forgets adopted clients whose socket was closed before `limit`, CLOCK_MONOTONIC nanoseconds:
    /// when its kernel socket is gone, TIME_WAIT included.
    public func forgetAdopted(closedBefore limit: UInt64) {
        let over = closedAdopted().filter { $0.time < limit }.map(\.key)
        adopted.remove(over.span)
    }

    /// Adopted clients whose socket is closed, and since when.
    private func closedAdopted() -> [(key: flow_tuple, time: UInt64)] {
        var closed: [(key: flow_tuple, time: UInt64)] = []
        try? adopted.forEachBatch { keys, entries in
            for index in 0..<keys.count where entries[index].closed_ns != 0 {
                closed.append((keys[index], entries[index].closed_ns))
            }
        }
        return closed
    }

    /// Ids of the server names that relayed connections carry.
    public func relayedServerNames() -> Set<UInt32> {
        var ids: Set<UInt32> = []
        try? relayed.forEachBatch { _, entries in
            for index in 0..<entries.count { ids.insert(entries[index].server_name) }
        }
        return ids
    }

    /// The names that flows may carry the ids of.
    public func storedNames(_ kind: NameKind) -> [String: UInt16] {
        var ids: [String: UInt16] = [:]
        for key in names.keys() where key >> 16 == kind.rawValue {
            guard let entry = names.value(of: key) else { continue }
            ids[text(of: entry.text)] = UInt16(truncatingIfNeeded: key)
        }
        return ids
    }

    /// Writes a name under `id`.
    public func setName(_ name: String, id: UInt16, _ kind: NameKind) throws(BPFError) {
        var entry = name_entry()
        withText(name, in: &entry.text)
        try names.set(kind.rawValue << 16 | UInt32(id), to: entry)
    }

    /// Writes a server name under `id`.
    public func setServerName(_ name: ServerName, id: UInt32) throws(BPFError) {
        var entry = server_name_entry()
        withText(name.text, in: &entry.text)
        try serverNames.set(id, to: entry)
    }

    /// The server name with `id`.
    public func serverName(_ id: UInt32) -> String? {
        serverNames.value(of: id).map { text(of: $0.text) }
    }

    /// Removes a server name.
    public func removeServerName(_ id: UInt32) { serverNames.remove(id) }

    /// All server names with their ids.
    public func storedServerNames() -> [(id: UInt32, name: ServerName)] {
        serverNames.keys().compactMap { id in
            serverNames.value(of: id).flatMap { ServerName(text(of: $0.text)) }.map { (id, $0) }
        }
    }

    /// The key of our initial sequence numbers: made once, kept as long as the pins.
    public func initialSequenceSecret() throws(BPFError) -> (UInt64, UInt64) {
        var state = instanceState.value(of: 0) ?? instance_state()
        if state.secret.0 == 0, state.secret.1 == 0 {
            state.secret.0 = UInt64.random(in: 1 ... .max)
            state.secret.1 = UInt64.random(in: 1 ... .max)
        }
        state.workers = UInt32(options.workers)
        try instanceState.set(0, to: state)
        return (state.secret.0, state.secret.1)
    }

    /// Says that the daemon lives until `nanoseconds` of CLOCK_MONOTONIC (clsact only).
    public func heartbeat(until nanoseconds: UInt64) {
        changeState { $0.alive_until_ns = nanoseconds }
    }

    func changeState(_ body: (inout instance_state) -> Void) {
        instanceStateLock.withLock { _ in
            guard var state = instanceState.value(of: 0) else { return }
            body(&state)
            try? instanceState.set(0, to: state)
        }
    }

    /// Says whether the last reload was refused.
    public func noteReload(isRefused: Bool) {
        changeState { $0.reload_refused = isRefused ? 1 : 0 }
    }

    /// Lets FIB look-ups begin at the loopback, as for packets of the host itself, so that
    /// ip_forward need not be set. False when the kernel's knob cannot be written.
    public static func allowRouteLookups() -> Bool {
        ["ipv4", "ipv6"].allSatisfy { family in
            let path = "/proc/sys/net/\(family)/conf/lo/forwarding"
            guard BPFFilesystem.exists(path) else { return true }
            return (try? "1".write(toFile: path, atomically: false, encoding: .ascii)) != nil
        }
    }
}
