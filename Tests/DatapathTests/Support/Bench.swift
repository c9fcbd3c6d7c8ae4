// SPDX-License-Identifier: Apache-2.0

import Datapath
import DatapathTesting
import Foundation
import Glibc
import KernelBPF
import Testing

extension Trait where Self == ConditionTrait {
    /// Tests that load programs. Without root they are skipped; in CI they run and fail.
    static var needsKernel: ConditionTrait {
        let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
        return .enabled(
            if: geteuid() == 0 || isCI,
            "needs root: loads BPF programs and makes a network namespace")
    }
}

/// What a program must have made of a packet.
func expect(
    _ result: TestRunResult, isRedirectOf expected: TestPacket,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(result.verdict == TCVerdict.redirect, sourceLocation: location)
    expect(result.packet, is: expected.bytes, location)
}

/// Two packets must be equal; both are printed if not.
func expect(
    _ actual: [UInt8], is expected: [UInt8], _ location: SourceLocation = #_sourceLocation
) {
    // Compared outside: the macro would print both as numbers.
    let isEqual = actual == expected
    #expect(
        isEqual, "\(SideBySide(expected: expected, actual: actual))", sourceLocation: location)
    #expect(PacketReading(actual).faults == [], sourceLocation: location)
}

/// The program must have left the packet alone with this verdict.
func expect(
    _ result: TestRunResult, leaves packet: [UInt8], _ verdict: Int32,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(result.verdict == verdict, sourceLocation: location)
    let isEqual = result.packet == packet
    #expect(
        isEqual, "\(SideBySide(expected: packet, actual: result.packet))",
        sourceLocation: location)
}
