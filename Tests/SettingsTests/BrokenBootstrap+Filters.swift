// SPDX-License-Identifier: Apache-2.0

extension BrokenBootstrap {
    /// Network filters.
    static let filters = [
        BrokenBootstrap(
            "an access log by gRPC",
            Parts(
                proxy: """
                    cluster: web
                              access_log: [{name: envoy.access_loggers.tcp_grpc}]
                    """),
            errors: """
                envoy.yaml:15:31: the access log "envoy.access_loggers.tcp_grpc" is not \
                supported; write envoy.access_loggers.file, envoy.access_loggers.stdout or \
                envoy.access_loggers.stderr
                """),
        BrokenBootstrap(
            "access logs with a format, a filter, and a place in no folder",
            Parts(
                proxy: """
                    cluster: web
                              access_log:
                              - name: envoy.access_loggers.file
                                filter: {}
                                typed_config: {path: access.log, log_format: {}}
                              - name: envoy.access_loggers.stderr
                    """),
            errors: """
                envoy.yaml:17:13: "filter" is not supported; sluice logs all connections, so \
                leave it out
                envoy.yaml:18:34: "path" is "access.log"; write the absolute path of a file
                envoy.yaml:18:46: "log_format" is not supported; lines are JSON with keys of \
                sluice's own, so leave it out
                envoy.yaml:19:13: this is a second access log, and one is all; leave it out
                """),
        BrokenBootstrap(
            "an access log in a file without a name, and its interval",
            Parts(
                proxy: """
                    cluster: web
                              access_log: [{name: envoy.access_loggers.file}]
                              access_log_flush_interval: 1s
                    """),
            errors: """
                envoy.yaml:15:31: an access log in a file has no "path"; write one
                envoy.yaml:16:11: "access_log_flush_interval" is not supported; a line is \
                written when the connection is over, so leave it out
                """),
        BrokenBootstrap(
            "a tunnel",
            Parts(
                proxy: """
                    cluster: web
                              tunneling_config: {}
                    """),
            errors: """
                envoy.yaml:15:11: "tunneling_config" is not supported; sluice passes TCP \
                through as it is
                """),
        BrokenBootstrap(
            "a misspelt key of a filter",
            Parts(
                proxy: """
                    cluster: web
                              max_conect_attempts: 2
                    """),
            errors: """
                envoy.yaml:15:11: unknown key "max_conect_attempts"; did you mean \
                "max_connect_attempts"?
                """),
        BrokenBootstrap(
            "a cluster and weighted ones",
            Parts(
                proxy: """
                    cluster: web
                              weighted_clusters: {clusters: []}
                    """),
            errors: """
                envoy.yaml:12:9: tcp_proxy has both of "cluster" and "weighted_clusters"; \
                write one
                """),
        BrokenBootstrap(
            "a missing cluster",
            Parts(
                proxy: "cluster: wbe"),
            errors: """
                envoy.yaml:14:20: "cluster" goes to cluster "wbe", which does not exist; did \
                you mean "web"?
                """),
        BrokenBootstrap(
            "a missing weighted cluster",
            Parts(
                proxy: "weighted_clusters: {clusters: [{name: mail, weight: 1}]}"),
            errors: """
                envoy.yaml:14:49: "weighted_clusters" goes to cluster "mail", which does not \
                exist; there are: web
                """),
        BrokenBootstrap(
            "a weighted cluster without its weight",
            Parts(
                proxy: "weighted_clusters: {clusters: [{name: web}]}"),
            errors: """
                envoy.yaml:14:42: "weight" is missing in a weighted cluster; write a whole \
                number from 1 to 65535
                """),
        BrokenBootstrap(
            "a policy that hashes something else",
            Parts(
                proxy: """
                    cluster: web
                              hash_policy: [{filter_state: {key: a}}]
                    """),
            errors: """
                envoy.yaml:15:26: "filter_state" is not supported; write "source_ip"
                """),
        BrokenBootstrap(
            "an idle time that is too short",
            Parts(
                proxy: """
                    cluster: web
                              idle_timeout: 0.5s
                    """),
            errors: """
                envoy.yaml:15:25: "idle_timeout" is "0.5s"; write 0s for never, or a duration \
                in seconds from 1s to 31536000s, for example 0.25s or 5s
                """),
        BrokenBootstrap(
            "idle times that differ",
            Parts(
                listener: """
                    default_filter_chain: {filters: [{name: t, typed_config: {"@type": \
                    a/TcpProxy, cluster: web}}]}
                    """,
                proxy: """
                    cluster: web
                              idle_timeout: 600s
                    """),
            errors: """
                envoy.yaml:6:48: "idle_timeout" is 3600s (Envoy's default), but 600s in line \
                15; sluice has one for all flows, so write the same in each tcp_proxy
                """),
        BrokenBootstrap(
            "an interface by name",
            Parts(
                type: "EbpfTcpProxy",
                proxy: """
                    interface_index: eth0
                              tcp_proxy: {cluster: web}
                    """),
            errors: """
                envoy.yaml:14:28: "interface_index" is "eth0"; write an interface's index, for \
                example 2
                """),
        BrokenBootstrap(
            "an eBPF filter without a proxy",
            Parts(
                type: "EbpfTcpProxy",
                proxy: "interface_index: 2"),
            errors: """
                envoy.yaml:12:9: "tcp_proxy" is missing in ebpf_tcp_proxy; write a mapping, as \
                of the filter tcp_proxy
                """),
    ]
}
