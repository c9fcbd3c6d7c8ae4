// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// Clients that were spliced or handed over a moment ago.
///
/// Their next bytes may have been noted before the datapath knew, and must not begin a second
/// connection. Remembered for one to two of the times that `age` marks; after that, bytes are a
/// client's repetition, whose first attempt failed.
struct DepartedClients {
    private var recent: [FlowTuple: UInt32] = [:]
    private var older: [FlowTuple: UInt32] = [:]

    var isEmpty: Bool { recent.isEmpty && older.isEmpty }

    mutating func insert(_ client: PendingClient) {
        recent[client.client] = client.note.clientISN
    }

    func contains(_ client: FlowTuple, _ note: HandshakeNote) -> Bool {
        (recent[client] ?? older[client]) == note.clientISN
    }

    mutating func age() {
        if isEmpty { return }
        swap(&recent, &older)
        recent.removeAll(keepingCapacity: true)
    }
}
