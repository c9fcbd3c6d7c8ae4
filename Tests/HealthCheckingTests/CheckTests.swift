// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import Testing

@Suite struct `Active checks` {
    @Test func `take an endpoint out after fall bad ones in a row`() {
        var ward = Ward()
        ward.check()
        for _ in 1...2 {
            ward.check(0, "refused the connection")
            #expect(ward.health() == .up)
        }
        ward.check(0, "did not answer")
        #expect(ward.health() == .down)
        let transition = ward.transitions.last
        #expect(transition?.before == .up && transition?.after == .down)
        #expect(transition?.cause == .check && transition?.lastError == "did not answer")
    }

    @Test func `bring it back after rise good ones in a row`() {
        var ward = Ward { $0.rise = 3 }
        for _ in 1...3 { ward.check(0, "bad") }
        ward.check()
        ward.check()
        #expect(ward.health() == .down)
        ward.check()
        #expect(ward.health() == .up)
        #expect(ward.transitions.map(\.after) == [.down, .up])
    }

    @Test func `count what is consecutive, never what adds up`() {
        var ward = Ward()
        for _ in 1...50 {
            ward.check(0, "bad")
            ward.check(0, "bad")
            ward.check()
        }
        #expect(ward.health() == .up)
        ward = Ward()
        for _ in 1...3 { ward.check(0, "bad") }
        for _ in 1...50 {
            ward.check()
            ward.check(0, "bad")
        }
        #expect(ward.health() == .down)
    }

    @Test func `come at the interval, faster while they change, and slower when down`() {
        var ward = Ward {
            $0.fastInterval = .seconds(1)
            $0.downInterval = .seconds(30)
        }
        ward.check()
        #expect(ward.check() == .seconds(10))
        #expect(ward.check(0, "bad") == .seconds(10))
        #expect(ward.check(0, "bad") == .seconds(1))
        #expect(ward.check(0, "bad") == .seconds(1))
        #expect(ward.health() == .down)
        #expect(ward.check(0, "bad") == .seconds(30))
        #expect(ward.check() == .seconds(30))
        #expect(ward.check() == .seconds(1))
        #expect(ward.health() == .up)
        #expect(ward.check() == .seconds(10))
    }

    @Test func `see a death in fall times the interval, whatever the others are`() {
        var ward = Ward { $0.interval = .seconds(2) }
        ward.check()
        let start = ward.now
        for _ in 1...3 { ward.check(0, "bad") }
        #expect(ward.health() == .down && ward.now - start == .seconds(6))
        for _ in 1...2 { ward.check() }
        #expect(ward.health() == .up && ward.now - start == .seconds(10))
    }

    @Test func `begin an interval apart, however long each takes`() {
        var ward = Ward()
        ward.begin()
        ward.now += .seconds(4)
        ward.finish()
        #expect(ward.check() == .seconds(6))
        ward.begin()
        ward.now += .seconds(25)
        ward.finish()
        #expect(ward.check() == 0)
    }

    @Test func `assume an endpoint up, or wait for the first`() {
        var ward = Ward()
        #expect(ward.health() == .unknown && ward.health().isWell)
        ward = Ward { $0.start = .waitForFirst }
        #expect(ward.health() == .waiting && !ward.health().isWell)
        let start = ward.now
        ward.check()
        #expect(ward.health() == .up && ward.now - start < .seconds(1))
        ward = Ward { $0.start = .waitForFirst }
        ward.check(0, "bad")
        #expect(ward.health() == .down)
    }

    @Test func `that could not be made say nothing`() {
        var ward = Ward()
        ward.check()
        for _ in 1...10 {
            ward.begin()
            ward.watch.skipCheck(of: 0, now: ward.now, random: &ward.random)
        }
        #expect(ward.health() == .up)
    }

    @Test(arguments: [10, 50])
    func `of a thousand endpoints spread over the interval and stay spread`(jitter: Int) throws {
        var ward = Ward(1000) { $0.jitter = jitter }
        let start = ward.now
        var wakes = (0..<1000).compactMap { ward.watch.wake(of: $0) }
        for _ in 1...5 {
            var seconds = [Int](repeating: 0, count: 10)
            for wake in wakes {
                seconds[Int((wake - start) / .milliseconds(1) % 10_000 / 1000)] += 1
            }
            // 100 each; more than 5 standard deviations off would be no accident.
            #expect(seconds.allSatisfy { (50...150).contains($0) }, "\(seconds)")
            for endpoint in 0..<1000 {
                let before = wakes[endpoint]
                ward.now = before
                ward.check(endpoint)
                wakes[endpoint] = try #require(ward.watch.wake(of: endpoint))
                let pause = Int(wakes[endpoint] - before) / 1_000_000
                #expect((10_000 - 100 * jitter...10_000 + 100 * jitter).contains(pause))
            }
        }
    }
}
