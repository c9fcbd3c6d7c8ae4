// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// Which instance a verb is about.
struct InstanceOption: ParsableArguments {
    @Option(name: .customLong("instance"), help: "The instance.")
    var name = "sluice"

    /// The name is part of paths.
    func validate() throws {
        guard Configuration.isInstance(name) else {
            throw ValidationError(
                "\"\(name)\" is no instance; write \(Configuration.acceptedInstances).")
        }
    }
}
