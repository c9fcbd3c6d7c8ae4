// SPDX-License-Identifier: Apache-2.0

import Balancing
import ConnectionLogging
import Datapath
import Foundation
import Logging
import Settings
import Splicing

extension Daemon {
    /// The connection log, if there is to be one.
    static func openLog(
        _ configuration: Configuration, _ datapath: KernelDatapath?, _ logger: Logger
    ) throws -> ConnectionLog? {
        guard let target = ConnectionLogTarget(configuration.log.connections) else { return nil }
        if case .file(let path) = configuration.log.connections {
            let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            guard directory.isEmpty || FileManager.default.fileExists(atPath: directory) else {
                throw Refusal(
                    "no connection log: \(directory) does not exist; make it: mkdir -p \(directory)"
                )
            }
        }
        do {
            return try ConnectionLog(to: target, logger: logger) { id in
                datapath?.serverName(id)
            }
        } catch {
            throw Refusal("no connection log: \(error)")
        }
    }
}

extension ConnectionLogTarget {
    fileprivate init?(_ place: ConnectionLogPlace) {
        switch place {
        case .off: return nil
        case .standardError: self = .standardError
        case .standardOutput: self = .standardOutput
        case .file(let path): self = .file(path)
        }
    }
}

extension ConnectionNames {
    /// Knows the listeners and clusters of a configuration, by the ids that flows carry.
    func add(_ routing: Routing) {
        let configuration = routing.configuration
        add(
            listeners: Dictionary(
                zip(routing.listenerIDs, configuration.listeners.map(\.name)),
                uniquingKeysWith: { first, _ in first }),
            clusters: Dictionary(
                zip(routing.snapshot.clusters.map(\.id), configuration.clusters.map(\.name)),
                uniquingKeysWith: { first, _ in first }))
    }
}
