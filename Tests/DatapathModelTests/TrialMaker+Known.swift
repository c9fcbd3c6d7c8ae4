// SPDX-License-Identifier: Apache-2.0

@testable import DatapathModel

/// Names that clients ask for. One fills the field that there is for it.
private let names: [[UInt8]] = [
    "a.example", "www.example.org", String(repeating: "n", count: 48) + ".example",
].map { Array($0.utf8) }

/// One that is too long for it.
private let longName = Array((String(repeating: "n", count: 49) + ".example").utf8)

extension TrialMaker {
    /// Up to two known names, and a client's hello that mostly asks for one of them.
    mutating func makeNames() {
        let client = family.client
        if trial.handshakes.notes[client] == nil, !random.oneIn(8) {
            trial.handshakes.notes[client] = note()
        }
        if !random.oneIn(8) {
            trial.handshakes.notes[client]?.flags &= ~Note.data
            trial.handshakes.adopted = [:]
        }
        let first = random.below(names.count)
        let hello = helloBytes(names[(first + (random.oneIn(4) ? 1 : 0)) % names.count])
        let count = random.oneIn(12) ? 0 : 1 + random.below(2)
        for place in 0..<count {
            addName(names[(first + place) % names.count], place, hello.count)
        }
        trial.forgetsNames = random.oneIn(16)
        if random.oneIn(12) { takeRoutedPort() }
        trial.packet = helloPacket(hello)
        // The checksum is of another byte.
        if random.oneIn(16) { trial.packet[trial.packet.count - 1] ^= 1 << (random.byte() & 7) }
    }

    private mutating func addName(_ text: [UInt8], _ place: Int, _ length: Int) {
        let note = trial.handshakes.notes[family.client]?.listener ?? 0
        let way = random.oneIn(16) ? family.unreachable : family.upstream
        var ports: [UInt16] = [20001, 20002, 20003]
        ports.shuffle(using: &random)
        let laid = random.oneIn(10) ? 0 : 1 + random.below(3)
        trial.names.targets.append(
            NameTarget(
                address: way.destination, port: way.destinationPort + UInt16(place),
                source: way.source, ports: Array(ports.prefix(laid))))
        // One segment, two, or more, which is the daemon's affair.
        let half = (length + 1) / 2
        let sizes = [half - 2, half, half + 1, length - 1, length, length + 1, 2016, 2016, 0xffff]
        let name = RoutedName(
            listener: random.oneIn(12) ? random.half() : note,
            isIPv6: random.oneIn(16) ? !family.isIPv6 : family.isIPv6, text: text)
        trial.names.routes[name] = NameRoute(
            target: random.oneIn(4) ? 0 : place, cluster: random.half(), endpoint: random.half(),
            serverName: random.word(), segmentSize: max(0, random.pick(sizes)) & ~1)
    }

    /// A row where the client's, or its endpoint's, should go.
    private mutating func takeRoutedPort() {
        guard let target = trial.names.targets.first, let port = target.ports.first else { return }
        let key = random.oneIn(2) ? target.way(from: port).reversed : family.client
        guard !trial.rows.contains(where: { $0.key == key }) else { return }
        trial.rows.append(
            TrialRow(key: key, row: Row(rewrite: family.client.reversed, state: .established)))
    }

    private mutating func helloPacket(_ hello: [UInt8]) -> [UInt8] {
        var draft = Draft(family.client)
        if random.oneIn(32) { draft.tuple.sourcePort = random.half() }
        draft.link = trial.link
        draft.timeToLive = random.byte()
        if random.oneIn(16) { addFront(&draft) }
        draft.flags = random.oneIn(6) ? random.pick([0x19, 0x38, 0x12, 0x14, 0x58, 0x98]) : 0x18
        if random.oneIn(4) { draft.flags = 16 }
        draft.window = random.oneIn(3) ? random.pick([0, 501, 1023, 1024, 1025]) : random.half()
        if draft.flags & 0x20 != 0 { draft.urgent = random.half() }
        draft.options = options()
        draft.payload = hello
        let note = trial.handshakes.notes[family.client] ?? Note()
        draft.sequence = note.clientISN &+ 1
        draft.acknowledgement = note.cookie &+ 1
        if random.oneIn(12) { draft.sequence = random.near(draft.sequence) }
        if random.oneIn(24) { draft.acknowledgement = random.near(draft.acknowledgement) }
        return draft.bytes
    }
}

extension TrialMaker {
    private mutating func helloBytes(_ name: [UInt8]) -> [UInt8] {
        var hello = HelloDraft()
        hello.minorVersion = random.oneIn(8) ? random.byte() : 1 + 2 * (random.byte() & 1)
        hello.random = bytes(32)
        hello.session = random.oneIn(3) ? [] : bytes(random.oneIn(8) ? random.below(256) : 32)
        if random.oneIn(8) { hello.suites = bytes(random.below(200)) }
        if random.oneIn(16) { hello.methods = bytes(random.below(4)) }
        hello.before = extensions(random.below(5))
        if random.oneIn(24) { hello.before = extensions(38 + random.below(4)) }
        hello.servers = servers(name)
        if random.oneIn(32) { hello.nameKind = random.byte() & 3 }
        hello.after = extensions(random.below(4))
        if random.oneIn(6) { hello.after.append((51, bytes(sizeOfLast()))) }
        if random.oneIn(6) { lie(&hello) }
        let whole = hello.bytes
        switch random.below(32) {
        case 0: return Array(whole.prefix(1 + random.below(whole.count)))
        case 1: return whole + bytes(1 + random.below(8))
        case 2: return damaged(whole)
        default: return whole
        }
    }

    /// Up to what a template has room for, and beyond.
    private mutating func sizeOfLast() -> Int {
        random.oneIn(2) ? random.below(1300) : 1500 + random.below(900)
    }

    private mutating func lie(_ hello: inout HelloDraft) {
        if random.oneIn(4) {
            hello.cut = 1 + random.below(100)
            return
        }
        hello.wrong = random.pick(HelloDraft.Length.allCases)
        hello.error = random.pick([-300, -2, -1, 1, 2, 256, 65536])
    }

    private mutating func damaged(_ hello: [UInt8]) -> [UInt8] {
        var hello = hello
        hello[random.below(min(hello.count, 90))] ^= 1 << (random.byte() & 7)
        return hello
    }

    private mutating func servers(_ name: [UInt8]) -> [[[UInt8]]] {
        switch random.below(24) {
        case 0: return []
        case 1: return [[name], [random.pick(names)]]
        case 2: return [[name, random.pick(names)]]
        case 3: return [[]]
        case 4: return [[[]]]
        case 5: return [[longName]]
        case 6: return [[name.map { $0 >= 0x61 ? $0 ^ 0x20 : $0 }]]
        case 7:
            let last: UInt8 = random.pick([0x2e, 0, 0x20, 0x61])
            return [[name + [last]]]
        case 8: return [[Array(name.dropFirst())]]
        case 9: return [[bytes(random.below(80))]]
        default: return [[name]]
        }
    }

    /// Extensions of other kinds, some of no length.
    private mutating func extensions(_ count: Int) -> [(kind: UInt16, content: [UInt8])] {
        (0..<count).map { _ in
            let kind: UInt16 = random.pick([10, 11, 13, 16, 23, 35, 43, 45, 0x0a0a, 0xff01])
            return (kind, bytes(random.oneIn(2) ? 0 : random.below(24)))
        }
    }
}
