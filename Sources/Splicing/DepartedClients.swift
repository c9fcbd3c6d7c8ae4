// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// Clients that were spliced or handed over a moment ago.
///
/// Their next bytes may have been noted before the datapath knew, and must not begin a second
/// connection. Remembered for one to two of the times that `age` marks; after that, bytes are a
/// client's repetition, whose first attempt failed.
struct DepartedClients {
    /// Hash values: that two clients share one of 64 bits does not happen, and if it does, the second
    /// one's hello waits for its repetition.
    private var recent: Set<Int> = []
    private var older: Set<Int> = []

    var isEmpty: Bool { recent.isEmpty && older.isEmpty }

    mutating func insert(_ client: PendingClient) {
        recent.insert(Self.fingerprint(client.client, client.note))
    }

    func contains(_ client: FlowTuple, _ note: HandshakeNote) -> Bool {
        if isEmpty { return false }
        let fingerprint = Self.fingerprint(client, note)
        return recent.contains(fingerprint) || older.contains(fingerprint)
    }

    /// Gives back what many took as soon as there are none.
    mutating func age() {
        if isEmpty { return }
        swap(&recent, &older)
        recent.removeAll(keepingCapacity: true)
        if older.isEmpty { self = DepartedClients() }
    }

    private static func fingerprint(_ client: FlowTuple, _ note: HandshakeNote) -> Int {
        var hasher = Hasher()
        hasher.combine(client)
        hasher.combine(note.clientISN)
        return hasher.finalize()
    }
}
