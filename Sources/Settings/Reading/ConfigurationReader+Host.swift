// SPDX-License-Identifier: Apache-2.0

internal import WireTypes
internal import Yams

extension ConfigurationReader {
    func interfaces(_ file: SectionReader<FileSection>) -> [InterfaceSelector] {
        // A number in quotes is a name: interfaces may be called "7".
        let named = [FileSection.interface, FileSection.interfaces].flatMap { key in
            file.values(key) { scalar in
                scalar.style == .plain
                    ? key.form.parse(scalar.string) : InterfaceSelector(name: scalar.string)
            }
        }
        var interfaces: [InterfaceSelector] = []
        for (selector, position) in named + file.values(FileSection.interfaceIndex) {
            if interfaces.contains(selector) {
                report(position, "interface \(selector) is named twice; write it once")
            } else {
                interfaces.append(selector)
            }
        }
        return interfaces
    }

    func source(_ file: SectionReader<FileSection>) -> SourcePool {
        guard let entry = file.entry(FileSection.source),
            let section = SectionReader<SourceSection>(self, entry)
        else { return Defaults.source }
        var addresses: [IPAddress] = []
        for (address, position) in section.values(SourceSection.addresses) {
            if addresses.contains(address) {
                report(position, "source address \(address) is named twice; write it once")
            } else {
                addresses.append(address)
            }
        }
        let ports = ports(section)
        return SourcePool(
            addresses: addresses, ports: ports.isEmpty ? Defaults.source.ports : ports)
    }

    private func ports(_ section: SectionReader<SourceSection>) -> [ClosedRange<UInt16>] {
        var ports: [ClosedRange<UInt16>] = []
        for (ranges, position) in section.values(SourceSection.ports) {
            for range in ranges {
                if let other = ports.first(where: { $0.overlaps(range) }) {
                    report(
                        position,
                        "ports \(portRangeText(range)) overlap \(portRangeText(other)); "
                            + "write each port once")
                } else {
                    ports.append(range)
                }
            }
        }
        if ports.count > SourcePool.rangeLimit, let entry = section.entry(SourceSection.ports) {
            report(
                entry.valuePosition,
                "\"ports\" has \(ports.count) ranges; write at most \(SourcePool.rangeLimit)")
        }
        return ports
    }

    func limits(_ file: SectionReader<FileSection>) -> Limits {
        guard let entry = file.entry(FileSection.limits),
            let section = SectionReader<LimitsSection>(self, entry)
        else { return Defaults.limits }
        return Limits(
            flows: section.value(LimitsSection.flows),
            watermark: section.value(LimitsSection.watermark),
            handshakes: section.value(LimitsSection.handshakes),
            halfClassified: section.value(LimitsSection.halfClassified),
            idleTimeout: section.value(LimitsSection.idleTimeout),
            idleProbe: section.value(LimitsSection.idleProbe),
            countsKeepalives: section.value(LimitsSection.keepalives),
            maxLifetime: section.value(LimitsSection.maxLifetime),
            closedLinger: section.value(LimitsSection.closedLinger),
            maxConnections: section.value(LimitsSection.maxConnections),
            access: access(section.entry(LimitsSection.access)),
            perSource: perSource(section.entry(LimitsSection.perSource)),
            trackedSources: section.value(LimitsSection.trackedSources))
    }

    func log(_ file: SectionReader<FileSection>) -> LogSettings {
        guard let entry = file.entry(FileSection.log),
            let section = SectionReader<LogSection>(self, entry)
        else { return Defaults.log }
        return LogSettings(
            format: section.value(LogSection.format), level: section.value(LogSection.level),
            connections: section.value(LogSection.connections))
    }
}
