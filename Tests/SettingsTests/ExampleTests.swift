// SPDX-License-Identifier: Apache-2.0

import Balancing
import Foundation
import Settings
import Testing
import WireTypes

/// A file of `conf/`.
struct Example: Sendable, CustomTestStringConvertible {
    let path: String

    var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }

    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "conf").path

    static let all = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.sorted().map { Example(path: folder + "/" + $0) }

    static func named(_ name: String) -> String { folder + "/" + name }
}

@Suite struct `Example configurations` {
    @Test(arguments: Example.all)
    func `load`(example: Example) throws {
        let configuration = try Configuration.load(file: example.path)
        #expect(!configuration.listeners.isEmpty)
        // Envoy has no word for interfaces: the command line names them.
        let isEnvoys = example.testDescription == "tcp_proxy_config.yaml"
        #expect(configuration.interfaces.isEmpty == isEnvoys)
    }

    @Test func `are all there`() {
        #expect(
            Set(Example.all.map(\.testDescription)).isSuperset(
                of: [
                    "ebpf_tcp_proxy_config.yaml", "full.yaml", "kafka.yaml", "sluice.yaml",
                    "tcp_proxy_config.yaml",
                ]))
    }

    @Test func `start with one of ten lines`() throws {
        let text = try String(contentsOfFile: Example.named("sluice.yaml"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count <= 10)
    }

    @Test(arguments: ["kafka.yaml", "ebpf_tcp_proxy_config.yaml", "tcp_proxy_config.yaml"])
    func `tell three brokers on one address apart`(name: String) throws {
        let configuration = try Configuration.load(file: Example.named(name))
        let listener = try #require(configuration.listeners.first)
        let endpoints = try (1...3).map { broker in
            let name = try #require(ServerName("kafka\(broker).server.test"))
            let cluster = try #require(listener.cluster(for: name))
            return configuration.clusters[cluster].endpoints.map(\.address.description)
        }
        #expect(endpoints == [["10.0.0.11:9093"], ["10.0.0.11:9094"], ["10.0.0.11:9095"]])
        #expect(listener.cluster(for: ServerName("kafka4.server.test")) == nil)
    }

    @Test func `state every default in the full one`() throws {
        let full = try Configuration.load(file: Example.named("full.yaml"))
        #expect(full.instance == Defaults.instance)
        #expect(full.attach == Defaults.attach)
        #expect(full.isSplicing == Defaults.isSplicing)
        #expect(full.workers == Defaults.workers)
        #expect(full.source == Defaults.source)
        #expect(full.limits == Defaults.limits)
        #expect(full.log == Defaults.log)
        let listener = try #require(full.listeners.first)
        #expect(listener.hello == Defaults.hello)
        #expect(listener.reject == Defaults.reject)
        #expect(listener.routes.reach == Defaults.wildcards)
        #expect(full.clusters.allSatisfy { $0.connectTimeout == Defaults.connectTimeout })
        #expect(full.clusters.allSatisfy { $0.proxyProtocol == Defaults.proxyProtocol })
        #expect(full.clusters.allSatisfy { $0.isTransparent == Defaults.isTransparent })
        #expect(full.clusters.allSatisfy { $0.balance == Defaults.balance })
        #expect(full.clusters.allSatisfy { $0.onDown == Defaults.onDown })
        #expect(full.clusters.allSatisfy { $0.whenEmpty == Defaults.whenEmpty })
        let checked = try #require(full.clusters.first { $0.health != nil })
        var health = Defaults.health
        health.kind = .tls
        #expect(checked.health == health)
        #expect(checked.ejection == Defaults.ejection)
        #expect(full.clusters.flatMap(\.endpoints).allSatisfy { $0.priority == Defaults.priority })
        #expect(full.clusters.flatMap(\.endpoints).allSatisfy { $0.weight == Defaults.weight })
    }

    @Test func `mention every key in the full one`() throws {
        let text = try String(contentsOfFile: Example.named("full.yaml"), encoding: .utf8)
        // The last word before a colon, with or without the comment sign or the dash of a list.
        let written = Set(
            text.split(separator: "\n").compactMap { line -> String? in
                let words = line.drop { "#- ".contains($0) }.prefix { $0 != ":" }
                return words.contains(" ") || words.endIndex == line.endIndex
                    ? nil : String(words)
            })
        for (section, keys) in Configuration.reference {
            for key in keys {
                #expect(written.contains(key.name), "\(section): \(key.name)")
            }
        }
    }
}
