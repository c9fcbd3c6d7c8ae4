// SPDX-License-Identifier: Apache-2.0

import Balancing
import CDatapathABI
import KernelSockets
import Testing
import TLSClassifier
import WireTypes

@testable import Datapath
@testable import Splicing

/// PROXY headers to endpoints, of clients, and in place of each other.
@Suite struct `Splicer with PROXY headers` {
    private let hello = SampleHello.bytes(for: "a.test")
    private static let named = FlowTuple(
        source: at("203.0.113.9:4321"), destination: at("203.0.113.1:443"))
    private static let allTLVs: [ProxyTLV] = [
        .authority, .uniqueID, .custom(type: 0xe4, value: [1, 2, 3]), .crc32c,
    ]

    private func data(_ scene: Scene) -> [Segment] {
        scene.table.sent.filter { !$0.payload.isEmpty }
    }

    private func scene(
        _ version: ProxyProtocol, _ tlvs: [ProxyTLV] = [], trusting block: String? = nil,
        routes alter: @escaping (inout RoutingSnapshot) -> Void = { _ in }
    ) -> Scene {
        Scene { _ in
        } routes: {
            $0.clusters[0].proxyProtocol = version
            $0.clusters[0].proxyTLVs = tlvs
            if let block = block.flatMap({ AddressBlock($0) }) {
                $0.listeners[Scene.listenerID]?.proxySenders = [block]
            }
            alter(&$0)
        }
    }

    /// The splice stands, and the endpoint acknowledged so much.
    private func establish(_ scene: Scene, acknowledged: Int = 0) throws -> Splice {
        let splice = try scene.last()
        scene.table.set(splice, FLOW_ESTABLISHED)
        scene.tell(.established, of: splice)
        var answers = splice.downstreamEntry
        answers.state = UInt8(FLOW_ESTABLISHED.rawValue)
        answers.last_ack = splice.isn &+ 1 &+ UInt32(acknowledged)
        let key = splice.upstream.reversed
        scene.table.rows[key] = SpliceRow(key.abi, answers)
        return splice
    }

    // To endpoints.

    @Test func `tells name and identity, and that is flowdump's time of creation`() throws {
        let scene = scene(.v2, Self.allTLVs)
        scene.say(hello)
        let splice = try scene.last()
        var subject = ProxySubject(Scene.client())
        subject.serverName = name("a.test")
        subject.uniqueID =
            ConnectionIdentity(
                of: Scene.client(), created: splice.createdNanoseconds, key: (1, 2)
            ).bytes
        let header = ProxyProtocol.v2.header(of: subject, tlvs: Self.allTLVs)
        #expect(scene.table.stored == [header + hello])
        let digits = String(decoding: subject.uniqueID.prefix(16), as: UTF8.self)
        #expect(UInt64(digits, radix: 16) == splice.createdNanoseconds)
    }

    @Test func `names each connection otherwise`() {
        func identity(_ client: Int, _ created: UInt64, _ key: UInt64) -> [UInt8] {
            ConnectionIdentity(of: Scene.client(client), created: created, key: (key, 0)).bytes
        }
        let all = [identity(1, 1, 1), identity(2, 1, 1), identity(1, 2, 1), identity(1, 1, 2)]
        #expect(Set(all).count == 4)
        #expect(identity(1, 1, 1) == all[0])
    }

    @Test func `tells the protocol that the client wants most`() {
        var cluster = Scene.routes().clusters[0]
        cluster.proxyProtocol = .v2
        cluster.proxyTLVs = [.alpn]
        let identity = ConnectionIdentity(of: Scene.client(), created: 1, key: (1, 2))
        let offered = ApplicationProtocols(["h2", "http/1.1"])
        let told = cluster.proxyHeader(
            of: Scene.client(), named: nil, protocols: offered, hello: [UInt8]().span,
            identity: identity)
        #expect(Array(told[28...]) == [1, 0, 2] + Array("h2".utf8))
        let silent = cluster.proxyHeader(
            of: Scene.client(), named: nil, hello: hello.span, identity: identity)
        #expect(silent.count == 28)
    }

    @Test(arguments: [false, true])
    func `repeats the very header`(isOverwritten: Bool) throws {
        let scene = scene(.v2, Self.allTLVs)
        scene.say(hello)
        let splice = try establish(scene)
        scene.table.isOverwritten = isOverwritten
        scene.say(hello, note: nil)
        let again = data(scene)
        let length = Int(splice.ownedLength)
        #expect(again.map(\.sequence) == [splice.isn &+ 1, splice.isn &+ 1 &+ UInt32(length)])
        #expect(again.map(\.payload.count) == [length, hello.count])
        #expect(again.flatMap(\.payload) == scene.table.stored[0])
    }

    /// The client has heard how narrow it is, and sends less at a time; we have not.
    @Test func `is apart and small when it is repeated, so that it passes a narrow path`() throws {
        let scene = scene(.v2, Self.allTLVs)
        let long = SampleHello.bytes(for: "a.test", padding: 1700)
        scene.say(long)
        let splice = try establish(scene)
        scene.say(Array(long.prefix(1348)), note: nil)
        let again = data(scene)
        #expect(again.map(\.payload.count).allSatisfy { $0 <= 1024 - 52 }, "\(again)")
        #expect(again.first?.payload.count == Int(splice.ownedLength))
        let stored = scene.table.stored.joined()
        #expect(
            again.flatMap(\.payload).elementsEqual(stored.prefix(Int(splice.ownedLength) + 1348)))
    }

    @Test func `repeats a header of the same length when it cannot know all of it`() throws {
        let scene = scene(.v2, Self.allTLVs)
        scene.say(hello)
        let splice = try establish(scene)
        scene.table.isOverwritten = true
        // Another daemon with fewer TLVs.
        scene.splicer.routes.clusters[0].proxyTLVs = [.crc32c]
        scene.say(hello, note: nil)
        let again = data(scene)
        let header = try #require(again.first?.payload)
        #expect(header.count == Int(splice.ownedLength))
        #expect(
            ProxyPreface.read(header.span)
                == .whole(ProxyPreface(length: header.count, named: Scene.client())))
        #expect(again.dropFirst().map(\.payload) == [hello])
    }

    // Of clients.

    private static let prefaces: [[UInt8]] = [
        ProxyProtocol.v1.header(of: named), ProxyProtocol.v2.header(of: named),
        ProxyProtocol.v2.header(of: ProxySubject(named), length: 200),
    ]

    @Test(arguments: prefaces, [ProxyProtocol.off, .v2])
    func `puts its own in the place of the client's, and counts both`(
        preface: [UInt8], version: ProxyProtocol
    ) throws {
        let scene = scene(version, trusting: "198.51.100.0/24")
        scene.say(preface + hello)
        let splice = try scene.last()
        let length = version == .off ? 0 : max(28, preface.count)
        let own = version.header(of: ProxySubject(Self.named), length: preface.count)
        #expect(version == .off || own.count >= preface.count)
        #expect(scene.table.stored == [own + hello])
        #expect(length <= own.count && Int(splice.ownedLength) == own.count)
        let up = splice.upstreamEntry
        let down = splice.downstreamEntry
        // The client's first byte behind its header is the endpoint's first behind ours.
        let first = Scene.isn &+ 1 &+ UInt32(preface.count)
        #expect(first &+ up.seq_delta == splice.isn &+ 1 &+ UInt32(own.count))
        #expect(splice.isn &+ 1 &+ UInt32(own.count) &+ down.ack_delta == first)
        #expect(up.hello_length == UInt16(preface.count + hello.count))
        // Nothing of the client is acknowledged by what the endpoint says before it has our header.
        if version != .off {
            let early = splice.isn &+ 1 &+ down.ack_delta
            #expect(Int32(bitPattern: early &- (Scene.isn &+ 1)) <= 0)
        }
        let row = try #require(scene.table.rows[splice.client])
        #expect(row.prefaceLength == preface.count && row.ownedLength == own.count)
        #expect(
            scene.table.rows[splice.upstream.reversed]?.prefaceLength == preface.count)
    }

    @Test(arguments: prefaces)
    func `is repeated by its own, whichever part the client repeats`(preface: [UInt8]) throws {
        for isOverwritten in [false, true] {
            let scene = scene(.v2, [.authority], trusting: "198.51.100.7")
            scene.say(preface + hello)
            let splice = try establish(scene)
            scene.table.isOverwritten = isOverwritten
            let stored = scene.table.stored[0]
            let own = Array(stored.prefix(Int(splice.ownedLength)))
            func say(_ bytes: [UInt8], at offset: Int = 0) -> [Segment] {
                scene.table.sent.removeAll()
                scene.say(bytes, at: offset, note: nil)
                return data(scene)
            }
            let whole = say(preface + hello)
            #expect(whole.map(\.payload) == [own, hello])
            let behindOwn = splice.isn &+ 1 &+ UInt32(own.count)
            #expect(whole.map(\.sequence) == [splice.isn &+ 1, behindOwn])
            // The header alone, and with a part of the hello.
            #expect(say(preface).map(\.payload) == [own])
            #expect(say(preface + hello.prefix(9)).map(\.payload) == [own, Array(hello.prefix(9))])
            // From the middle of the header: only the template knows it.
            let middle = say(Array((preface + hello)[5...]), at: 5)
            #expect(middle.map(\.payload) == (isOverwritten ? [] : [own, hello]))
            let behind = say(hello, at: preface.count)
            #expect(behind.map(\.payload) == (isOverwritten ? [] : [own, hello]))
            let tail = say([7, 8], at: preface.count + hello.count)
            #expect(tail.map(\.payload) == (isOverwritten ? [] : [own, [7, 8]]))
            #expect(
                tail.map(\.sequence)
                    == (isOverwritten
                        ? [] : [splice.isn &+ 1, splice.isn &+ 1 &+ UInt32(stored.count)]))
        }
    }

    @Test func `is relayed where its own would be shorter, without what was read`() throws {
        let preface = ProxyProtocol.v2.header(of: ProxySubject(Self.named), length: 200)
        let scene = scene(.v1, trusting: "198.51.100.7")
        scene.say(preface + hello)
        #expect(scene.fallback.words == ["relay 11 proxy-header a.test"])
        let connection = try #require(scene.fallback.entries.first?.connection)
        #expect(connection.received == hello && connection.named == Self.named)
        #expect(connection.clientNext == Scene.isn &+ 1 &+ 200)
        #expect(scene.table.written.isEmpty)
    }

    /// It could not be repeated as one segment.
    @Test func `is relayed where the header is longer than a segment`() throws {
        let preface = ProxyProtocol.v2.header(of: ProxySubject(Self.named), length: 1600)
        let scene = scene(.v2, trusting: "198.51.100.7")
        scene.say(preface + hello)
        #expect(scene.fallback.words == ["relay 11 proxy-header a.test"])
        #expect(scene.table.written.isEmpty)
    }

    @Test(arguments: prefaces)
    func `may come in pieces`(preface: [UInt8]) throws {
        let bytes = preface + hello
        for cut in [1, preface.count / 2, preface.count, preface.count + 3] {
            let scene = scene(.off, trusting: "198.51.100.7")
            scene.say(Array(bytes[..<cut]))
            #expect(scene.table.written.isEmpty)
            scene.say(Array(bytes[cut...]), at: cut)
            #expect(scene.table.stored == [hello])
        }
        let scene = scene(.off, trusting: "198.51.100.7")
        for index in 0..<9 { scene.say([bytes[index]], at: index) }
        #expect(scene.fallback.words == ["classify trickled-hello"])
        // The relay reads it from its beginning.
        #expect(scene.fallback.entries.first?.connection.named == nil)
        #expect(scene.fallback.entries.first?.connection.clientNext == Scene.isn &+ 1)
    }

    @Test func `is refused when it is wrong or missing, and counted`() {
        let scene = scene(.off, trusting: "198.51.100.7")
        scene.say(hello)
        scene.say(Array("PROXY TCP4 x\r\n".utf8), from: Scene.client(2))
        #expect(scene.fallback.words == ["reject close", "reject close"])
        #expect(scene.counters.value(of: .proxyHeaderRejected) == 2)
    }

    @Test func `is payload, and not of TLS, from anybody else`() {
        let scene = scene(.off, trusting: "198.51.100.8/32")
        scene.say(Self.prefaces[0] + hello)
        scene.say(hello, from: Scene.client(2))
        #expect(scene.fallback.words == ["reject close"])
        #expect(scene.counters.value(of: .proxyHeaderRejected) == 0)
        #expect(scene.table.written.count == 1)
    }

    /// As many clients behind one sender as it names are hashed apart.
    @Test func `decides over rules and hashing`() throws {
        let named = FlowTuple(source: at("203.0.113.77:1"), destination: Scene.listener)
        let block = try #require(AddressBlock("203.0.113.77"))
        let scene = scene(.off, trusting: "198.51.100.7") { routes in
            var conditions = RouteConditions()
            conditions.sources = [block]
            let route = Route(
                RouteName.pattern(.exact(name("a.test"))), when: conditions, RouteAction.cluster(1))
            routes.listeners[Scene.listenerID]?.table = RoutingTable([
                Route(.exact(name("a.test")), cluster: 0), route,
            ])
        }
        scene.say(ProxyProtocol.v1.header(of: named) + hello)
        #expect(try scene.last().cluster == 12)
        scene.say(Self.prefaces[0] + hello, from: Scene.client(2))
        #expect(try scene.last().cluster == 11)
        var balance = Balance()
        balance.policy = .sourceHash
        let hashed = Scene(balance: balance) { _ in
        } routes: {
            $0.listeners[Scene.listenerID]?.proxySenders = [AddressBlock("198.51.100.7")]
                .compactMap(\.self)
        }
        var endpoints: Set<TransportAddress> = []
        for number in 1...40 {
            let client = FlowTuple(
                source: at("203.0.113.\(number):9"), destination: Scene.listener)
            hashed.say(ProxyProtocol.v2.header(of: client) + hello, from: Scene.client(number))
            endpoints.insert(try hashed.last().upstream.destination)
        }
        #expect(endpoints.count == 3)
    }
}
