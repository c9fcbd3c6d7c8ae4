// SPDX-License-Identifier: Apache-2.0

import Balancing
import Foundation
import Settings
import Testing
import WireTypes

#if DEBUG
    private let isOptimized = false
#else
    private let isOptimized = true
#endif

@Suite struct `Loading speed` {
    /// Where the routes of a configuration stand, which go to three clusters in turn.
    enum Place: CaseIterable {
        case inside
        case inAFile

        func write(_ count: Int, to folder: URL) throws -> String {
            var text = """
                interface: eth0
                clusters:
                  c0: [10.0.0.1:443]
                  c1: [10.0.0.2:443]
                  c2: [10.0.0.3:443]
                listeners:
                  tls:
                    address: 192.0.2.1:443

                """
            switch self {
            case .inside: text += "    routes:\n" + list(count) { "      \($0): \($1)\n" }
            case .inAFile:
                text += "    routes_file: names.txt\n"
                try list(count) { "\($0) \($1)\n" }.write(
                    to: folder.appending(path: "names.txt"), atomically: true, encoding: .utf8)
            }
            let file = folder.appending(path: "sluice.yaml")
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }

        private func list(_ count: Int, _ line: (String, String) -> String) -> String {
            (0..<count).map { line("host\($0).zone.example", "c\($0 % 3)") }.joined()
        }
    }

    @Test(
        .enabled(if: isOptimized, "only an optimised build is measured: swift test -c release"),
        arguments: Place.allCases)
    func `of a hundred thousand routes is told, and all lead where they are written to`(
        place: Place
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try place.write(100_000, to: folder)
        var times: [Duration] = []
        for _ in 0..<9 {
            var loaded: Configuration?
            times.append(
                try ContinuousClock().measure { loaded = try Configuration.load(file: file) })
            let listener = try #require(loaded?.listeners.first)
            #expect(listener.routes.routes.count == 100_000)
            for number in stride(from: 0, to: 100_000, by: 7) {
                let name = try #require(ServerName("host\(number).zone.example"))
                #expect(listener.cluster(for: name) == number % 3)
            }
        }
        times.sort()
        print("loading 100,000 routes, \(place): \(times[4]), \(times[0]) to \(times[8])")
    }
}
