// SPDX-License-Identifier: Apache-2.0

/// A key of Envoy's files, and what it comes to here.
public struct EnvoyKeyReference: Hashable, Sendable {
    /// What becomes of a key.
    public enum Effect: Hashable, Sendable {
        /// It is translated to this.
        case becomes(String)
        /// It is accepted and changes nothing.
        case nothing
        /// It is an error, with this advice.
        case refused(String)
    }

    /// What it is a key of.
    public let section: String
    /// The key.
    public let name: String
    /// What becomes of it.
    public let effect: Effect
}

extension Configuration {
    /// Every key of Envoy's that is known; all others are errors.
    public static var envoyReference: [EnvoyKeyReference] {
        let sections: [any Section.Type] = [
            EnvoyFile.self, EnvoyResources.self, EnvoyListenerSection.self,
            EnvoyMoreAddresses.self, EnvoyAddress.self, EnvoyListenerSocket.self,
            EnvoyExtension.self, EnvoyInspector.self, EnvoyChainSection.self, EnvoyMatch.self,
            EnvoyBlock.self, EnvoyEBPFProxy.self, EnvoyTCPProxy.self, EnvoyWeightedClusters.self,
            EnvoyWeightedCluster.self, EnvoyHashPolicy.self, EnvoyClusterSection.self,
            EnvoyLeastRequest.self, EnvoyRoundRobin.self, EnvoySlowStart.self, EnvoyMaglev.self,
            EnvoyCommonBalance.self, EnvoyPercent.self, EnvoyHealthCheck.self,
            EnvoyHTTPCheck.self, EnvoyStatuses.self, EnvoyTCPCheck.self, EnvoyPayload.self,
            EnvoyOutliers.self, EnvoyBreakers.self, EnvoyThresholds.self, EnvoyAccessLog.self,
            EnvoyLogger.self, EnvoyProxySocket.self, EnvoyProxyConfig.self, EnvoyRawBuffer.self,
            EnvoyAssignment.self, EnvoyLocality.self, EnvoyMember.self, EnvoyEndpoint.self,
            EnvoyEndpointSocket.self,
        ]
        return sections.flatMap(keys)
    }

    private static func keys(_ section: any Section.Type) -> [EnvoyKeyReference] {
        let path = section.path.isEmpty ? "the file" : section.path
        func reference(_ name: String, _ effect: EnvoyKeyReference.Effect) -> EnvoyKeyReference {
            EnvoyKeyReference(section: path, name: name, effect: effect)
        }
        return section.keys.map { reference($0.reference.name, .becomes($0.reference.purpose)) }
            + section.ignored.map { reference($0, .nothing) }
            + section.refused.sorted { $0.key < $1.key }.map { reference($0, .refused($1)) }
    }
}
