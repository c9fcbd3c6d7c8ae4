// SPDX-License-Identifier: Apache-2.0

internal import CrashPoints
public import Datapath
internal import KernelBPF
public import KernelSockets
public import WireTypes

/// The kernel as the splicer sees it: small enough that tests run on a dictionary.
public protocol SplicingKernel: ~Copyable {
    /// Stores a hello where the datapath can send it from.
    mutating func store(hello: Span<UInt8>, segmentSize: Int) -> TemplateReference
    /// The first bytes of a hello that was stored; nil when others have taken its place.
    func stored(_ reference: TemplateReference, count: Int) -> [UInt8]?
    /// Writes both flows of a splice; may be deferred until `flush`.
    mutating func program(_ splice: Splice)
    /// From now on the datapath takes clients of that name to an endpoint by itself.
    mutating func learn(_ name: ServerName, listener: UInt16, isIPv4: Bool, _ route: KnownRoute)
    /// From now on it takes nobody anywhere.
    mutating func forgetNames()
    /// Whether somebody else saw to that.
    var hidesNames: Bool { get }
    /// Makes a slot, to which no name has led for a while, an endpoint's.
    mutating func use(slot: Int, for endpoint: TransportAddress, from source: IPAddress)
    /// Ports that the datapath may still take towards it.
    func portsLeft(slot: Int) -> Int
    /// Lets it take one more.
    mutating func lay(_ port: UInt16, slot: Int)
    /// Takes back one that it has not taken; nil: there is none.
    mutating func takeLaidPort(slot: Int) -> UInt16?
    /// Sends a segment; deferred until the splices before it are written.
    mutating func send(_ segment: Segment)
    /// Sends a segment at once.
    mutating func sendNow(_ segment: Segment)
    /// Writes and sends what was deferred. False: the flow table refused, nothing was sent.
    mutating func flush() -> Bool
    /// Removes both flows, unless the client's tuple serves another connection by now.
    mutating func remove(client: FlowTuple, upstream: FlowTuple, createdNanoseconds: UInt64)
    /// Removes both flows of each splice, unless it lives again or its tuple serves another
    /// connection. Leaves those whose port is free.
    mutating func end(_ splices: inout [LingeredSplice])
    /// The row of client → endpoint.
    func upstreamRow(of client: FlowTuple) -> SpliceRow?
    /// The row of endpoint → client.
    func downstreamRow(of upstream: FlowTuple) -> SpliceRow?
}

/// The real one: one system call for all splices of a round, one for each segment.
public struct LiveSplicingKernel: ~Copyable, SplicingKernel {
    private let datapath: KernelDatapath
    private let raw: RawSocket
    private var templates: TemplateRing
    private var ends: SpliceEnds
    private var known: KnownNames
    private var batch = SpliceBatch()
    private var segments: [Segment] = []
    private var packet: [UInt8] = []
    /// Told when a write or a send fails.
    private let failed: @Sendable (String) -> Void

    /// The kernel for one worker.
    public init(
        _ datapath: KernelDatapath, worker: Int, seed: UInt32,
        failed: @escaping @Sendable (String) -> Void
    ) throws(SocketError) {
        self.datapath = datapath
        self.failed = failed
        templates = TemplateRing(datapath, worker: worker, seed: seed)
        ends = SpliceEnds(datapath, worker: worker)
        known = KnownNames(datapath, worker: worker)
        raw = try RawSocket(priority: KernelDatapath.socketPriority)
    }

    deinit {
        var known = known
        known.forget()
    }

    /// Stores a hello in this worker's part of the templates.
    public mutating func store(hello: Span<UInt8>, segmentSize: Int) -> TemplateReference {
        templates.store(hello, segmentSize: segmentSize)
    }

    /// Reads what this or another worker stored.
    public func stored(_ reference: TemplateReference, count: Int) -> [UInt8]? {
        templates.read(reference, count: count)
    }

    /// Adds to the batch.
    public mutating func program(_ splice: Splice) { batch.append(splice) }

    /// One system call. Not learned, its clients come to the worker.
    public mutating func learn(
        _ name: ServerName, listener: UInt16, isIPv4: Bool, _ route: KnownRoute
    ) {
        do {
            try known.learn(name, listener: listener, isIPv4: isIPv4, route)
        } catch {
            failed("\(error)")
        }
    }

    /// No system call.
    public mutating func forgetNames() { known.forget() }

    /// No system call.
    public var hidesNames: Bool { known.isHidden }

    /// No system call.
    public mutating func use(slot: Int, for endpoint: TransportAddress, from source: IPAddress) {
        known.use(slot, for: endpoint, from: source)
    }

    /// No system call.
    public func portsLeft(slot: Int) -> Int { known.portsLeft(slot) }

    /// No system call.
    public mutating func lay(_ port: UInt16, slot: Int) { known.lay(port, slot: slot) }

    /// No system call.
    public mutating func takeLaidPort(slot: Int) -> UInt16? { known.takePort(slot) }

    /// Adds to the queue.
    public mutating func send(_ segment: Segment) { segments.append(segment) }

    /// Writes the batch, then sends the queue.
    public mutating func flush() -> Bool {
        defer { segments.removeAll(keepingCapacity: true) }
        if !batch.isEmpty {
            do {
                try datapath.write(&batch)
            } catch {
                failed("\(error)")
                return false
            }
        }
        for segment in segments {
            sendNow(segment)
            if segment.flags == .syn { CrashPoint.reach(.synSent) }
        }
        return true
    }

    /// One system call.
    public mutating func sendNow(_ segment: Segment) {
        segment.write(into: &packet)
        do {
            try raw.send(packet.span, to: segment.tuple.destination.address)
            if segment.flags == .syn { CrashPoint.reach(.synSent) }
        } catch {
            // The client's repetition makes us try again.
            failed("\(error)")
        }
    }

    /// Removes at once.
    public mutating func remove(
        client: FlowTuple, upstream: FlowTuple, createdNanoseconds: UInt64
    ) {
        datapath.remove(client: client, upstream: upstream, createdNanoseconds: createdNanoseconds)
    }

    /// One system call for all of them.
    public mutating func end(_ splices: inout [LingeredSplice]) {
        do {
            try ends.remove(&splices)
        } catch {
            // The sweeper finds them.
            splices.removeAll(keepingCapacity: true)
            failed("\(error)")
        }
    }

    /// One system call.
    public func upstreamRow(of client: FlowTuple) -> SpliceRow? {
        datapath.upstreamRow(of: client)
    }

    /// One system call.
    public func downstreamRow(of upstream: FlowTuple) -> SpliceRow? {
        datapath.downstreamRow(of: upstream)
    }
}
