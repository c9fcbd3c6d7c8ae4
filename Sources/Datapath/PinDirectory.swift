// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import CrashPoints
internal import Foundation
public import KernelBPF

/// Where an instance keeps its kernel objects: `/sys/fs/bpf/sluice/NAME-vN`, N being the version
/// of the shared structs.
public struct PinDirectory: Sendable, Equatable {
    /// The bpffs mount.
    public static let root = "/sys/fs/bpf"
    /// The directory.
    public let path: String
    /// The instance's name.
    public let instance: String

    /// The directory of `instance` in this version of the structs.
    public init(instance: String) {
        self.init(instance: instance, version: Int(DATAPATH_ABI_VERSION))
    }

    private init(instance: String, version: Int) {
        self.instance = instance
        path = "\(Self.root)/sluice/\(instance)-v\(version)"
    }

    /// The path of a pin.
    public func pin(_ name: String) -> String { "\(path)/\(name)" }

    /// Whether anything is pinned.
    public var exists: Bool { BPFFilesystem.exists(path) }

    /// Why this user is not told whether anything is pinned; nil: he is.
    public var obstacle: BPFError? { BPFFilesystem.obstacle(to: path) }

    /// Whether nothing of the instance is pinned, of no version; false also if nobody can say.
    public var isNowhere: Bool { obstacle == nil && !exists && otherVersions.isEmpty }

    /// The names of all pins.
    public var pins: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Directories of the same instance that another version left.
    public var otherVersions: [PinDirectory] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Self.root + "/sluice"))
        return (names ?? []).compactMap { name in
            guard let dash = name.lastIndex(of: "-"), name[..<dash] == instance,
                let version = Int(name[dash...].dropFirst(2)), version != DATAPATH_ABI_VERSION
            else { return nil }
            return PinDirectory(instance: instance, version: version)
        }
    }

    /// Makes the directory, mounting bpffs if nobody did.
    public func create() throws(BPFError) {
        try BPFFilesystem.mountIfNeeded(at: Self.root)
        try BPFFilesystem.makeDirectory(Self.root + "/sluice")
        try BPFFilesystem.makeDirectory(path)
    }

    /// Removes every pin; kernel objects that nobody else holds go with them.
    func removePins() {
        for name in pins {
            BPFFilesystem.unpin(pin(name))
            CrashPoint.reach(.pinRemoved)
        }
    }

    /// Removes every pin and the directory.
    public func remove() {
        removePins()
        BPFFilesystem.removeDirectory(path)
        BPFFilesystem.removeDirectory(Self.root + "/sluice")
    }
}
