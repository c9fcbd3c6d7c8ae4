// SPDX-License-Identifier: Apache-2.0

internal import Yams

/// Where Envoy's access log goes, and the first place that says so.
struct EnvoyAccessLogPlace {
    let place: EnvoyText
    let position: Position
}

extension EnvoyReader {
    /// The loggers of a `tcp_proxy`; all filters must have the same, since ours is one for all.
    func readAccessLog(_ section: SectionReader<EnvoyTCPProxy>, _ filter: Entry) {
        defer { filters += 1 }
        guard let entry = section.entry(EnvoyTCPProxy.accessLog), !entry.isEmptyList else {
            if let accessLog { warnOfOthers(filter.position, accessLog) }
            return
        }
        let loggers = items(section, EnvoyTCPProxy.accessLog)
        if loggers.count > 1 {
            report(
                loggers[1].position, "this is a second access log, and one is all; leave it out")
        }
        guard let logger = loggers.first, let place = place(logger) else { return }
        let position = loggers[0].position
        if let accessLog {
            if accessLog.place.text != place.text {
                report(
                    position,
                    "this access log goes to \(place.text), and the one in line "
                        + "\(accessLog.position.line) to \(accessLog.place.text); sluice has one "
                        + "for all connections, so write the same in each tcp_proxy")
            }
            return
        }
        let found = EnvoyAccessLogPlace(place: place, position: position)
        accessLog = found
        warn(
            position,
            "lines of the access log are JSON with keys of sluice's own, one for each connection "
                + "that is over")
        if filters > 0 { warnOfOthers(position, found) }
    }

    private func warnOfOthers(_ position: Position, _ log: EnvoyAccessLogPlace) {
        if hasWarnedOfOthers { return }
        hasWarnedOfOthers = true
        warn(
            position,
            "connections of filters without an access log are logged, too: sluice has one for all")
    }

    private func place(_ entry: Entry) -> EnvoyText? {
        guard let section = SectionReader<EnvoyAccessLog>(reader, entry, title: "an access log"),
            let name = section.required(EnvoyAccessLog.name)
        else { return nil }
        let config = section.entry(EnvoyAccessLog.config)
        let type = config.flatMap { self.type(of: $0) }
        let settings = config.flatMap {
            SectionReader<EnvoyLogger>(reader, $0, title: "\"typed_config\"")
        }
        let mark = config?.value.mark ?? entry.value.mark
        switch type ?? EnvoyTyped.lastWord(name.value) {
        case "StdoutAccessLog", "stdout": return stream("stdout", settings, mark)
        case "StderrAccessLog", "stderr": return stream("stderr", settings, mark)
        case "FileAccessLog", "file": return file(settings, name.position)
        default:
            report(
                name.position,
                "the access log \(quoted(name.value)) is not supported; write "
                    + "envoy.access_loggers.file, envoy.access_loggers.stdout or "
                    + "envoy.access_loggers.stderr")
            return nil
        }
    }

    private func stream(
        _ word: String, _ settings: SectionReader<EnvoyLogger>?, _ mark: Mark?
    ) -> EnvoyText {
        if let path = settings?.entry(EnvoyLogger.file) {
            report(path.position, "\"path\" is for envoy.access_loggers.file; leave it out")
        }
        return EnvoyText(word, mark)
    }

    private func file(_ settings: SectionReader<EnvoyLogger>?, _ position: Position) -> EnvoyText? {
        guard let settings, settings.mentions(EnvoyLogger.file) else {
            report(position, "an access log in a file has no \"path\"; write one")
            return nil
        }
        guard let path = settings.value(EnvoyLogger.file) else { return nil }
        let words = ["/dev/stdout": "stdout", "/dev/stderr": "stderr"]
        return EnvoyText(words[path] ?? path, settings.entry(EnvoyLogger.file)?.value.mark)
    }
}

extension Entry {
    fileprivate var isEmptyList: Bool {
        if case .sequence(let nodes) = value { return nodes.isEmpty }
        return false
    }
}
