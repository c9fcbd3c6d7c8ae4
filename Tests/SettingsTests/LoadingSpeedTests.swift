// SPDX-License-Identifier: Apache-2.0

import Balancing
import Settings
import Testing
import WireTypes

#if DEBUG
    private let isOptimized = false
#else
    private let isOptimized = true
#endif

@Suite struct `Loading speed` {
    /// A file with routes by name, which go to three clusters in turn.
    private func file(routes count: Int) -> String {
        var text = """
            interface: eth0
            clusters:
              c0: [10.0.0.1:443]
              c1: [10.0.0.2:443]
              c2: [10.0.0.3:443]
            listeners:
              tls:
                address: 192.0.2.1:443
                routes:

            """
        for number in 0..<count { text += "      host\(number).zone.example: c\(number % 3)\n" }
        return text
    }

    @Test(.enabled(if: isOptimized, "only an optimised build is measured: swift test -c release"))
    func `of a hundred thousand routes is told, and all lead where they are written to`() throws {
        let text = file(routes: 100_000)
        var times: [Duration] = []
        for _ in 0..<9 {
            var loaded: Configuration?
            times.append(
                try ContinuousClock().measure {
                    loaded = try Configuration.parse(text: text, fileName: "many.yaml")
                })
            let listener = try #require(loaded?.listeners.first)
            #expect(listener.routes.routes.count == 100_000)
            for number in stride(from: 0, to: 100_000, by: 7) {
                let name = try #require(ServerName("host\(number).zone.example"))
                #expect(listener.cluster(for: name) == number % 3)
            }
        }
        times.sort()
        print("loading 100,000 routes: \(times[4]), \(times[0]) to \(times[8])")
    }
}
