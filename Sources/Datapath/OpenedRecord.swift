// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import WireTypes

/// A client whose name is known: the datapath has sent the SYN to its endpoint.
public struct OpenedRecord: Sendable, Equatable {
    /// Client → listener.
    public let client: FlowTuple
    /// Balancer → endpoint.
    public let upstream: FlowTuple
    /// What the SYN said.
    public let note: HandshakeNote
    /// Our initial sequence number towards the endpoint.
    public let isn: UInt32
    /// The client's TSval in the hello; 0 without timestamps.
    public let clientTimestamp: UInt32
    /// Its TSecr.
    public let clientTimestampEcho: UInt32
    /// The client's window in the hello, unscaled as on the wire.
    public let clientWindow: UInt16
    /// CLOCK_MONOTONIC nanoseconds; 0: a row was in the way, and there is nothing but a port to give
    /// back.
    public let createdNanoseconds: UInt64
    /// Where the hello lies.
    public let template: TemplateReference
    /// Id of the cluster in the name table.
    public let cluster: UInt16
    /// Index of the endpoint in it, when the name was learned.
    public let endpoint: UInt16

    init(_ record: opened_record) {
        client = FlowTuple(record.hello.tuple)
        upstream = FlowTuple(record.rewrite)
        note = HandshakeNote(record.hello.note)
        isn = record.isn
        clientTimestamp = record.hello.tsval
        clientTimestampEcho = record.hello.tsecr
        clientWindow = UInt16(truncatingIfNeeded: record.hello.window)
        createdNanoseconds = record.hello.created_ns
        var template = TemplateReference()
        template.slot = record.template_slot
        template.stamp = record.template_stamp
        template.segments = UInt16(truncatingIfNeeded: record.segments)
        template.length = record.length
        self.template = template
        cluster = record.cluster
        endpoint = record.endpoint
    }
}
