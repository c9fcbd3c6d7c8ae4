// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import Testing

@Suite struct `Passive ejection` {
    private func ejection(_ failures: Int = 3, maxShare: Int = 50) -> Ejection {
        var ejection = Ejection()
        ejection.failures = failures
        ejection.base = .seconds(10)
        ejection.maxShare = maxShare
        return ejection
    }

    @Test func `takes so many failed connects in a row`() {
        var ward = Ward(4, ejection: ejection(), checked: false)
        ward.fail(0, times: 2)
        ward.watch.connected(0)
        ward.fail(0, times: 2)
        #expect(ward.health(0) == .unknown)
        ward.fail(0)
        #expect(ward.health(0) == .ejected)
        let transition = ward.transitions.last
        #expect(transition?.cause == .connectFailures && transition?.time == .seconds(10))
        #expect(transition?.lastError == "refused the connection")
    }

    @Test func `lasts longer each time, and ten times the base at most`() {
        var ward = Ward(4, ejection: ejection(), checked: false)
        for round in 1...15 {
            ward.fail(0, times: 3)
            let time: UInt64 = .seconds(10 * min(round, 10))
            ward.wait(time - 1)
            #expect(ward.health(0) == .ejected)
            ward.wait(1)
            #expect(ward.health(0) == .unknown)
            #expect(ward.transitions.last?.cause == .ejectionOver)
        }
    }

    @Test func `is forgiven, one for each base in service`() {
        var ward = Ward(4, ejection: ejection(), checked: false)
        for _ in 1...3 {
            ward.fail(0, times: 3)
            ward.wait(.seconds(30))
        }
        // The last one was over at once, the third lasted 30 s: two are forgiven in 20 s.
        ward.wait(.seconds(20))
        ward.fail(0, times: 3)
        #expect(ward.transitions.last?.time == .seconds(20))
    }

    @Test func `does not happen when too many are out already`() {
        var ward = Ward(4, ejection: ejection(), checked: false)
        for endpoint in 0..<4 { ward.fail(endpoint, times: 10) }
        #expect((0..<4).map { ward.health($0).isWell } == [false, false, true, true])
        // A place is free again: the next failure is enough.
        ward.wait(.seconds(10))
        ward.fail(3)
        #expect(ward.health(3) == .ejected)
    }

    @Test func `counts those that checks found down among those that are out`() {
        var ward = Ward(4, ejection: ejection())
        for endpoint in 0..<2 {
            for _ in 1...3 { ward.check(endpoint, "bad") }
        }
        ward.fail(2, times: 10)
        #expect(ward.health(2) != .ejected)
        ward.watch.connected(2)
        for _ in 1...2 { ward.check(0) }
        ward.fail(2, times: 3)
        #expect(ward.health(2) == .ejected)
    }

    @Test(arguments: [1, 10, 33, 50, 99, 100], [1, 2, 3, 7, 40])
    func `never has more than its share out, whatever happens`(share: Int, count: Int) {
        var ward = Ward(count, ejection: ejection(2, maxShare: share)) { $0.fall = 1 }
        var dice = SplitMix(UInt64(share * 100 + count))
        for _ in 1...3000 {
            let endpoint = Int.random(in: 0..<count, using: &dice)
            let before = ward.transitions.count
            switch Int.random(in: 0..<10, using: &dice) {
            case 0..<6: ward.fail(endpoint)
            case 6: ward.watch.connected(endpoint)
            case 7: ward.check(endpoint, Bool.random(using: &dice) ? "bad" : nil)
            default: ward.wait(.milliseconds(Int.random(in: 0..<20_000, using: &dice)))
            }
            let out = (0..<count).count { !ward.health($0).isWell }
            for transition in ward.transitions[before...] where transition.after == .ejected {
                // An endpoint that was down and is ejected as well adds nobody.
                #expect(out * 100 <= share * count || transition.before == .down)
            }
        }
    }

    @Test func `is not there unless it is asked for`() {
        var ward = Ward(4, checked: false)
        ward.fail(0, times: 100)
        #expect(ward.health(0) == .unknown && ward.transitions.isEmpty)
    }
}
