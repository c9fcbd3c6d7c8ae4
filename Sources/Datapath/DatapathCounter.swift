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
    case dropFragment
    case dropStray
    case dropTooBig
    case icmpTranslated
    case dropIcmpStale
    case icmpSent
    case icmpLimited
    case sourceDenied
    case sourceFull
    case sourceTooFast
    case fastDryRun
    case plainOpened
    case plainRefused
    case plainFull
    case helloRouted

    /// The name in reports: `drop_ring_full`.
    public var name: String { snakeCase("\(self)") }
}

/// What the daemon counts, in the order of enum daemon_counter.
public enum DaemonCounter: UInt32, CaseIterable, Sendable {
    /// ClientHellos that were whole.
    case classified
    /// Splices whose endpoint answered.
    case established
    /// Splices that are over.
    case ended
    /// Clients handed to the relay.
    case relayed
    /// Clients turned away.
    case rejected
    /// Attempts that an endpoint refused, let time out or challenged.
    case failedAttempts
    /// Hellos larger than their listener allows.
    case clientHelloTooLarge
    /// Clients whose hello was not whole in time.
    case clientHelloTimedOut
    /// Segments of hellos with a wrong TCP checksum; their clients repeat them.
    case clientHelloDamaged
    /// Quiet flows that were asked whether they live.
    case idleProbed
    /// Flows ended for being idle.
    case idleEnded
    /// Flows ended by their greatest age.
    case lifetimeEnded
    /// Live flows of which the kernel forgot a direction.
    case evicted
    /// … and that were made whole again.
    case restored
    /// Flows ended because their endpoint was down.
    case downEnded
    /// Configurations that took the place of another.
    case reloaded
    /// Configurations that could not.
    case reloadRefused
    /// Clients reset to make room, since too many owe their hello.
    case helloEvicted
    /// Clients turned away, since the process has all the connections that it may have.
    case processFull
    /// … their listener.
    case listenerFull
    /// … their cluster.
    case clusterFull
    /// … each endpoint of it.
    case endpointsFull
    /// … their source.
    case sourceFull
    /// Clients let through that this would have turned away.
    case sourceFullDryRun
    /// Clients of a listening socket that a list denies.
    case socketDenied
    /// … whose source opens connections too fast.
    case socketTooFast
    /// Clients let through that this would have turned away.
    case socketFastDryRun
    /// Clients from where a PROXY header has to come, without a right one.
    case proxyHeaderRejected

    /// The name in reports: `client_hello_too_large`.
    public var name: String { snakeCase("\(self)") }
}

private func snakeCase(_ camelCase: String) -> String {
    var name = ""
    var previousIsUpper = true
    for character in camelCase {
        if character.isUppercase, !previousIsUpper { name += "_" }
        previousIsUpper = character.isUppercase
        name += character.lowercased()
    }
    return name
}
