// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The names that the kernel looks up on the way to a file: those of its directories, of links, and of
/// where these lead. Whoever replaces what one of them stands for replaces the file.
public struct FileTrail: Hashable, Sendable {
    /// A name in a directory, whose own path has no links.
    public struct Step: Hashable, Sendable {
        /// The directory's path.
        public var directory: String
        /// The name in it.
        public var name: String

        /// A name in a directory.
        public init(directory: String, name: String) {
            self.directory = directory
            self.name = name
        }

        /// The path of both.
        public var path: String { directory == "/" ? "/" + name : directory + "/" + name }
    }

    /// The steps, as far as the file or its directories are there.
    public private(set) var steps: Set<Step> = []

    /// More links than this on one way are a loop (path_resolution(7)).
    private static let linkLimit = 40

    /// The trail to the file at an absolute path.
    public init(to path: String) {
        var rest = Self.names(path)
        var directory = "/"
        var links = 0
        while let name = rest.popLast() {
            if name == ".." {
                directory = (directory as NSString).deletingLastPathComponent
                continue
            }
            let step = Step(directory: directory, name: name)
            steps.insert(step)
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: step.path)
            guard let target, links < Self.linkLimit else {
                directory = step.path
                continue
            }
            links += 1
            if target.hasPrefix("/") { directory = "/" }
            rest += Self.names(target)
        }
    }

    /// Last first.
    private static func names(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
    }
}
