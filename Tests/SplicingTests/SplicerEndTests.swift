// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import Testing
import WireTypes

@testable import Datapath
@testable import Splicing

@Suite struct `Splicer with splices that end` {
    @Test func `forgets an established client and keeps its flows`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        #expect(scene.pending == 0)
        #expect(scene.counters.value(of: .established) == 1)
        for _ in 0..<3 { scene.wait(milliseconds: 20_000) }
        #expect(scene.table.rows[splice.client] != nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
        #expect(!scene.isWaiting)
    }

    @Test func `keeps a closed flow for its linger, then removes it`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.close(splice)
        #expect(scene.isWaiting)
        scene.wait(milliseconds: 1999)
        #expect(scene.table.rows.count == 2 && scene.portsInUse == 1)
        scene.wait(milliseconds: 1)
        #expect(scene.table.rows.isEmpty)
        #expect(scene.portsInUse == 0 && scene.admission.current == 0)
        #expect(scene.counters.value(of: .ended) == 1)
        #expect(!scene.isWaiting)
    }

    @Test func `uses a port again only when its flow is gone`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20000] })
        let splice = try scene.establish(1, name: "b.test")
        scene.close(splice)
        scene.wait(milliseconds: 499)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(2))
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        scene.wait(milliseconds: 1)
        #expect(scene.table.rows.count == 2, "it lingers on as long as nobody wants its port")
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(3))
        #expect(try scene.last().client == Scene.client(3))
        #expect(try scene.last().upstream.source.port == 20000)
        #expect(scene.table.rows[splice.client] == nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
        #expect(scene.counters.value(of: .ended) == 1)
    }

    @Test func `ends no more early than at once, longest first`() throws {
        let batch = SpliceEnds.capacity
        let scene = Scene(settings: { $0.ports = [20000...20000 + UInt16(batch)] })
        let splices = try (1...batch + 1).map { number in
            let splice = try scene.establish(number, name: "b.test")
            scene.close(splice)
            return splice
        }
        scene.wait(milliseconds: 500)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(batch + 2))
        #expect(try scene.last().upstream.source == splices[0].upstream.source)
        #expect(scene.table.rows.count == 4)
        #expect(scene.table.rows[splices[batch].client] != nil)
    }

    /// Told twice to be over, the old splice of a port stands in the queue behind the new one's start.
    @Test func `takes no port of a splice that is not written yet for free`() throws {
        let batch = SpliceEnds.capacity
        let scene = Scene(settings: { $0.ports = [20000...20000 + UInt16(batch - 1)] })
        let splices = try (1...batch).map { try scene.establish($0, name: "b.test") }
        for splice in splices + [splices[0]] {
            scene.close(splice)
        }
        scene.wait(milliseconds: 500)
        for number in 1...batch + 1 {
            scene.say(
                SampleHello.bytes(for: "b.test"), from: Scene.client(batch + number), flushes: false
            )
        }
        scene.flush()
        let ports = scene.table.written.suffix(batch).map(\.upstream.source.port)
        #expect(scene.table.written.count == 2 * batch && Set(ports).count == batch)
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        #expect(scene.portsInUse == batch && scene.admission.current == batch)
    }

    @Test func `ends by the linger that is configured now`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20000] })
        let splice = try scene.establish(1, name: "b.test")
        scene.close(splice)
        scene.splicer.settings.limits.closedLinger = .seconds(60)
        scene.wait(milliseconds: 10_000)
        #expect(scene.table.rows.count == 2)
        scene.splicer.settings.limits.closedLinger = .milliseconds(100)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(2))
        #expect(try scene.last().client == Scene.client(2))
        let next = try scene.last()
        scene.table.set(next, FLOW_CLOSED)
        scene.tell(.established, of: next)
        scene.tell(.closed, of: next)
        scene.now += .milliseconds(100)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(3))
        #expect(try scene.last().client == Scene.client(3))
        #expect(scene.fallback.words.isEmpty)
    }

    @Test func `ends no flow early that was reset or lives`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20001] })
        _ = try scene.establish(1, name: "b.test")
        let reset = try scene.establish(2, name: "b.test")
        scene.wait(milliseconds: 1000)
        scene.table.set(reset, FLOW_RESET)
        scene.tell(.reset, of: reset)
        scene.wait(milliseconds: 499)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(3))
        #expect(scene.fallback.words == ["relay 12 no-port b.test"])
        #expect(scene.table.rows.count == 4)
    }

    @Test func `ends flows of other endpoints for the sake of a port`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20000] })
        let other = try scene.establish(1, name: "a.test")
        let splice = try scene.establish(2, name: "b.test")
        for splice in [other, splice] {
            scene.close(splice)
        }
        scene.wait(milliseconds: 500)
        scene.say(SampleHello.bytes(for: "b.test"), from: Scene.client(3))
        #expect(try scene.last().upstream.source.port == 20000)
        #expect(scene.fallback.words.isEmpty)
        #expect(scene.table.rows.count == 2)
    }

    @Test func `makes room in a full table by ending what has closed`() throws {
        let scene = Scene(admitting: 1)
        let splice = try scene.establish(1)
        scene.close(splice)
        scene.wait(milliseconds: 499)
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(2))
        #expect(scene.fallback.words == ["relay 11 table-full a.test"])
        scene.wait(milliseconds: 1)
        scene.say(SampleHello.bytes(for: "a.test"), from: Scene.client(3))
        #expect(try scene.last().client == Scene.client(3))
        #expect(scene.admission.current == 1 && scene.table.rows.count == 2)
    }

    @Test func `ends a reset flow soon`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 499)
        #expect(scene.table.rows.count == 2)
        scene.wait(milliseconds: 1)
        #expect(scene.table.rows.isEmpty && scene.admission.current == 0)
    }

    @Test func `keeps a flow that both ends revived after a reset`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 5000)
        #expect(scene.table.rows.count == 2)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
        scene.close(splice)
        scene.wait(milliseconds: 5000)
        #expect(scene.table.rows.isEmpty && scene.admission.current == 0)
    }

    @Test(arguments: [true, false])
    func `ends a flow that one end alone revived`(upstream: Bool) throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.table.set(splice, FLOW_RESET, upstream: upstream, downstream: !upstream)
        scene.tell(.reset, of: splice)
        scene.wait(milliseconds: 500)
        #expect(scene.table.rows.isEmpty && scene.admission.current == 0)
    }

    @Test func `counts a flow once that closes and is reset`() throws {
        let scene = Scene()
        let other = try scene.establish(2)
        let splice = try scene.establish(1)
        scene.table.set(splice, FLOW_RESET)
        scene.tell(.closed, of: splice)
        scene.tell(.reset, of: splice)
        scene.tell(.reset, of: splice)
        for _ in 0..<10 { scene.wait(milliseconds: 500) }
        #expect(scene.table.rows.count == 2)
        #expect(scene.table.rows[other.client] != nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
        #expect(scene.counters.value(of: .ended) == 1)
    }

    @Test func `frees the port once when the kernel began anew with a SYN`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        scene.close(splice)
        scene.table.delete(splice)
        scene.now += 1
        scene.say(SampleHello.bytes(for: "a.test"), note: Scene.note(isn: 9))
        let next = try scene.last()
        #expect(next.upstream != splice.upstream)
        #expect(scene.admission.current == 2 && scene.portsInUse == 2)
        scene.table.set(next, FLOW_ESTABLISHED)
        scene.tell(.established, of: next)
        scene.wait(milliseconds: 2000)
        #expect(scene.table.rows[next.client]?.createdNanoseconds == next.createdNanoseconds)
        #expect(scene.table.rows.count == 2)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
    }

    @Test func `ends a flow that closed before the word of its beginning was read`() throws {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "a.test"))
        let splice = try scene.last()
        scene.close(splice)
        scene.tell(.established, of: splice)
        #expect(scene.pending == 0)
        #expect(scene.counters.value(of: .established) == 1)
        scene.wait(milliseconds: 2000)
        #expect(scene.admission.current == 0 && scene.portsInUse == 0)
    }

    @Test func `ends what the sweeper found, once`() throws {
        let scene = Scene()
        let splice = try scene.establish()
        let ended = WorkerMessage.ended(
            client: splice.client, upstream: splice.upstream,
            createdNanoseconds: splice.createdNanoseconds)
        for _ in 0..<2 { scene.splicer.handle(ended, now: scene.now) }
        #expect(scene.table.rows.isEmpty)
        #expect(scene.admission.current == 0 && scene.portsInUse == 0)
        #expect(scene.counters.value(of: .ended) == 1)
    }

    @Test func `leaves a port's next flow alone when the sweeper speaks late`() throws {
        let scene = Scene(settings: { $0.ports = [20000...20000] })
        let old = try scene.establish(1, name: "b.test")
        let ended = WorkerMessage.ended(
            client: old.client, upstream: old.upstream, createdNanoseconds: old.createdNanoseconds)
        scene.splicer.handle(ended, now: scene.now)
        scene.wait(milliseconds: 100)
        let next = try scene.establish(2, name: "b.test")
        #expect(next.upstream == old.upstream)
        scene.splicer.handle(ended, now: scene.now)
        #expect(scene.table.rows[next.upstream.reversed] != nil)
        #expect(scene.admission.current == 1 && scene.portsInUse == 1)
    }

    @Test func `drops an attempt that the sweeper took for forgotten`() throws {
        let scene = Scene()
        scene.say(SampleHello.bytes(for: "a.test"))
        let splice = try scene.last()
        scene.splicer.handle(
            .ended(
                client: splice.client, upstream: splice.upstream,
                createdNanoseconds: splice.createdNanoseconds), now: scene.now)
        scene.wait(milliseconds: 1000)
        #expect(scene.pending == 0)
        #expect(scene.admission.current == 0 && scene.portsInUse == 0)
    }
}
