// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WireTypes

/// The clients that endpoints did not take since they took one, where they see who their clients are.
///
/// An endpoint may have something against one of them, a ban mostly. So a client's failed connects say
/// something of the endpoint's health once, however often it tries. Shared by all workers, and by all
/// copies of a snapshot.
final class RefusedClients: Sendable {
    private static let most = 64
    private let clients = Mutex<[Int: Set<UInt64>]>([:])
    private let isEmpty = Atomic<Bool>(true)

    /// Whether a client's connect has not failed there before. Of IPv6 a block of 64 bits is one client.
    func isFirst(_ client: IPAddress, at target: Int) -> Bool {
        clients.withLock { clients in
            isEmpty.store(false, ordering: .relaxed)
            guard clients[target]?.count ?? 0 < Self.most else { return true }
            let block = client.isIPv4 ? client.low : client.high
            return clients[target, default: []].insert(block).inserted
        }
    }

    /// The endpoint took a client.
    func forget(_ target: Int) {
        if isEmpty.load(ordering: .relaxed) { return }
        clients.withLock { clients in
            clients[target] = nil
            isEmpty.store(clients.isEmpty, ordering: .relaxed)
        }
    }
}
