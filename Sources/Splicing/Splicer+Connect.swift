// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import CrashPoints
internal import Datapath
internal import HealthChecking
internal import KernelSockets
internal import WireTypes

extension Splicer where Kernel: ~Copyable {
    static var repeatInterval: UInt64 { 150_000_000 }
    private static var challengesLimit: Int { 4 }
    /// Attempts beyond one an endpoint, when some were ended by silence.
    private static var extraAttempts: Int { 3 }
    /// Endpoints looked at for one towards which the client's port is free.
    private static var heldLimit: Int { 8 }
    /// How often splices are ended early for one port.
    private static var earlyEnds: Int { 8 }

    /// Tries the next endpoint of the client's cluster; none left: the client is reset.
    mutating func connect(_ client: PendingClient, now: UInt64) {
        guard let endpoint = nextTurn(client, now: now) ?? otherTurn(client, now: now),
            let cluster = cluster(of: client)
        else { return }
        ask(client, endpoint: endpoint, cluster, now: now)
    }

    private mutating func ask(
        _ client: PendingClient, endpoint: Int, _ cluster: ClusterState, now: UInt64
    ) {
        CrashPoint.reach(.endpointPicked)
        client.attempts += 1
        client.tried.insert(endpoint)
        client.challenges = 0
        client.endpoint = endpoint
        client.target = cluster.targets[endpoint]
        attempt(client, endpoint: endpoint, cluster, now: now)
    }

    /// After all endpoints failed the client is reset; that of a cluster of which none serves goes
    /// where it says. nil: the client was turned away.
    private mutating func otherTurn(_ client: PendingClient, now: UInt64) -> Int? {
        var policy = RejectPolicy.reset
        if client.attempts == 0, let place = client.cluster {
            switch routes.destination(of: place) {
            case .reject(let how): policy = client.speaksTLS ? how : how.withoutTLS
            case .cluster(let index):
                client.cluster = index
                client.isRerouted = true
                client.tried = TriedEndpoints()
                if let endpoint = pick(client, now: now) { return endpoint }
            }
        }
        if let place = client.cluster, routes.clusters[place].picker.isFull(besides: client.tried) {
            refuse(client, .endpoints, now: now)
        } else {
            handOver(client, .reject(policy), now: now)
        }
        return nil
    }

    /// The next endpoint not tried yet. A SYN may simply have been lost: while the client waits,
    /// a cluster that kept silent is asked again.
    private mutating func nextTurn(_ client: PendingClient, now: UInt64) -> Int? {
        if let endpoint = pick(client, now: now) { return endpoint }
        let count = cluster(of: client)?.targets.count ?? 0
        guard client.sawTimeout, client.attempts < count + Self.extraAttempts else { return nil }
        client.tried = TriedEndpoints()
        return pick(client, now: now)
    }

    private mutating func pick(_ client: PendingClient, now: UInt64) -> Int? {
        guard let place = client.cluster else { return nil }
        let key = ClientKey(source: client.origin.source, serverName: client.serverName)
        return routes.clusters[place].picker.pick(for: key, excluding: client.tried, now: now)
    }

    private func cluster(of client: PendingClient) -> ClusterState? {
        client.cluster.map { routes.clusters[$0] }
    }

    private mutating func attempt(
        _ client: PendingClient, endpoint: Int, _ cluster: ClusterState, now: UInt64
    ) {
        let target = routes.targets[client.target]
        let header = cluster.proxyHeader(
            of: client.origin, named: client.serverName, hello: client.hello.span,
            identity: ConnectionIdentity(
                of: client.client, created: now, key: settings.sequenceKey),
            length: client.prefaceLength)
        if let reason = obstacle(client, target) ?? obstacle(client, header) {
            return relay(client, reason, now: now)
        }
        let seat = Seat(
            listener: client.note.listener, cluster: client.cluster, endpoint: endpoint,
            source: client.client.source.address)
        var places: TakenPlaces?
        switch routes.limits?.take(seat) {
        case .full(let full): return turnAway(client, full, now: now)
        case .taken(let taken): places = taken
        case nil: break
        }
        guard
            admission.admit() || takeBackPlace() && admission.admit()
                || endEarly(now: now) && admission.admit()
        else {
            places?.giveBack()
            return relay(client, .tableFull, now: now)
        }
        guard let source = takeSource(client, cluster, places, now: now) else {
            admission.release()
            places?.giveBack()
            return askAnother(client, cluster, now: now)
        }
        routes.loads[client.target].open()
        CrashPoint.reach(.portTaken)
        let upstream = FlowTuple(source: source, destination: target.address)
        if client.splice == nil { reading -= 1 }
        var splice = Splice(
            client: client.client, upstream: upstream, note: client.note,
            isn: sequence.number(for: upstream, now: now))
        splice.clientTimestamp = client.timestamp
        splice.clientWindow = client.window
        splice.worker = UInt16(settings.worker)
        splice.cluster = cluster.id
        splice.endpoint = UInt16(endpoint)
        splice.serverName = names.id(of: client.serverName)
        splice.createdNanoseconds = now
        splice.ownedLength = UInt16(header.count)
        splice.prefaceLength = UInt32(client.prefaceLength)
        let isAsSent = header.isEmpty && client.prefaceLength == 0
        let hello = isAsSent ? client.assembly.bytes : header + client.hello
        splice.template = kernel.store(hello: hello.span, segmentSize: segmentSize(client))
        CrashPoint.reach(.templateWritten)
        client.splice = splice
        client.isOpened = false
        client.isClassified = false
        keepRest(client, of: splice)
        client.deadline = now + cluster.connectTimeout.nanoseconds
        kernel.program(splice)
        sendSYN(client, splice, now: now)
        round.append(client.client)
        client.round = roundNumber
        learn(client, cluster, now: now)
    }

    /// Our end towards the endpoint: a port of ours or, in a transparent cluster, the client's own.
    /// nil: there is none.
    private mutating func takeSource(
        _ client: PendingClient, _ cluster: ClusterState, _ places: TakenPlaces?, now: UInt64
    ) -> TransportAddress? {
        guard cluster.isTransparent else {
            guard let port = takePort(towards: client.target, now: now) else { return nil }
            if let places { seats[SeatKey(port, client.target)] = places }
            return port
        }
        let source = client.client.source
        let endpoint = routes.targets[client.target].address
        // A host takes nothing from itself by wire.
        if source.address == endpoint.address { return nil }
        let upstream = FlowTuple(source: source, destination: endpoint)
        switch routes.transparent.take(
            upstream, for: client.client, createdNanoseconds: now, places)
        {
        case .held: return nil
        case .replaced(let places):
            logReplaced(upstream, client.target)
            places?.giveBack()
            didFree(client.target)
            counters.increment(.ended)
        case .taken: break
        }
        return source
    }

    private mutating func takePort(towards target: Int, now: UInt64) -> TransportAddress? {
        if let port = pools[target].take() ?? takeLaidPort(towards: target) { return port }
        // Those of all endpoints, longest first: of many that close, some are of this one.
        for _ in 0..<Self.earlyEnds where endEarly(now: now) {
            if let port = pools[target].take() { return port }
        }
        return nil
    }

    /// There is no source towards the endpoint. The client's own may be free towards another one.
    private mutating func askAnother(
        _ client: PendingClient, _ cluster: ClusterState, now: UInt64
    ) {
        guard cluster.isTransparent, client.attempts < Self.heldLimit,
            let endpoint = pick(client, now: now)
        else { return relay(client, .noPort, now: now) }
        ask(client, endpoint: endpoint, cluster, now: now)
    }

    /// What fits into the segments of both sides.
    func segmentSize(_ client: PendingClient) -> Int {
        min(segmentSize(to: client.target), max(536 - 12, Int(client.note.mss) - 12))
    }

    /// What fits into the endpoint's.
    func segmentSize(to target: Int) -> Int {
        let learned = Int(routes.lessons.segment(of: target))
        return max(536 - 12, min(settings.segmentSize, learned - 12))
    }

    private func obstacle(_ client: PendingClient, _ target: Target) -> RelayReason? {
        if !settings.isSplicing { return .splicingOff }
        if target.address.address.isIPv4 != client.client.source.address.isIPv4 {
            return .addressFamily
        }
        // Promised before the endpoint's refusal was learned.
        if client.note.hasTimestamps, routes.lessons.refusesTimestamps(client.target) {
            return .optionsRefused
        }
        return target.obstacle
    }

    /// Why a header to the endpoint cannot stand in for what the client sent. Nobody but the client
    /// is a clock for its repetition, which ends when the client's own bytes are acknowledged: so
    /// there must be some, not more than of the header, and all in one segment, as it is repeated.
    private func obstacle(_ client: PendingClient, _ header: [UInt8]) -> RelayReason? {
        if header.isEmpty { return nil }
        if client.isSilent { return .serverFirst }
        let isTooLong = client.prefaceLength > 0 && header.count > segmentSize(client)
        return header.count < client.prefaceLength || isTooLong ? .proxyHeader : nil
    }

    private mutating func sendSYN(_ client: PendingClient, _ splice: Splice, now: UInt64) {
        var syn = Segment(tuple: splice.upstream, sequence: splice.isn, flags: .syn)
        syn.window = max(client.window, 1024)
        syn.mss = client.note.mss
        syn.permitsSACK = client.note.hasSACK
        if client.note.hasWindowScale { syn.windowScale = client.note.clientScale }
        if client.note.hasTimestamps { syn.timestamp = splice.synTimestamp }
        client.lastSYN = now
        kernel.send(syn)
    }

    /// The client repeats its hello: so do we our SYN.
    mutating func repeatSYN(_ client: PendingClient, now: UInt64) {
        // What the datapath opened may be younger than the worker's clock.
        guard let splice = client.splice, now > client.lastSYN + Self.repeatInterval else { return }
        sendSYN(client, splice, now: now)
    }

    /// Removes what the attempt under way left in the kernel.
    mutating func endAttempt(_ client: PendingClient, now: UInt64) {
        guard let splice = client.splice else { return }
        client.splice = nil
        reading += 1
        // Written only now, flows that are removed first would come back.
        if client.round == roundNumber { write(now: now) }
        kernel.remove(
            client: splice.client, upstream: splice.upstream,
            createdNanoseconds: splice.createdNanoseconds)
        giveBack(splice.upstream, splice.createdNanoseconds, client.target)
    }

    /// Relays the client to its cluster.
    mutating func relay(_ client: PendingClient, _ reason: RelayReason, now: UInt64) {
        guard let cluster = cluster(of: client) else {
            return handOver(client, .reject(.reset), now: now)
        }
        let target = client.endpoint == nil ? nil : client.target
        handOver(
            client, .relay(cluster: cluster.id, target: target, reason, client.serverName),
            now: now)
    }

    /// The endpoint refused, or took too long.
    mutating func nextEndpoint(_ client: PendingClient, _ failure: ConnectFailure, now: UInt64) {
        counters.increment(.failedAttempts)
        noteFailure(client, failure, now: now)
        endAttempt(client, now: now)
        CrashPoint.reach(.attemptRemoved)
        connect(client, now: now)
    }

    /// What it says of the endpoint. One that sees its clients may have something against this one.
    private func noteFailure(_ client: PendingClient, _ failure: ConnectFailure, now: UInt64) {
        let source = client.client.source
        if client.splice?.upstream.source == source,
            !routes.refused.isFirst(source.address, at: client.target)
        {
            return
        }
        routes.signals.connectFailed(client.target, failure)
        if let patience = cluster(of: client)?.connectTimeout {
            let time = patience.nanoseconds
            routes.loads[client.target].observe(connectTime: time, now: now)
        }
    }

    /// The endpoint remembers the tuple: the same one, from another port. That of a transparent cluster
    /// is asked from the same one, behind what ends the endpoint's memory.
    mutating func nextPort(_ client: PendingClient, _ event: FlowRecord, now: UInt64) {
        guard let splice = client.splice, let endpoint = client.endpoint,
            let cluster = cluster(of: client), client.challenges < Self.challengesLimit
        else {
            return nextEndpoint(client, .failed("it takes none of several ports"), now: now)
        }
        counters.increment(.failedAttempts)
        client.challenges += 1
        endAttempt(client, now: now)
        // Ends what the endpoint remembers (RFC 9293 §3.10.7.3: RST with its acknowledgement).
        kernel.send(
            Segment(
                tuple: splice.upstream, sequence: event.acknowledgement, flags: .reset))
        attempt(client, endpoint: endpoint, cluster, now: now)
    }
}
