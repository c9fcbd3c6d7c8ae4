// SPDX-License-Identifier: Apache-2.0

/// How a connection ended, in the log's word.
public enum ConnectionEnd: String, Sendable, CaseIterable {
    /// Both sides closed, the client first.
    case finClient = "fin_client"
    /// Both sides closed, the endpoint first.
    case finEndpoint = "fin_endpoint"
    /// An RST of the client.
    case rstClient = "rst_client"
    /// An RST of the endpoint.
    case rstEndpoint = "rst_endpoint"
    /// An RST while nobody watched: of which end is not known.
    case reset = "rst"
    /// It was silent for `limits.idle_timeout`.
    case idle
    /// It reached `limits.max_lifetime`.
    case lifetime
    /// `flowdump kill`.
    case killed
    /// Its endpoint was down, or drained past the deadline.
    case endpointDown = "endpoint_down"
    /// The kernel forgot both of its directions.
    case evicted
    /// The client was turned away.
    case rejected
    /// No socket could be made for it.
    case failed
    /// The daemon stopped, which ends what it relays.
    case stopped
    /// It is gone, and nobody saw how.
    case unknown
}

/// Why a client was turned away.
public enum RejectionReason: String, Sendable, CaseIterable {
    /// No rule is for it, and there is no default.
    case noRule = "no-rule"
    /// Its rule says so.
    case rule
    /// Its first bytes are not TLS.
    case notTLS = "not-tls"
    /// Its hello contradicts itself, or asks for what is no name.
    case malformedHello = "malformed-hello"
    /// Its hello is larger than `hello.max_size`.
    case helloTooLarge = "hello-too-large"
    /// Its hello was not whole in time, or at its FIN.
    case helloTimeout = "hello-timeout"
    /// Too many clients owed their hello.
    case helloEvicted = "hello-evicted"
    /// It did not begin with the PROXY header that its sender owes.
    case proxyHeader = "proxy-header"
    /// The process, its listener, its cluster, each endpoint or its source has all the connections it
    /// may have, or its source opens them too fast.
    case full
    /// No endpoint of its cluster took it.
    case noEndpoint = "no-endpoint"
}
