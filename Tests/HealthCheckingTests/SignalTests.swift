// SPDX-License-Identifier: Apache-2.0

import HealthChecking
import Synchronization
import Testing

@Suite struct `Signals of connections` {
    private final class Bell: Sendable {
        let rings = Atomic<Int>(0)
        var count: Int { rings.load(ordering: .relaxed) }
    }

    private func signals() -> (HealthSignals, Bell) {
        let (signals, bell) = (HealthSignals(targets: 3), Bell())
        signals.listen(watchesFlows: true) { bell.rings.add(1, ordering: .relaxed) }
        return (signals, bell)
    }

    @Test func `are taken once, in order, and the bell rings once for all`() {
        let (signals, bell) = signals()
        signals.connectFailed(1, .refused)
        signals.connectFailed(2, .noAnswer)
        #expect(bell.count == 1)
        let taken = signals.takeAll()
        #expect(
            taken == [
                .connectFailed(target: 1, .refused), .connectFailed(target: 2, .noAnswer),
            ])
        #expect(signals.takeAll().isEmpty)
        signals.connectFailed(1, .refused)
        #expect(bell.count == 2)
    }

    @Test func `say of a success only that it is the first after a failure`() {
        let (signals, _) = signals()
        signals.connected(0)
        #expect(signals.takeAll().isEmpty)
        signals.connectFailed(0, .refused)
        signals.connected(0)
        signals.connected(0)
        #expect(signals.takeAll().count == 2)
    }

    @Test func `tell a burst of resets once a second`() {
        let (signals, _) = signals()
        var now: UInt64 = .seconds(100)
        for _ in 1...1000 { signals.wasReset(by: 2, now: now) }
        #expect(signals.takeAll() == [.resetBurst(target: 2)])
        now += .milliseconds(1001)
        for _ in 1...2 { signals.wasReset(by: 2, now: now) }
        #expect(signals.takeAll().isEmpty)
        signals.wasReset(by: 2, now: now)
        #expect(signals.takeAll() == [.resetBurst(target: 2)])
        // One a second is no burst.
        for _ in 1...10 {
            now += .milliseconds(1001)
            signals.wasReset(by: 2, now: now)
        }
        #expect(signals.takeAll().isEmpty)
    }

    @Test func `count the clients that found a cluster empty`() {
        let (signals, bell) = signals()
        for _ in 1...5 { signals.foundEmpty(cluster: 7) }
        #expect(bell.count == 1)
        #expect(signals.takeAll() == [.empty(cluster: 7)])
        #expect(signals.takeEmpty(cluster: 7) == 5)
        #expect(signals.takeEmpty(cluster: 7) == 0)
    }

    @Test func `need more than one silent flow`() {
        let (signals, _) = signals()
        signals.isSilent(0, flows: 1)
        #expect(signals.takeAll().isEmpty)
        signals.isSilent(0, flows: 2)
        #expect(signals.takeAll() == [.silence(target: 0, flows: 2)])
    }
}
