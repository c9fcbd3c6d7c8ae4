// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import Synchronization

    /// What the environment says of crashes; nil in `shared` when it says nothing.
    @usableFromInline
    final class CrashSwitch: Sendable {
        @usableFromInline static let shared = ProcessInfo.processInfo.environment[
            "SLUICE_CRASH_AT"
        ].map(CrashSwitch.init)

        private let text: String
        private let reached = Mutex<[CrashPoint: Int]>([:])

        private init(_ text: String) { self.text = text }

        @usableFromInline
        func isArmed(_ point: CrashPoint) -> Bool { wanted()?.point == point }

        @usableFromInline
        func reach(_ point: CrashPoint) {
            guard let wanted = wanted(), wanted.point == point else { return }
            let times = reached.withLock { reached in
                reached[point, default: 0] += 1
                return reached[point, default: 0]
            }
            guard times >= wanted.count else { return }
            Self.say("crash point \(point.rawValue) reached")
            // Not exit(3): nothing may be cleaned up.
            kill(getpid(), SIGKILL)
        }

        private func wanted() -> (point: CrashPoint, count: Int)? {
            var words = text
            if text.contains("/") {
                guard let content = try? String(contentsOfFile: text, encoding: .utf8)
                else { return nil }
                words = content.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            guard !words.isEmpty else { return nil }
            let parts = words.split(separator: ":")
            let count = parts.count == 2 ? Int(parts[1]) : 1
            guard let point = parts.first.flatMap({ CrashPoint(rawValue: String($0)) }),
                let count, parts.count <= 2
            else {
                // A test that names no place would wait for a crash in vain.
                Self.say("SLUICE_CRASH_AT: no crash point \"\(words)\"")
                exit(2)
            }
            return (point, count)
        }

        private static func say(_ sentence: String) {
            FileHandle.standardError.write(Data("\(sentence)\n".utf8))
        }
    }
#endif
