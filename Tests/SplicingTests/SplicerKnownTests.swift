// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

private let hello = SampleHello.bytes(for: "b.test")

@Suite struct `Names that the datapath knows` {
    /// What the worker must see for itself.
    enum Oddity: CaseIterable {
        case twoEndpoints, limits, proxyProtocol, transparent, protocolRoute, sourceRoute, split
        case preface, serverFirst, unseen, notWanted

        func change(_ routes: inout RoutingSnapshot) {
            let known = Route(.exact(name("b.test")), cluster: 1)
            var conditions = RouteConditions()
            var listener = routes.listeners[Scene.listenerID] ?? ListenerRoutes(id: 0)
            let block = ["203.0.113.0/24"].compactMap { AddressBlock($0) }
            switch self {
            case .twoEndpoints:
                listener.table = RoutingTable([Route(.exact(name("b.test")), cluster: 0)])
            case .limits:
                var parts = ConnectionLimits.Parts()
                parts.process = ConnectionCap(100)
                routes.limits = ConnectionLimits(parts)
            case .proxyProtocol: routes.clusters[1].proxyProtocol = .v2
            case .transparent: routes.clusters[1].isTransparent = true
            case .protocolRoute:
                conditions.protocols = ["h2"]
                listener.table = RoutingTable([known, Route(.any, when: conditions, .cluster(0))])
            case .sourceRoute:
                conditions.sources = block
                listener.table = RoutingTable([known, Route(.any, when: conditions, .cluster(0))])
            case .split:
                let shares = [
                    RouteSplit.Share(cluster: 0, weight: 1),
                    RouteSplit.Share(cluster: 1, weight: 1),
                ]
                listener.table = RoutingTable([known, Route(.any, .split(RouteSplit(shares)))])
            case .preface: listener.proxySenders = block
            case .serverFirst: listener.serverFirstAfter = .milliseconds(200)
            case .unseen:
                listener.isSniffed = false
                listener.defaultCluster = 1
            case .notWanted: break
            }
            routes.listeners[Scene.listenerID] = listener
        }
    }

    private func expectNothingKnown(_ scene: Scene) {
        #expect(scene.table.known.isEmpty && scene.table.slots.isEmpty && scene.laid.isEmpty)
        #expect(!scene.knowsNames)
    }

    @Test func `are learned from the second hello, not from the first`() throws {
        let scene = Scene()
        _ = try scene.establish(1, name: "b.test")
        expectNothingKnown(scene)
        let splice = try scene.establish(2, name: "b.test")
        let known = try #require(scene.table.known.first)
        #expect(scene.table.known.count == 1)
        #expect(known.name == name("b.test"))
        #expect(known.listener == Scene.listenerID && known.isIPv4)
        #expect(splice.serverName != 0)
        let route = KnownRoute(
            slot: 0, cluster: 12, endpoint: 0, segmentSize: 1400, serverName: splice.serverName)
        #expect(known.route == route)
        #expect(scene.table.slots[0]?.endpoint == at("10.0.2.1:443"))
        #expect(scene.table.slots[0]?.source == Scene.source)
        #expect(scene.knowsNames)
    }

    /// Others may have pushed them out.
    @Test func `are learned again from hellos that come nevertheless, once a second`() throws {
        let scene = Scene()
        try scene.teach()
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.table.known.count == 1)
        scene.wait(milliseconds: 1000)
        for number in 2...4 { _ = try scene.establish(number, name: "b.test") }
        #expect(scene.table.known.count == 2)
        #expect(scene.table.slots.count == 1)
    }

    @Test(arguments: Oddity.allCases)
    func `are not learned where more than the name decides`(oddity: Oddity) throws {
        let scene = Scene(
            settings: { $0.learnsNames = oddity != .notWanted }, routes: { oddity.change(&$0) })
        for number in 1...4 { _ = try scene.establish(number, name: "b.test") }
        expectNothingKnown(scene)
    }

    @Test func `are learned from a hello in two packets, too`() throws {
        let scene = Scene()
        for number in 1...3 {
            scene.say(Array(hello.prefix(20)), from: Scene.client(number))
            scene.say(Array(hello.dropFirst(20)), at: 20, from: Scene.client(number))
        }
        #expect(scene.table.written.count == 3)
        #expect(scene.table.known.count == 1)
    }

    @Test(arguments: [56, 57]) func `are not too long`(length: Int) throws {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.defaultCluster = 1 })
        let text = String(repeating: "x", count: length - 5) + ".test"
        for number in 1...3 { _ = try scene.establish(number, name: text) }
        #expect(scene.table.known.count == (length <= 56 ? 1 : 0))
    }

    @Test func `do not lead to an endpoint that refuses timestamps`() throws {
        let scene = Scene()
        scene.splicer.routes.lessons.learnRefusal(of: 3)
        var note = Scene.note()
        note.hasTimestamps = false
        for number in 1...3 { scene.say(hello, from: Scene.client(number), note: note) }
        #expect(scene.table.written.count == 3)
        expectNothingKnown(scene)
    }

    @Test func `are heard of before hellos are looked at`() throws {
        let scene = Scene()
        let stranger = Scene.client(7)
        #expect(!scene.hearsEventsFirst && scene.knows(7))
        #expect(scene.hears([1], from: stranger, note: nil, afterAll: false))
        try scene.teach()
        #expect(scene.hearsEventsFirst && !scene.knows(7))
        let opening = try scene.openUnheard(7)
        #expect(!scene.hears([1], from: stranger, note: nil, afterAll: false))
        scene.hear(opening)
        #expect(scene.knows(7))
        #expect(scene.hears(hello, from: stranger, note: nil, afterAll: true))
        #expect(scene.pending == 1)
    }
}

@Suite struct `Ports laid out for the datapath` {
    @Test func `are nobody else's, and there are more when some were taken`() throws {
        let scene = Scene()
        try scene.teach()
        let first = scene.laid
        #expect(first.count >= 16 && Set(first).count == first.count)
        #expect(first.allSatisfy { (20000...20099).contains($0) })
        #expect(scene.portsTaken == 0)
        for number in 1...9 {
            let own = try scene.establish(number, name: "b.test")
            #expect(!scene.laid.contains(own.upstream.source.port))
        }
        let opened = try (11...19).map { try scene.open($0) }
        #expect(Set(opened.map(\.upstream.source)).count == 9)
        #expect(opened.allSatisfy { !scene.laid.contains($0.upstream.source.port) })
        #expect(scene.laid.count >= first.count && Set(scene.laid).count == scene.laid.count)
        #expect(scene.portsTaken == 18 && scene.admission.current == 18)
    }

    @Test func `are this worker's`() throws {
        let scene = Scene(settings: {
            $0.workers = 2
            $0.worker = 1
        })
        try scene.teach()
        #expect(!scene.laid.isEmpty && scene.laid.allSatisfy { $0 % 2 == 1 })
    }

    @Test func `are few where the table has little room`() throws {
        let scene = Scene(admitting: 40)
        try scene.teach()
        #expect((1...10).contains(scene.laid.count))
    }

    @Test func `are shared by names that lead to the same endpoint`() throws {
        let scene = Scene(routes: { $0.listeners[Scene.listenerID]?.defaultCluster = 1 })
        try scene.teach("b.test")
        try scene.teach("x.test")
        #expect(scene.table.known.map(\.route.slot) == [0, 0])
        #expect(scene.table.slots.count == 1)
    }

    @Test func `come back when a row was in the way`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1, fails: true)
        #expect(scene.portsTaken == 1)
        scene.hear(opening)
        #expect(scene.portsTaken == 0 && scene.pending == 0)
        expectNothingLeft(scene)
        #expect(scene.counters.value(of: .classified) == 2)
        // Its hello comes to the worker.
        scene.say(hello)
        #expect(try scene.last().client == Scene.client(1))
    }
}

/// Both of a client whose endpoint the worker asked, and of one that the datapath opened.
@Suite struct `A client of a known name` {
    private func begin(_ scene: Scene, isOpened: Bool) throws -> Splice {
        if isOpened { return try scene.open(1) }
        scene.say(hello)
        return try scene.last()
    }

    private func counts(_ scene: Scene) -> [UInt64] {
        [DaemonCounter.classified, .established, .ended, .rejected, .relayed, .failedAttempts]
            .map { scene.counters.value(of: $0) }
    }

    private func expectPending(_ scene: Scene) {
        #expect(scene.pending == 1 && scene.splicer.reading == 0)
        #expect(scene.admission.current == 1 && scene.portsTaken == 1)
        #expect(scene.active == [0, 0, 0, 1])
    }

    @Test(arguments: [true, false])
    func `counts from its SYN until it has lingered`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        expectPending(scene)
        #expect(counts(scene) == [3, 2, 2, 0, 0, 0])
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0 && scene.portsTaken == 1 && scene.active == [0, 0, 0, 1])
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        scene.close(splice)
        scene.wait(milliseconds: 1999)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        scene.wait(milliseconds: 1)
        #expect(counts(scene) == [3, 3, 3, 0, 0, 0])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is turned away when its endpoint refuses`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.refused, of: splice)
        #expect(scene.fallback.words == ["reject reset"])
        let connection = try #require(scene.fallback.entries.first?.connection)
        #expect(connection.tuple == Scene.client(1) && connection.received == hello)
        #expect(counts(scene) == [3, 2, 2, 1, 0, 1])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is asked for from another port after silence`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let first = try begin(scene, isOpened: isOpened)
        let before = scene.table.written.count
        scene.wait(milliseconds: 999)
        #expect(scene.table.written.count == before)
        scene.wait(milliseconds: 1)
        #expect(scene.table.written.count == before + 1)
        let second = try scene.last()
        #expect(second.client == first.client && second.note == first.note)
        #expect(second.upstream.destination == first.upstream.destination)
        #expect(second.upstream.source != first.upstream.source)
        #expect(scene.table.stored.last == hello)
        #expect(scene.table.rows[first.upstream.reversed] == nil)
        expectPending(scene)
        scene.table.set(second, FLOW_ESTABLISHED)
        scene.tell(.established, of: second)
        scene.end(second)
        #expect(counts(scene) == [3, 3, 3, 0, 0, 1])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is asked for from another port where the first is remembered`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let first = try begin(scene, isOpened: isOpened)
        scene.now += .milliseconds(1)
        scene.tell(.challenged, of: first, acknowledgement: 4242)
        let second = try scene.last()
        #expect(second.upstream.source != first.upstream.source)
        #expect(second.endpoint == first.endpoint && second.cluster == first.cluster)
        #expect(
            scene.table.resets == [Segment(tuple: first.upstream, sequence: 4242, flags: .reset)])
        expectPending(scene)
        scene.end(second)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is relayed when its endpoint refuses an option`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.optionsRefused, of: splice, acknowledgement: 99)
        #expect(scene.fallback.words == ["relay 12 options-refused b.test"])
        #expect(scene.splicer.routes.lessons.refusesTimestamps(3))
        expectNothingLeft(scene)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.isEmpty)
    }

    @Test(arguments: [true, false])
    func `is forgotten when it gives up`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.tell(.abandoned, of: splice)
        #expect(scene.fallback.words.isEmpty)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is established by the deadline if its flow stands`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.wait(milliseconds: 1000)
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        #expect(scene.pending == 0 && scene.portsTaken == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `may close before the word of its beginning was read`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.close(splice)
        scene.tell(.established, of: splice)
        #expect(counts(scene) == [3, 3, 2, 0, 0, 0])
        scene.wait(milliseconds: 2000)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `frees its port once, however often its end is told`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.closed, of: splice)
        scene.tell(.reset, of: splice)
        for _ in 0..<2 { scene.end(splice) }
        for _ in 0..<10 { scene.wait(milliseconds: 500) }
        #expect(counts(scene) == [3, 3, 3, 0, 0, 0])
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `is no more when the table lost its flows`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        scene.table.delete(try begin(scene, isOpened: isOpened))
        scene.wait(milliseconds: 1000)
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `may say more while its endpoint is asked, and repeats the SYN`(isOpened: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let splice = try begin(scene, isOpened: isOpened)
        let before = scene.table.syns.count
        scene.now += .milliseconds(151)
        scene.say(hello, note: nil)
        let syn = try #require(scene.table.syns.last)
        #expect(scene.table.syns.count == before + 1)
        #expect(syn.tuple == splice.upstream && syn.sequence == splice.isn)
        #expect(syn.timestamp == splice.synTimestamp)
        scene.say([1, 2, 3], at: hello.count, note: nil)
        #expect(scene.hasLate)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        let late = try #require(scene.table.sent.last)
        #expect(late.payload == [1, 2, 3])
        #expect(late.sequence == splice.isn &+ 1 &+ UInt32(hello.count))
        #expect(!scene.hasLate)
    }

    @Test func `counts although its hello was overwritten before it was read`() throws {
        let scene = Scene()
        try scene.teach()
        scene.table.isOverwritten = true
        let splice = try scene.open(1)
        #expect(scene.pending == 1 && scene.portsTaken == 1)
        #expect(scene.admission.current == 1 && scene.active == [0, 0, 0, 1])
        #expect(scene.counters.value(of: .classified) == 3)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0 && scene.counters.value(of: .established) == 3)
        scene.close(splice)
        scene.wait(milliseconds: 2000)
        #expect(scene.counters.value(of: .ended) == 3)
        expectNothingLeft(scene)
    }
}

@Suite struct `A client that comes again by a known name` {
    /// Notes of a later handshake.
    private func later(_ scene: Scene) -> HandshakeNote {
        var note = Scene.note(isn: 5)
        note.createdNanoseconds = scene.now
        return note
    }

    @Test func `ends what the worker still read of it`() throws {
        let scene = Scene()
        try scene.teach()
        scene.say(Array(hello.prefix(20)))
        #expect(scene.splicer.reading == 1)
        scene.now += .milliseconds(1)
        let splice = try scene.open(1, note: later(scene))
        #expect(scene.pending == 1 && scene.splicer.reading == 0)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test func `ends the attempt that the worker made for it`() throws {
        let scene = Scene()
        try scene.teach()
        scene.say(hello)
        let old = try scene.last()
        scene.now += .milliseconds(1)
        scene.table.delete(old)
        let splice = try scene.open(1, note: later(scene))
        #expect(scene.pending == 1 && scene.table.rows.count == 2)
        #expect(
            scene.table.rows[splice.client]?.createdNanoseconds == splice.createdNanoseconds)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    @Test func `is not harmed by late word of the connection before`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        let first = opening.splice
        scene.now += .milliseconds(1)
        scene.table.delete(first)
        scene.say(hello, note: later(scene))
        let second = try scene.last()
        scene.hear(opening)
        scene.tell(.established, of: first)
        scene.tell(.closed, of: first)
        #expect(scene.pending == 1)
        scene.table.set(second, FLOW_ESTABLISHED)
        scene.tell(.established, of: second)
        #expect(scene.pending == 0)
        scene.wait(milliseconds: 2000)
        #expect(scene.table.rows.count == 2)
        #expect(
            scene.table.rows[second.client]?.createdNanoseconds == second.createdNanoseconds)
        #expect(scene.portsTaken == 1 && scene.admission.current == 1)
        #expect(scene.active == [0, 0, 0, 1])
        scene.end(second)
        expectNothingLeft(scene)
    }

    @Test func `is begun anew by the worker when the table lost its flows`() throws {
        let scene = Scene()
        try scene.teach()
        scene.table.delete(try scene.open(1))
        scene.now += .milliseconds(200)
        scene.say(hello)
        #expect(try scene.last().client == Scene.client(1))
        #expect(scene.pending == 1 && scene.portsTaken == 1 && scene.admission.current == 1)
        scene.end(try scene.last())
        expectNothingLeft(scene)
    }
}

@Suite struct `Known names are forgotten` {
    enum Change: CaseIterable {
        case configuration, ways, health, administration, command, refusedTimestamps
        case smallSegment, nameIDs

        /// Between two ticks.
        func happen(to scene: Scene) {
            let routes = scene.splicer.routes
            let states = routes.clusters[1].picker.states
            switch self {
            case .configuration: scene.reload(routes)
            case .ways:
                scene.splicer.handle(.ways(routes.targets, segmentSize: 1400), now: scene.now)
            case .health: states.set(health: .down, of: 0, now: scene.now)
            case .administration: states.set(administration: .draining, of: 0, now: scene.now)
            case .command: scene.table.hidesNames = true
            case .refusedTimestamps: routes.lessons.learnRefusal(of: 3)
            case .smallSegment: routes.lessons.learn(segment: 900, of: 3)
            case .nameIDs:
                for _ in 0..<2 { scene.names.sweep(used: []) }
            }
        }
    }

    @Test(arguments: Change.allCases)
    func `by what changes their way, and their ports come back at once`(
        change: Change
    ) throws {
        let scene = Scene(names: 1)
        try scene.teach()
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.count == 1)
        change.happen(to: scene)
        scene.wait(milliseconds: 0)
        #expect(scene.table.known.isEmpty && !scene.knowsNames)
        #expect(scene.laid.isEmpty && scene.portsInUse == 0)
        // A packet may be on its way there.
        scene.wait(milliseconds: 999)
        #expect(scene.slotsInUse == 1)
        scene.wait(milliseconds: 1)
        #expect(scene.slotsInUse == 0)
        expectNothingLeft(scene)
    }

    @Test func `not by what happens to another cluster`() throws {
        let scene = Scene()
        try scene.teach()
        let states = scene.splicer.routes.clusters[0].picker.states
        states.set(health: .down, of: 0, now: scene.now)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.count == 1)
    }

    @Test func `and learned from the next hello, in the same slot`() throws {
        let scene = Scene()
        try scene.teach()
        scene.reload(scene.splicer.routes)
        scene.wait(milliseconds: 500)
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.table.known.map(\.route.slot) == [0])
        let laid = scene.laid
        #expect(!laid.isEmpty)
        for _ in 0..<3 { scene.wait(milliseconds: 1000) }
        #expect(scene.laid == laid && scene.slotsInUse == 1)
        let opened = try scene.open(2)
        #expect(opened.upstream.source.port == laid.first)
    }

    /// Its SYN was on its way.
    @Test func `but not who was opened before`() throws {
        let scene = Scene()
        try scene.teach()
        let openings = try (1...2).map { try scene.openUnheard($0) }
        scene.hear(openings[0])
        scene.reload(scene.splicer.routes)
        scene.wait(milliseconds: 10)
        scene.hear(openings[1])
        #expect(scene.pending == 2 && scene.admission.current == 2)
        for _ in 0..<2 { scene.wait(milliseconds: 400) }
        for opening in openings {
            scene.table.set(opening.splice, FLOW_ESTABLISHED)
            scene.tell(.established, of: opening.splice)
        }
        scene.wait(milliseconds: 1000)
        #expect(scene.laid.isEmpty && scene.portsInUse == 2 && scene.active == [0, 0, 0, 2])
        for opening in openings { scene.end(opening.splice) }
        expectNothingLeft(scene)
    }

    @Test(arguments: [true, false])
    func `and the cluster of who was opened may be gone`(isHeard: Bool) throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        if isHeard { scene.hear(opening) }
        let old = scene.splicer.routes
        var listeners = old.listeners
        listeners[Scene.listenerID]?.table = RoutingTable([
            Route(.exact(name("b.test")), cluster: 0)
        ])
        scene.reload(
            RoutingSnapshot(
                listeners: listeners, clusters: [old.clusters[0]], targets: old.targets,
                loads: old.loads, continuing: old))
        if !isHeard { scene.hear(opening) }
        #expect(scene.pending == 1 && scene.active == [0, 0, 0, 1])
        scene.tell(.refused, of: opening.splice)
        #expect(scene.fallback.words == ["reject reset"])
        expectNothingLeft(scene)
        scene.wait(milliseconds: 1000)
        #expect(scene.portsInUse == 0)
    }

    @Test func `and led to from the new source, while the old one's ports come back`() throws {
        let scene = Scene()
        try scene.teach()
        let second = at("10.0.0.2:1").address
        let old = try scene.open(1)
        stand(old, in: scene)
        var targets = scene.splicer.routes.targets
        for index in targets.indices { targets[index].sources = [second] }
        scene.splicer.handle(.ways(targets, segmentSize: 1400), now: scene.now)
        let own = try scene.establish(2, name: "b.test")
        #expect(scene.table.known.map(\.route.slot) == [1])
        #expect(scene.table.slots[1]?.source == second)
        #expect(scene.table.laid[0]?.isEmpty == true && scene.table.laid[1]?.isEmpty == false)
        let new = try scene.open(3)
        stand(new, in: scene)
        #expect(new.upstream.source.address == second && scene.portsTaken == 3)
        scene.wait(milliseconds: 1000)
        #expect(scene.slotsInUse == 1)
        for splice in [old, own, new] { scene.end(splice) }
        expectNothingLeft(scene)
    }

    private func stand(_ splice: Splice, in scene: Scene) {
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
    }
}

/// Where one must look twice.
@Suite struct `Ports of known names` {
    private func expectUnharmed(_ scene: Scene, _ laid: [UInt16]) {
        #expect(Set(scene.laid).isSuperset(of: laid))
        expectNothingLeft(scene)
    }

    /// FINs, then an RST: the port was laid out again between their lingers.
    @Test func `are not free by what is told again of their last splice`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20003] })
        try scene.teach()
        let splice = try scene.open(1)
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        scene.close(splice)
        scene.wait(milliseconds: 1900)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 100)
        let laid = scene.laid
        #expect(laid.contains(splice.upstream.source.port))
        scene.wait(milliseconds: 500)
        expectUnharmed(scene, laid)
        scene.end(splice)
        expectUnharmed(scene, laid)
    }

    @Test func `are not free by another worker's word`() throws {
        let scene = Scene()
        try scene.teach()
        let laid = scene.laid
        let port = try #require(laid.first)
        scene.splicer.handle(
            .free(TransportAddress(Scene.source, port), target: 3), now: scene.now)
        scene.flush()
        expectUnharmed(scene, laid)
    }

    /// The client's SYN removed the rows of a connection that never stood: nobody else tells of it.
    @Test func `come back of a client that went on before it was heard of`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        scene.now += .milliseconds(1)
        scene.table.delete(opening.splice)
        var note = Scene.note(isn: 5)
        note.createdNanoseconds = scene.now
        scene.say(hello, note: note)
        scene.hear(opening)
        #expect(scene.pending == 1 && scene.portsTaken == 2)
        scene.wait(milliseconds: 500)
        #expect(scene.pending == 1 && scene.portsTaken == 1)
        #expect(scene.admission.current == 1 && scene.active == [0, 0, 0, 1])
        scene.end(try scene.last())
        expectNothingLeft(scene)
    }

    @Test func `are fewer where the table fills`() throws {
        let scene = Scene(admitting: 100)
        try scene.teach()
        #expect(scene.laid.count == 16)
        for _ in 0..<80 { #expect(scene.admission.admit()) }
        scene.wait(milliseconds: 20)
        #expect(scene.laid.count == 20 / 4 && scene.portsTaken == 0)
        // A quarter of what is left, which nobody else gets until it is taken back.
        for _ in 0..<15 { #expect(scene.admission.admit()) }
        #expect(!scene.admission.admit())
        scene.wait(milliseconds: 20)
        #expect(scene.laid.count == 1)
        for _ in 0..<4 { #expect(scene.admission.admit()) }
        scene.wait(milliseconds: 20)
        #expect(scene.laid.isEmpty && scene.portsInUse == 0)
        #expect(scene.admission.admit() && !scene.admission.admit())
    }

    @Test func `give their place to a client of the worker when there is no other`() throws {
        let scene = Scene(admitting: 40)
        try scene.teach()
        let laid = scene.laid.count
        #expect(laid > 0)
        for _ in 0..<40 - laid { #expect(scene.admission.admit()) }
        #expect(!scene.admission.admit())
        _ = try scene.establish(1, name: "a.test")
        #expect(scene.laid.count == laid - 1 && scene.admission.current == 40 - laid + 1)
    }

    @Test func `are the worker's own when there are no others`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20009] })
        try scene.teach()
        _ = try scene.establish(1, name: "b.test")
        #expect(scene.fallback.words == [])
    }

    /// Its datapath went on by itself until ours was attached.
    @Test func `may be out for what an earlier daemon's datapath opened`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20001] })
        let upstream = FlowTuple(
            source: TransportAddress(Scene.source, 20000), destination: at("10.0.2.1:443"))
        let route = KnownRoute(slot: 0, cluster: 12, endpoint: 0, segmentSize: 1400, serverName: 0)
        let opening = scene.openUnheard(1, named: "b.test", note: Scene.note(), upstream, route)
        scene.hear(opening)
        #expect(scene.portsInUse == 1)
        let own = try scene.establish(2, name: "b.test")
        #expect(own.upstream.source.port == 20001)
        for splice in [opening.splice, own] { scene.end(splice) }
        expectNothingLeft(scene)
    }
}

@Suite struct `Known names that look well and are not` {
    /// What the datapath did just before it was told, or does meanwhile, may lie in the ring still.
    @Test func `are heard of for a while after they were forgotten`() throws {
        let scene = Scene()
        try scene.teach()
        let opening = try scene.openUnheard(1)
        scene.reload(scene.splicer.routes)
        #expect(scene.hearsEventsFirst)
        #expect(!scene.knows(1), "its refusal would be lost")
        #expect(!scene.hears([1], note: nil, afterAll: false))
        scene.hear(opening)
        scene.end(opening.splice)
        scene.wait(milliseconds: 1000)
        #expect(!scene.hearsEventsFirst && scene.knows(1))
    }

    /// Their own cluster had none left.
    @Test func `lead to another cluster only as long as theirs is empty`() throws {
        var balance = Balance()
        balance.triesUnwell = false
        let scene = Scene(balance: balance, routes: { $0.clusters[0].whenEmpty = .cluster(1) })
        let states = scene.splicer.routes.clusters[0].picker.states
        for index in 0..<3 { states.set(health: .down, of: index, now: scene.now) }
        try scene.teach("a.test")
        #expect(try scene.last().cluster == 12)
        states.set(health: .up, of: 0, now: scene.now)
        scene.wait(milliseconds: 20)
        #expect(scene.table.known.isEmpty)
    }

    /// The worker looked at its clock, then at its rings.
    @Test func `may have been opened after the time that a repeated hello comes with`() throws {
        let scene = Scene()
        try scene.teach()
        scene.now += .milliseconds(1)
        let splice = try scene.open(1)
        scene.now -= .milliseconds(1)
        scene.say(hello, note: nil)
        #expect(scene.pending == 1)
        scene.end(splice)
        expectNothingLeft(scene)
    }

    /// What the counters of a splicer must be after anything, with few ports that come round often.
    @Test(arguments: 0..<20)
    func `keep all counts through any order of events`(seed: UInt64) throws {
        let scene = Scene(settings: { $0.ports = [20000...20029] })
        try scene.teach()
        var random = Numbers(state: seed)
        var splices: [FlowTuple: Splice] = [:]
        for step in 0..<3000 {
            scene.now += 1000
            let number = Int.random(in: 1...20, using: &random)
            let client = Scene.client(number)
            let last = scene.table.written.last { $0.client == client }
            if let last, last.createdNanoseconds > splices[client]?.createdNanoseconds ?? 0 {
                splices[client] = last
            }
            let row = scene.table.rows[client]
            let splice = splices[client]
            let isItsRow = row != nil && row?.createdNanoseconds == splice?.createdNanoseconds
            var note = Scene.note(isn: UInt32(step))
            note.createdNanoseconds = scene.now
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3:
                guard row == nil, let opening = try? scene.openUnheard(number, note: note)
                else { continue }
                if opening.record.createdNanoseconds > 0 { splices[client] = opening.splice }
                scene.hear(opening)
            case 4:
                guard row == nil else { continue }
                scene.say(hello, from: client, note: note)
            case 5: scene.wait(milliseconds: Int.random(in: 1...700, using: &random))
            case 6:
                if let splice, row?.state == .connecting { scene.tell(.refused, of: splice) }
            case 7:
                if let splice, row?.state == .connecting { scene.tell(.abandoned, of: splice) }
            case 8: if step % 50 == 0 { scene.reload(scene.splicer.routes) }
            case 9: if isItsRow, let splice { scene.table.delete(splice) }
            default:
                guard let splice, isItsRow else { continue }
                scene.table.set(splice, FLOW_CLOSED)
                scene.tell(.established, of: splice)
                scene.tell(.closed, of: splice)
                if Bool.random(using: &random) { scene.tell(.reset, of: splice) }
            }
            try #require(scene.admission.current == scene.portsTaken, "step \(step)")
            try #require(scene.active.reduce(0, +) == scene.portsTaken, "step \(step)")
            try #require(Set(scene.laid).count == scene.laid.count, "step \(step)")
        }
        for _ in 0..<40 { scene.wait(milliseconds: 1000) }
        #expect(scene.pending == 0 && scene.splicer.reading == 0)
        #expect(scene.admission.current == scene.portsTaken)
        #expect(scene.table.rows.count == 2 * scene.portsTaken)
    }
}

/// No client, no flow, and no port out but those laid for the datapath.
private func expectNothingLeft(_ scene: Scene, at location: SourceLocation = #_sourceLocation) {
    #expect(scene.pending == 0 && scene.splicer.reading == 0, sourceLocation: location)
    #expect(scene.table.rows.isEmpty, sourceLocation: location)
    #expect(scene.portsTaken == 0, sourceLocation: location)
    #expect(scene.admission.current == 0, sourceLocation: location)
    #expect(scene.active == [0, 0, 0, 0], sourceLocation: location)
}

extension Scene {
    fileprivate func reload(_ routes: RoutingSnapshot) {
        splicer.handle(.configuration(routes, SplicerLimits(), done: {}), now: now)
        flush()
    }
}
