// SPDX-License-Identifier: Apache-2.0
import CrashPoints
import Foundation
import Testing

extension EndToEnd {
    /// A daemon that dies in the middle of something (LC-07). Cases of one lab follow each other: what
    /// one crash leaves, the next daemon must have resolved before the next crash.
    @Suite(.needsBalancer, .needsCrashPoints) struct Crashes {
        /// Before the rows are written, a client is reset by the stack and begins anew; from then on
        /// its own repetition is enough, or not even that.
        private static let handshake: [(point: CrashPoint, isLossless: Bool)] = [
            (.helloRead, false), (.endpointPicked, false), (.portTaken, false),
            (.templateWritten, false), (.clientRowWritten, true), (.rowsWritten, true),
            (.synSent, true), (.establishedRead, true),
        ]
        private static let refusal: [CrashPoint] = [.refusalRead, .attemptRemoved]
        private static let adoption: [CrashPoint] = [
            .handedOver, .socketMade, .repairOn, .queuesSet, .bound, .connected, .optionsSet,
            .queueFilled, .windowSet, .tupleNoted, .repairOff, .endpointConnecting,
            .endpointConnected,
        ]
        private static let start: [(point: CrashPoint, count: Int)] = [
            (.mapsPinned, 1), (.flowsAdopted, 1), (.workersStarted, 1), (.flowsAttached, 1),
            (.handshakeAttached, 1), (.flowsAttached, 2), (.handshakeAttached, 2),
        ]
        private static let stop: [(point: CrashPoint, count: Int)] = [
            (.handshakesDetached, 1), (.workersStopped, 1), (.relayStopped, 1),
            (.tableUnpinned, 1), (.flowsDetached, 1), (.pinRemoved, 1), (.pinRemoved, 6),
        ]

        @Test func `are tried at every place that has a name`() {
            let tried =
                Self.handshake.map(\.point) + Self.refusal + Self.adoption + Self.start.map(\.point)
                + Self.stop.map(\.point) + `Crashed upgrades`.points.map(\.point)
            #expect(Set(tried) == Set(CrashPoint.allCases))
        }

        /// One crash: a client comes, the balancer dies, the next one starts, the client gets through.
        private func crash(
            _ scene: CrashScene, _ balancer: Balancer, at point: CrashPoint,
            _ options: [String] = [], count: Int = 1, isLossless: Bool = false
        ) async throws -> Balancer {
            try scene.arm(point)
            let client = try scene.startClient(options)
            try await scene.expectDeath(of: balancer.command, at: point)
            let successor = try await scene.startBalancer()
            try await client.waitUntilOpen(.seconds(20))
            let report = try await client.end()
            #expect(report.good == count && report.errors.isEmpty, "\(point): \(report)")
            if isLossless { #expect(report.retries.isEmpty, "\(point): \(report)") }
            try await scene.expectOnlySteady("\(point)")
            return successor
        }

        /// One family each, for the time it takes; both with `SLUICE_LARGE=1`.
        private static func families(_ family: Family) -> [Family] {
            let isLarge = ProcessInfo.processInfo.environment["SLUICE_LARGE"] == "1"
            return isLarge ? Family.allCases : [family]
        }

        @Test(arguments: families(.v4))
        func `between hello and splice cost a client one attempt at most`(
            family: Family
        ) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                var (scene, balancer) = try await CrashScene.begin(lab, family)
                for (point, isLossless) in Self.handshake {
                    balancer = try await crash(
                        scene, balancer, at: point, isLossless: isLossless)
                }
                try await scene.expectNothingLeft(balancer)
            }
        }

        @Test func `after an endpoint's refusal leave no attempt behind`() async throws {
            var configuration = CrashScene.configuration(.v4)
            // The first is closed: every other connection is refused once.
            let port = Lab.echoPort
            configuration.clusters = [
                (
                    "echo",
                    ["endpoints:", "  - \"10.0.0.11:\(port + 99)\"", "  - \"10.0.0.10:\(port)\""]
                )
            ]
            try await withLab { [configuration] lab in
                try await lab.startEcho()
                var (scene, balancer) = try await CrashScene.begin(lab, .v4, configuration)
                for point in Self.refusal {
                    balancer = try await crash(
                        scene, balancer, at: point, ["--count", "2"], count: 2)
                }
                try await scene.expectNothingLeft(balancer)
            }
        }

        @Test(arguments: families(.v6))
        func `while a client gets a socket leave no socket behind`(family: Family) async throws {
            try await withLab { lab in
                try await lab.startEcho()
                var (scene, balancer) = try await CrashScene.begin(lab, family)
                for point in Self.adoption {
                    balancer = try await crash(scene, balancer, at: point, ["--manner", "crumbs"])
                }
                try await scene.expectNothingLeft(balancer)
            }
        }

        @Test func `of one start after the other harm no flow, and the last start serves`()
            async throws
        {
            try await withLab { lab in
                try await lab.startEcho()
                let (scene, balancer) = try await CrashScene.begin(lab, .v4)
                try await balancer.kill()
                let client = try scene.startClient(["--retry", "60"])
                for (point, count) in Self.start {
                    try scene.arm(point, count)
                    let doomed = try scene.startDoomedBalancer()
                    try await scene.expectDeath(of: doomed, at: point)
                }
                let last = try await scene.startBalancer()
                try await client.waitUntilOpen()
                try await client.expectGood()
                try await scene.expectOnlySteady("after all starts")
                try await scene.expectNothingLeft(last)
            }
        }

        @Test func `of a first start leave what unload removes`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                let (scene, balancer) = try await CrashScene.begin(lab, .v4)
                _ = try await scene.steady.end()
                try await balancer.stop()
                for (point, count) in Self.start {
                    try scene.arm(point, count)
                    let doomed = try scene.startDoomedBalancer()
                    try await scene.expectDeath(of: doomed, at: point, steadyGoesOn: false)
                    let status = try await lab.runBalancer("status", "--instance", lab.name)
                    #expect(status.text.contains("not running"), "\(point): \(status)")
                    let unload = try await lab.runBalancer("unload", "--instance", lab.name)
                    #expect(unload.isSuccess, "\(point): \(unload)")
                    #expect(try await lab.leftovers().isEmpty, "\(point)")
                }
            }
        }

        /// A flow either goes on as if nothing were, or it is over, as after a whole stop.
        @Test func `of a stop leave what the next start takes up`() async throws {
            try await withLab { lab in
                try await lab.startEcho()
                for (point, count) in Self.stop {
                    try await crashStop(lab, at: point, count)
                }
            }
        }

        private func crashStop(_ lab: Lab, at point: CrashPoint, _ count: Int) async throws {
            let (scene, balancer) = try await CrashScene.begin(lab, .v4)
            try scene.arm(point, count)
            balancer.command.send(SIGTERM)
            let isOver = [.tableUnpinned, .flowsDetached, .pinRemoved].contains(point)
            try await scene.expectDeath(
                of: balancer.command, at: point, steadyGoesOn: !isOver)
            let successor = try await scene.startBalancer()
            if isOver {
                let report = try await scene.steady.end()
                #expect(report.hasClearEnd, "\(point): \(report)")
            } else {
                try await scene.steady.expectGood()
            }
            let client = try scene.startClient()
            try await client.waitUntilOpen()
            try await client.expectGood()
            let isEmpty = try await isTrue(within: .seconds(60)) {
                try await lab.flowEntries() == 0
            }
            #expect(isEmpty, "\(point)")
            #expect(try await successor.stop().status == 0)
            #expect(try await lab.leftovers().isEmpty, "\(point)")
        }
    }
}
