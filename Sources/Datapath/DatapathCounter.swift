// SPDX-License-Identifier: Apache-2.0

/// What the datapath counts, in the order of enum counter.
public enum DatapathCounter: UInt32, CaseIterable, Sendable {
    case translated
    case synAnswered
    case helloRecorded
    case helloSent
    case helloLost
    case cookieAccepted
    case handshakeAck
    case passNotTCP
    case passFragment
    case passNoFlow
    case passAdopted
    case passStray
    case passNoDaemon
    case dropMalformed
    case passExtension
    case dropConnecting
    case dropRingFull
    case dropNoRoute
    case dropTTL
    case dropKernel
    case dropLocal
    case dropBadSynAck
    case dropSynData
    case resetEarlyFin

    /// The name in reports: `drop_ring_full`.
    public var name: String {
        var name = ""
        var previousIsUpper = true
        for character in "\(self)" {
            if character.isUppercase, !previousIsUpper { name += "_" }
            previousIsUpper = character.isUppercase
            name += character.lowercased()
        }
        return name
    }
}
