// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Settings
import TLSClassifier
import WireTypes

/// `sluice explain FILE`: what would become of a client, without one.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the rule, cluster and endpoints for a client; nothing is sent.",
        discussion: "Exit codes: 0 done, 2 the file or an argument is wrong.")

    /// How it is printed.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(help: "The server name that the client asks for; none by default.")
    var sni: String?

    @Option(
        help: ArgumentHelp(
            "Protocols that it offers, most wanted first, with commas between.",
            valueName: "list"))
    var alpn: String?

    @Option(help: "Where it connects from: an address, or an address and port.")
    var src: String?

    @Option(help: "The proxy that names it, for a listener with accept_proxy: an address.")
    var proxy: String?

    @Option(help: "The listener; all of them by default.")
    var listener: String?

    @Option(help: "The highest version of TLS that it can speak: 1.0, 1.1, 1.2, 1.3.")
    var tlsVersion = "1.3"

    @Flag(help: "Its hello has the extension encrypted_client_hello.")
    var ech = false

    @Flag(help: "It does not speak TLS.")
    var noTls = false

    @Option(name: .shortAndLong, help: "How to print it: text, json.")
    var output = Format.text

    func run() throws {
        let configuration = try load(file)
        let client = try explainedClient()
        var listeners = configuration.listeners
        if let listener {
            listeners = listeners.filter { $0.name == listener }
            guard !listeners.isEmpty else {
                let names = configuration.listeners.map(\.name).joined(separator: ", ")
                throw failure("no listener \"\(listener)\"; there are: \(names)", code: 2)
            }
        }
        let answers = listeners.map { Explanation(configuration, $0, client) }
        switch output {
        case .text: print(answers.map(\.text).joined(separator: "\n"), terminator: "")
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(answers), as: UTF8.self))
        }
    }

    private func explainedClient() throws -> ExplainedClient {
        var client = ExplainedClient()
        client.source = try src.map {
            try TransportAddress($0) ?? TransportAddress(address($0), 0)
        }
        client.proxy = try proxy.map(address)
        if noTls { return client }
        var hello = ClientHello()
        if let sni {
            guard let name = ServerName(sni) else {
                throw failure("\"\(sni)\" is no server name; such a hello is rejected", code: 2)
            }
            hello.serverName = name
        }
        hello.applicationProtocols = ApplicationProtocols(
            alpn.map { $0.split(separator: ",").map(String.init) } ?? [])
        let versions = ["1.0": TLSVersion.tls10, "1.1": .tls11, "1.2": .tls12, "1.3": .tls13]
        guard let version = versions[tlsVersion] else {
            throw failure("unknown version \"\(tlsVersion)\"; use 1.0, 1.1, 1.2 or 1.3", code: 2)
        }
        hello.highestVersion = version
        hello.hasEncryptedClientHello = ech
        client.hello = hello
        return client
    }

    private func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else {
            throw failure("\"\(text)\" is no address; write for example 192.0.2.7", code: 2)
        }
        return address
    }
}

/// A client as the command line describes it.
struct ExplainedClient {
    /// Nil: somewhere.
    var source: TransportAddress?
    /// Who tells where it comes from; nil: its packets do.
    var proxy: IPAddress?
    /// Nil: it does not speak TLS.
    var hello: ClientHello?
}
