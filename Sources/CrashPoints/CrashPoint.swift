// SPDX-License-Identifier: Apache-2.0

/// Places where a daemon may die in the middle of something; tests make it die there.
///
/// A switch of debug builds: `SLUICE_CRASH_AT=NAME[:COUNT]` kills the process, as `kill -9` does, when
/// it reaches the place of that name for the COUNT-th time. A value with a slash is the path of a
/// file that holds the same and is read each time. In release builds nothing of this is left but
/// the names.
public enum CrashPoint: String, CaseIterable, Sendable {
    // From hello to splice.
    case helloRead, endpointPicked, portTaken, templateWritten, clientRowWritten, rowsWritten
    case synSent, establishedRead
    // An endpoint that refuses.
    case refusalRead, attemptRemoved
    // A client that gets a kernel socket.
    case handedOver, socketMade, repairOn, queuesSet, bound, connected, optionsSet, queueFilled
    case windowSet, tupleNoted, repairOff, endpointConnecting, endpointConnected
    // The start.
    case mapsPinned, flowsAdopted, workersStarted, flowsAttached, handshakeAttached
    // The start beside pins of another version.
    case tablesCopied, rowsCopied, linkPinned, linkUpdated, linkMoved, rowMerged, rowsMerged
    // The stop.
    case handshakesDetached, workersStopped, relayStopped, tableUnpinned, flowsDetached
    case pinRemoved

    /// Dies here if this is the place. Free in release builds.
    @inlinable @inline(__always)
    public static func reach(_ point: CrashPoint) {
        #if DEBUG
            CrashSwitch.shared?.reach(point)
        #endif
    }

    /// Whether something that is one step should be done in two, so that this place exists.
    @inlinable @inline(__always)
    public static func isArmed(_ point: CrashPoint) -> Bool {
        #if DEBUG
            CrashSwitch.shared?.isArmed(point) ?? false
        #else
            false
        #endif
    }
}
