// SPDX-License-Identifier: Apache-2.0

internal import Datapath
internal import WireTypes

/// The PROXY header that an endpoint has not acknowledged yet, for another time.
extension Splicer where Kernel: ~Copyable {
    /// As it was sent, when the template still has it; else made again from what the row and the
    /// client's repetition say. Empty: nobody can say it, and the client has to repeat more.
    func ownedBytes(_ row: SpliceRow, _ answers: SpliceRow, _ late: [LateSegment]) -> [UInt8] {
        if let stored = kernel.stored(answers.template, count: row.ownedLength) { return stored }
        guard let (client, hello) = said(row, late) else { return [] }
        let own = routes.clusters.first { $0.id == row.cluster }
        // An earlier daemon may have sent them, by another setting.
        if let own {
            let header = header(own, row, client, hello, length: row.prefaceLength)
            if header.count == row.ownedLength { return header }
        }
        let versions: [ProxyProtocol] = [.v1, .v2]
        if let header = versions.lazy.map({ $0.header(of: client) })
            .first(where: { $0.count == row.ownedLength })
        {
            return header
        }
        // What cannot be known any more is left out: the stream is in its place all the same.
        guard let own, own.proxyProtocol == .v2 else { return [] }
        let filled = header(own, row, client, hello, length: row.ownedLength)
        return filled.count == row.ownedLength ? filled : []
    }

    private func header(
        _ cluster: ClusterState, _ row: SpliceRow, _ client: FlowTuple, _ hello: ArraySlice<UInt8>,
        length: Int
    ) -> [UInt8] {
        let identity = ConnectionIdentity(
            of: row.client, created: row.createdNanoseconds, key: settings.sequenceKey)
        return cluster.proxyHeader(
            of: client, named: names.name(of: row.serverName), hello: hello.span,
            identity: identity, length: length)
    }

    /// Whom the client's bytes name, and those behind that, as far as they were repeated; nil: they
    /// name somebody, but were not repeated from their beginning.
    private func said(
        _ row: SpliceRow, _ late: [LateSegment]
    ) -> (client: FlowTuple, hello: ArraySlice<UInt8>)? {
        let first = late.first { $0.sequence == row.clientISN &+ 1 }
        guard row.prefaceLength > 0 else { return (row.client, first?.bytes[...] ?? []) }
        guard let bytes = first?.bytes, case .whole(let preface) = ProxyPreface.read(bytes.span),
            preface.length == row.prefaceLength
        else { return nil }
        return (preface.named ?? row.client, bytes[preface.length...])
    }
}
