// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// Whose maps a verb is about.
struct InstanceOption: ParsableArguments {
    @Option(name: .customLong("instance"), help: "Whose maps to read.")
    var name = "sluice"

    /// The name is part of a path under /sys/fs/bpf.
    func validate() throws {
        let isFileName = !name.isEmpty && !name.hasPrefix(".") && !name.contains("/")
        guard isFileName else { throw ValidationError("\"\(name)\" is no name of an instance.") }
    }
}
