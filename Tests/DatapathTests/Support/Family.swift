// SPDX-License-Identifier: Apache-2.0

import WireTypes

/// The two families with their addresses.
///
/// BPF_PROG_TEST_RUN takes the protocol from bytes 12 and 13 of what it is given, Ethernet or not.
/// The addresses that packets come from are such (8.0.x.y, 2001:db8:86dd::) that these bytes of a
/// bare IP header say the right protocol, which lets programs for header-less devices run as well.
enum Family: String, CaseIterable, Sendable {
    case v4, v6

    /// Client → listener.
    var client: FlowTuple {
        self == .v4
            ? tuple("8.0.0.7:50000", "192.0.2.1:443")
            : tuple("[2001:db8:86dd::7]:50000", "[2001:db8:1::1]:443")
    }

    /// Balancer → endpoint.
    var upstream: FlowTuple {
        self == .v4
            ? tuple("198.51.100.9:20001", "8.0.2.2:8443")
            : tuple("[2001:db8:1::9]:20001", "[2001:db8:86dd:2::2]:8443")
    }

    /// Balancer → an endpoint that no route leads to.
    var unreachable: FlowTuple {
        self == .v4
            ? tuple("198.51.100.9:20001", "203.0.113.2:8443")
            : tuple("[2001:db8:1::9]:20001", "[2001:db8:dead::2]:8443")
    }

    /// The MSS that a client without the option is taken to have (RFC 9293 §3.7.1).
    var defaultMSS: UInt16 { self == .v4 ? 536 : 1220 }

    private func tuple(_ source: String, _ destination: String) -> FlowTuple {
        FlowTuple(source: address(source), destination: address(destination))
    }
}

/// A literal address.
func address(_ text: String) -> TransportAddress {
    guard let address = TransportAddress(text) else { preconditionFailure(text) }
    return address
}
