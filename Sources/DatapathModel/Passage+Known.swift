// SPDX-License-Identifier: Apache-2.0

/// Longer names go by the daemon.
private let longestName = 56
/// So do hellos that are larger than a segment of a template.
private let largestHello = 2016
/// And names behind more extensions than any client sends.
private let mostExtensions = 40
/// Our SYN's window is no smaller.
private let leastWindow: UInt16 = 1024

/// What has been read of a message, from its front (RFC 8446 §3).
private struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// So many bytes; nil: there are not.
    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// A number of so many bytes.
    mutating func number(_ width: Int) -> Int? {
        take(width).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    /// What has its length in front, a number of so many bytes.
    mutating func vector(_ width: Int) -> ArraySlice<UInt8>? {
        number(width).flatMap { take($0) }
    }

    /// The same if nothing follows it.
    mutating func lastVector(_ width: Int) -> Reader? {
        guard let content = vector(width), isAtEnd else { return nil }
        return Reader(content)
    }
}

/// The name that a ClientHello asks for, if it is whole and one record is it and nothing else (RFC
/// 8446 §4.1.2, §5.1). The name's extension is the first of its kind (RFC 6066 §3: one host name);
/// what values mean and what follows is for the endpoint to judge.
private func serverName(of hello: [UInt8]) -> [UInt8]? {
    var record = Reader(hello[...])
    guard record.number(1) == 22, record.number(1) == 3, record.take(1) != nil,
        var message = record.lastVector(2), message.number(1) == 1,
        var body = message.lastVector(3)
    else { return nil }
    // Version and random, session id, cipher suites, compression methods.
    guard body.take(34) != nil, body.vector(1) != nil, body.vector(2) != nil,
        body.vector(1) != nil, var extensions = body.lastVector(2)
    else { return nil }
    for _ in 0..<mostExtensions {
        guard let kind = extensions.number(2), let content = extensions.vector(2) else {
            return nil
        }
        if kind == 0 { return hostName(in: content) }
    }
    return nil
}

private func hostName(in content: ArraySlice<UInt8>) -> [UInt8]? {
    var content = Reader(content)
    guard var list = content.lastVector(2), list.number(1) == 0, let name = list.vector(2),
        list.isAtEnd, !name.isEmpty
    else { return nil }
    return Array(name)
}

extension Passage {
    /// The client's first segment is a hello of a name whose endpoint is known: our SYN to that goes
    /// out instead, and the daemon hears of it. nil: the daemon is to look at it.
    mutating func openKnown(_ segment: Segment, _ note: Note) -> Verdict? {
        let hello = Array(bytes[segment.tcp + segment.header..<segment.end])
        guard isUsual(segment), let route = route(of: hello, segment, note), isIntact(segment),
            !world.names.targets[route.target].ports.isEmpty,
            world.route(world.names.targets[route.target].address) != nil
        else { return nil }
        let port = world.names.targets[route.target].ports.removeFirst()
        let way = world.names.targets[route.target].way(from: port)
        let isFree = world.row(of: segment.tuple) == nil && world.row(of: way.reversed) == nil
        let isn = isFree ? way.initialSequence(world.sequenceKey, now: world.clock) : 0
        tellOpened(segment, note, route, way, isn, isFree: isFree)
        guard isFree else { return nil }
        writeRows(segment, note, route, way, isn, hello)
        return sendSYN(segment, note, way, isn)
    }

    /// One that begins and ends nothing, behind an IP header without options.
    private func isUsual(_ segment: Segment) -> Bool {
        segment.flags & (Flag.fin | Flag.syn | Flag.urg) == 0
            && segment.tcp - ip == (segment.isIPv6 ? 40 : 20)
    }

    private func route(of hello: [UInt8], _ segment: Segment, _ note: Note) -> NameRoute? {
        guard hello.count <= largestHello, let name = serverName(of: hello),
            name.count <= longestName,
            let route = world.names.routes[
                RoutedName(listener: note.listener, isIPv6: segment.isIPv6, text: name)],
            hello.count <= 2 * route.segmentSize
        else { return nil }
        return route
    }

    /// TSval of our SYN: milliseconds.
    private var synTimestamp: UInt32 { UInt32(truncatingIfNeeded: world.clock / 1_000_000) }

    private mutating func tellOpened(
        _ segment: Segment, _ note: Note, _ route: NameRoute, _ way: Tuple, _ isn: UInt32,
        isFree: Bool
    ) {
        let timestamp = offer(of: segment).timestamp ?? (value: 0, echo: 0)
        records.append(
            .opened(
                Record.Opened(
                    client: segment.tuple, upstream: way, created: isFree ? world.clock : 0,
                    isn: isn, clientISN: note.clientISN, cookie: note.cookie,
                    timestamp: timestamp.value, timestampEcho: timestamp.echo,
                    window: segment.window, length: UInt32(segment.payload),
                    cluster: route.cluster, endpoint: route.endpoint)))
    }

    /// Both directions know how far the client's numbers are from ours; the endpoint's come with its
    /// SYN-ACK.
    private mutating func writeRows(
        _ segment: Segment, _ note: Note, _ route: NameRoute, _ way: Tuple, _ isn: UInt32,
        _ hello: [UInt8]
    ) {
        let timestamp = offer(of: segment).timestamp?.value ?? 0
        var up = Row(rewrite: way, state: .connecting)
        up.flags = promised(note)
        up.created = world.clock
        up.origin = Row.Origin(
            listener: note.listener, cluster: route.cluster, endpoint: route.endpoint,
            serverName: route.serverName)
        up.handover = handover(segment, note)
        var down = up
        down.rewrite = segment.tuple.reversed
        down.ownISN = isn
        up.flags.insert(.upstream)
        up.firstSequence = note.clientISN &+ 1
        up.ownISN = note.cookie
        up.echoDelta = 0 &- note.timestamp
        up.ingressInterface = note.interface
        up.sequenceDelta = isn &- note.clientISN
        up.timestampDelta = synTimestamp &- timestamp
        down.acknowledgementDelta = 0 &- up.sequenceDelta
        down.echoDelta = 0 &- up.timestampDelta
        let (first, second) = (
            hello.prefix(route.segmentSize), hello.dropFirst(route.segmentSize)
        )
        down.handover.segments = [Array(first), Array(second)].filter { !$0.isEmpty }
        down.handover.segmentCount = down.handover.segments.count
        world.rows.append((way.reversed, down))
        world.rows.append((segment.tuple, up))
    }

    private func promised(_ note: Note) -> RowFlags {
        var flags: RowFlags = []
        if note.flags & Note.timestamps != 0 { flags.insert(.timestamps) }
        if note.flags & Note.sack != 0 { flags.insert(.sack) }
        if note.flags & Note.windowScale != 0 { flags.insert(.windowScale) }
        return flags
    }

    private func handover(_ segment: Segment, _ note: Note) -> Handover {
        var known = Handover()
        known.clientScale = note.scale
        known.ourScale = note.ourScale
        known.clientWindow = segment.window
        known.helloLength = UInt16(segment.payload)
        return known
    }

    /// The endpoint is offered what the client offered and was promised (RFC 9293 §3.5).
    private mutating func sendSYN(
        _ segment: Segment, _ note: Note, _ way: Tuple, _ isn: UInt32
    ) -> Verdict {
        let header = AnswerHeader(
            sequence: isn, acknowledgement: 0, flags: Flag.syn,
            window: max(leastWindow, segment.window),
            options: synOptions(
                note.flags, mss: note.mss, scale: note.scale, timestampWords(synTimestamp, 0)))
        answer(segment, as: way, header)
        counters.append(.helloRouted)
        return redirect()
    }
}
