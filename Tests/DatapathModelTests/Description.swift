// SPDX-License-Identifier: Apache-2.0

import DatapathModel
import DatapathTesting

/// A comparison for people: the packet, the rows, both outcomes.
func describe(_ comparison: Comparison) -> String {
    let trial = comparison.trial
    let hasLink = trial.link == .ethernet
    var lines = [
        "differs: \(comparison.differences.joined(separator: ", "))",
        "\(trial.hook) \(trial.link), \(trial.isFromHost ? "from the host, " : "")"
            + "segments \(trial.segments)×\(trial.segmentSize), priority \(trial.priority)",
        "packet \(trial.packet.map(hex).joined())",
        "  " + line(trial.packet, hasLink),
    ]
    for (index, row) in trial.rows.enumerated() {
        lines.append("row \(index) \(fields(row.key))")
        lines.append("  before \(fields(row.row)), seen \(row.seen)")
        lines.append("  model  \(comparison.world.row(of: row.key).map(fields) ?? "gone")")
        lines.append("  kernel \(comparison.kernel.rows[index].map { "\($0)" } ?? "gone")")
    }
    for (slot, way) in comparison.kernel.ways { lines.append("way \(slot): \(way)") }
    for row in trial.openings { lines.append("opening \(fields(row.key)): \(fields(row.row))") }
    if trial.isPlain {
        lines.append("plain \(fields(trial.plain))")
        lines.append("  model  \(fields(comparison.world.openings))")
        lines.append("  kernel \(comparison.kernel.openings)")
    }
    if trial.hook == .handshake {
        lines.append("clients \(trial.handshakes)")
        lines.append("  model  \(comparison.world.handshakes.notes)")
        lines.append("  kernel \(comparison.kernel.note.map { "\($0)" } ?? "no note")")
    }
    if !trial.names.targets.isEmpty {
        lines.append("names \(fields(trial.names)), \(trial.forgetsNames ? "forgotten" : "known")")
        lines.append("  model  \(fields(comparison.world.rows)), \(comparison.world.names.targets)")
        lines.append("  kernel \(comparison.kernel.routed), \(comparison.kernel.portsLeft) left")
    }
    let model = comparison.model
    lines.append("verdict: model \(model.verdict), kernel \(comparison.kernel.verdict)")
    lines.append("model counts \(model.counters), tells \(model.records.count) records")
    // A packet sent on has a link header.
    let side = SideBySide(
        expected: model.bytes, actual: comparison.kernel.bytes,
        hasLink: hasLink || model.verdict == .redirect)
    if model.verdict != .drop { lines.append(side.description) }
    return lines.joined(separator: "\n")
}

private func line(_ packet: [UInt8], _ hasLink: Bool) -> String {
    let reading = PacketReading(packet, hasLink: hasLink)
    let fields = reading.fields.map { "\($0.name) \($0.value)" } + reading.faults.map { "✗ \($0)" }
    return fields.joined(separator: ", ")
}

private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// Names and values without the types.
private func fields(_ value: Any) -> String {
    "\(value)".replacing("DatapathModel.", with: "")
}
