// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Datapath
import KernelBPF
import KernelSockets
import Logging

// A start beside pins of another version: it takes over what is in them.
extension Daemon {
    /// Pins of another version, locked, or nil.
    static func findOtherVersion(_ pins: PinDirectory) throws -> LayoutMigration? {
        do {
            return try LayoutMigration.find(beside: pins)
        } catch {
            throw failure("\(error)")
        }
    }

    /// The exit code after the sentence that a start could not take over another version's flows.
    static func refusal(of migration: LayoutMigration?, _ error: any Error) -> ExitCode {
        guard let migration else { return failure("\(error)") }
        let what = "cannot take over instance \(migration.old.instance)"
        if migration.hasSwitched {
            return failure(
                "\(what) from \(migration.old.path) to the end: \(error). "
                    + "Its flows go on, and the next start continues")
        }
        return failure(
            "\(what) from \(migration.old.path): \(error). Its flows go on as they did. "
                + "End them with: sluice unload --instance \(migration.old.instance)")
    }

    /// Programs for every link that is to be taken over, and room for every row.
    static func prepare(
        _ options: inout DatapathOptions, for migration: LayoutMigration
    ) throws(BPFError) {
        options.flows = max(options.flows, try migration.flowCapacity)
        options.links.formUnion(links(of: migration).values)
        options.mergesRows = true
    }

    /// Those of its interfaces that are there.
    static func links(of migration: LayoutMigration) -> [UInt32: LinkKind] {
        var links: [UInt32: LinkKind] = [:]
        for index in migration.interfaces {
            links[index] = NetworkInterface(index: index)?.link
        }
        return links
    }

    /// Lets our programs translate what another version's did. Before flows are adopted and ports
    /// handed out, and after all else that may fail.
    func takeOver(_ datapath: KernelDatapath) throws {
        guard let migration else { return }
        do {
            try migration.move(to: datapath, kinds: Self.links(of: migration))
        } catch {
            throw Self.refusal(of: migration, error)
        }
        logger.info(
            "flows of another version taken over", metadata: ["pins": "\(migration.old.path)"])
        self.migration = nil
    }
}
