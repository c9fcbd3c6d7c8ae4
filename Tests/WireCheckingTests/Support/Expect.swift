// SPDX-License-Identifier: Apache-2.0
import Testing
import WireChecking

/// Expects a check of one flow that finds nothing.
func expectSilence(
    _ check: WireCheck, flows: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(check.violations.isEmpty, "\(check)", sourceLocation: sourceLocation)
    #expect(check.figures.flows == flows, "\(check)", sourceLocation: sourceLocation)
}

/// Expects these kinds of violation and no other.
func expect(
    _ kinds: Violation.Kind..., in check: WireCheck,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(Set(check.counts.keys) == Set(kinds), "\(check)", sourceLocation: sourceLocation)
}
