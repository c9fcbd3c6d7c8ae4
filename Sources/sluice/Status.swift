// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Datapath
import Foundation
import KernelSockets

/// `sluice status`: what an instance has in the kernel.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what an instance has attached and pinned.")

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    func run() throws {
        let pins = PinDirectory(instance: instance)
        if let obstacle = pins.obstacle { throw failure("\(obstacle)") }
        let others = pins.otherVersions.map(\.path)
        guard pins.exists else {
            if let other = others.first {
                throw failure(
                    "instance \(instance) is of another version, pinned under \(other); a start of "
                        + "this one takes its flows over")
            }
            throw failure("no instance \(instance): nothing pinned under \(pins.path)")
        }
        print("instance   \(instance)")
        for other in others { print("unfinished upgrade from \(other): start sluice to go on") }
        print("pins       \(pins.path)")
        print("daemon     \(InstanceLock.isHeld(pins) ? "running" : "not running")")
        for (interface, mode) in KernelDatapath.attachedInterfaces(pins) {
            let name = NetworkInterface(index: interface)?.name ?? "gone"
            print("interface  \(name) (index \(interface)) by \(mode.rawValue)")
        }
    }
}

/// `sluice unload`: removes what a daemon left running on purpose, or by dying.
struct Unload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Detach an instance and remove its pins; its flows end.")

    @OptionGroup var named: InstanceOption
    private var instance: String { named.name }

    func run() throws {
        let pins = PinDirectory(instance: instance)
        if let obstacle = pins.obstacle { throw failure("\(obstacle)") }
        guard !InstanceLock.isHeld(pins) else {
            throw failure("instance \(instance) has a running daemon; stop it first")
        }
        for other in pins.otherVersions where InstanceLock.isHeld(other) {
            throw failure(
                "instance \(instance) has a running daemon of another version, at \(other.path); "
                    + "stop it first")
        }
        var didUnload = KernelDatapath.unload(pins)
        for other in pins.otherVersions { didUnload = KernelDatapath.unload(other) || didUnload }
        guard didUnload else {
            throw failure("no instance \(instance): nothing pinned under \(pins.path)")
        }
        // One that was killed left it.
        try? FileManager.default.removeItem(atPath: controlPath(instance: instance))
        print("unloaded instance \(instance)")
    }
}
