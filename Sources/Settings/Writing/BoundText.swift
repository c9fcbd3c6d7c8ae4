// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import WireTypes

extension Configuration {
    /// Bounds that the process and listeners have; what is not bounded is left out.
    func boundLines(
        _ maxConnections: Int?, _ access: AccessList = AccessList(), _ perSource: SourceLimit? = nil
    ) -> [String] {
        var lines: [String] = []
        if maxConnections != nil {
            lines.append(line(LimitsSection.maxConnections, maxConnections))
        }
        if !access.isEmpty {
            lines.append("\(LimitsSection.access.name):")
            lines += indented(self.lines(access))
        }
        if let perSource {
            lines.append("\(LimitsSection.perSource.name):")
            lines += indented(self.lines(perSource))
        }
        return lines
    }

    private func lines(_ access: AccessList) -> [String] {
        var lines = [line(AccessSection.denied, access.refusal)]
        for (key, blocks) in [
            (AccessSection.allow, access.allowed), (AccessSection.deny, access.denied),
        ] where !blocks.isEmpty {
            lines.append("\(key.name): \(FlowText.list(blocks.map(\.description)))")
        }
        return lines
    }

    private func lines(_ limit: SourceLimit) -> [String] {
        var lines = [
            line(PerSourceSection.prefixV4, limit.prefixLengthV4),
            line(PerSourceSection.prefixV6, limit.prefixLengthV6),
            line(PerSourceSection.above, limit.refusal),
            line(PerSourceSection.dryRun, limit.isDryRun),
        ]
        if limit.connections != nil {
            lines.append(line(PerSourceSection.connections, limit.connections))
        }
        if limit.rate != nil { lines.append(line(PerSourceSection.rate, limit.rate)) }
        if limit.burst != nil { lines.append(line(PerSourceSection.burst, limit.burst)) }
        return lines
    }
}
