// SPDX-License-Identifier: Apache-2.0

internal import WireTypes
internal import Yams

/// Reads a bootstrap of Envoy from top to bottom and goes on after each error, so that all are found.
///
/// What it reads is checked in Envoy's words here. Then it becomes a document of our own shape
/// (``EnvoyTranslation``), which our own reader checks like any other.
final class EnvoyReader {
    let reader: ConfigurationReader
    /// What means something else here than it does there, and may matter.
    private(set) var warnings: [ConfigurationError] = []
    var listeners: [EnvoyListener] = []
    var clusters: [EnvoyCluster] = []
    /// Places of clusters by name; nil when they could not be read.
    var clusterIndices: [String: Int]?
    var interfaces: [EnvoyText] = []
    var idleTimeout = EnvoySharedTime("idle_timeout", isDefault: EnvoyDefaults.idleTimeout)
    var lifetime = EnvoySharedTime("max_downstream_connection_duration", isDefault: nil)

    /// Where connections are logged; nil: nowhere.
    var accessLog: EnvoyAccessLogPlace?
    var hasWarnedOfOthers = false
    /// How many `tcp_proxy` were read.
    var filters = 0

    init(_ document: Document) { reader = ConfigurationReader(document) }

    /// Whether a document is one of Envoy's.
    static func reads(_ document: Document) -> Bool {
        guard case .mapping(let mapping) = document.root else { return false }
        return mapping.keys.contains { document.name(of: $0) == EnvoyFile.resources.name }
    }

    /// Reads everything; what it found is right only if there are no errors.
    func read() {
        let start = Position(line: 1, column: 1)
        let whole = Entry(name: "", position: start, value: reader.document.root)
        guard let file = SectionReader<EnvoyFile>(reader, whole),
            let entry = file.requiredEntry(EnvoyFile.resources),
            let resources = SectionReader<EnvoyResources>(
                reader, entry, title: "\"static_resources\"")
        else { return }
        readClusters(resources)
        readListeners(resources)
        for problem in idleTimeout.problems + lifetime.problems {
            report(problem.position, problem.sentence)
        }
    }

    func report(_ position: Position, _ sentence: String) { reader.report(position, sentence) }

    func warn(_ position: Position, _ sentence: String) {
        warnings.append(
            ConfigurationError(
                file: reader.document.fileName, position: position, sentence: sentence))
    }

    /// The members of a list of mappings; a value that is no such list is reported.
    func items<Keys>(_ section: SectionReader<Keys>, _ key: GroupKey) -> [Entry] {
        guard let entry = section.requiredEntry(key) else { return [] }
        guard case .sequence(let nodes) = entry.value, !nodes.isEmpty else {
            report(
                entry.valuePosition,
                "\(quoted(key.name)) is \(entry.value.found); write \(key.accepted)")
            return []
        }
        return nodes.map { Entry(name: key.name, position: Position($0), value: $0) }
    }

    /// The section that is the value of a key; nil when it is absent or wrong, and reported.
    func group<Keys, Inner: Section>(
        _ section: SectionReader<Keys>, _ key: GroupKey, _ inner: Inner.Type
    ) -> SectionReader<Inner>? {
        section.requiredEntry(key).flatMap {
            SectionReader<Inner>(reader, $0, title: quoted(key.name))
        }
    }

    /// The address and port of a section with the key `address`, and where they stand.
    func socketAddress<Keys, Socket: EnvoySocketKeys, Host>(
        _ section: SectionReader<Keys>, _ key: GroupKey, _ socket: Socket.Type,
        _ address: RequiredKey<Host>, _ port: RequiredKey<Int>,
        _ transport: ValueKey<EnvoySocketProtocol>
    ) -> (host: Host, port: UInt16, mark: Mark?)? {
        guard
            let entry = group(section, key, EnvoyAddress.self)?.requiredEntry(EnvoyAddress.socket),
            let socket = SectionReader<Socket>(reader, entry, title: "\"socket_address\"")
        else { return nil }
        _ = socket.value(transport)
        let (host, port) = (socket.required(address), socket.required(port))
        guard let host = host?.value, let port = port?.value else { return nil }
        return (host, UInt16(port), socket.entry(address)?.value.mark)
    }
}
