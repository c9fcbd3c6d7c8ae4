// SPDX-License-Identifier: Apache-2.0

import Balancing
import HealthChecking
import Testing

@Suite struct `Suspicion` {
    private func suspect(_ ward: inout Ward, _ cause: HealthCause = .resetBurst) {
        ward.note(ward.watch.suspect(0, cause, error: "reset 3 connections", now: ward.now))
    }

    @Test func `asks at once, and one bad check is enough`() {
        var ward = Ward()
        ward.check()
        ward.wait(.seconds(1))
        suspect(&ward)
        #expect(ward.health() == .suspect && ward.health().isWell)
        #expect(ward.transitions.last?.lastError == "reset 3 connections")
        #expect(ward.check(0, "refused the connection") == 0)
        #expect(ward.health() == .down)
        #expect(ward.transitions.map(\.after) == [.up, .suspect, .down])
    }

    @Test func `ends with a good check, and is not believed again for an interval`() {
        var ward = Ward()
        ward.check()
        ward.wait(.seconds(1))
        suspect(&ward, .silence)
        ward.check()
        #expect(ward.health() == .up)
        ward.now += .seconds(9)
        suspect(&ward)
        #expect(ward.health() == .up)
        ward.now += .seconds(2)
        suspect(&ward)
        #expect(ward.health() == .suspect)
    }

    @Test func `is not ended by a check that began before`() {
        var ward = Ward()
        ward.check()
        ward.begin()
        ward.now += .milliseconds(5)
        suspect(&ward)
        ward.now += .milliseconds(5)
        ward.finish()
        #expect(ward.health() == .suspect)
        #expect(ward.check(0, "bad") == .milliseconds(90))
        #expect(ward.health() == .down)
    }

    @Test func `comes of one failed connect, where there are checks`() {
        var ward = Ward()
        ward.check()
        ward.wait(.seconds(1))
        ward.fail()
        #expect(ward.health() == .suspect)
        #expect(ward.check(0, "refused the connection") == 0)
        #expect(ward.health() == .down)
    }

    @Test func `is no matter without checks, before the first one, or of one that is down`() {
        var ward = Ward(checked: false)
        suspect(&ward)
        #expect(ward.health() == .unknown)
        ward = Ward { $0.start = .waitForFirst }
        suspect(&ward)
        #expect(ward.health() == .waiting)
        for _ in 1...3 { ward.check(0, "bad") }
        suspect(&ward)
        #expect(ward.health() == .down)
    }

    @Test func `does not ask more often than ten times a second`() {
        var ward = Ward { $0.interval = .milliseconds(100) }
        ward.check()
        for _ in 1...20 {
            suspect(&ward)
            #expect(ward.check() >= .milliseconds(50))
        }
    }
}
