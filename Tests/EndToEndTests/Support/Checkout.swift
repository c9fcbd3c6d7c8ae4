// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where the tools of this working copy are.
enum Checkout {
    private static let tests = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The executables are built beside the test bundle, which is this process's own executable.
    private static let products = URL(filePath: "/proc/self/exe")
        .resolvingSymlinksInPath().deletingLastPathComponent()

    static let lab = tests.appending(path: "Lab/lab").path
    static let makeHello = tests.appending(path: "Lab/make_hello.py").path
    static let getByPython = tests.appending(path: "Lab/tls_get.py").path
    static let splitHello = tests.appending(path: "Lab/split_hello.py").path
    static let captures = tests.appending(path: "TLSClassifierTests/Captures").path
    static let talk = tests.appending(path: "Lab/talk.py").path
    static let healthEndpoint = tests.appending(path: "Lab/health_endpoint.py").path
    static let echoEndpoint = tests.appending(path: "Lab/echo_endpoint.py").path
    static let silentClients = tests.appending(path: "Lab/silent_clients.py").path
    static let greeting = tests.appending(path: "Lab/greeting.py").path
    static let reconnect = tests.appending(path: "Lab/reconnect.py").path
    static let preface = tests.appending(path: "Lab/preface.py").path
    static let mixed = tests.appending(path: "Lab/mixed.py").path
    static let stream = tests.appending(path: "Lab/stream.py").path
    static let oddTCP = tests.appending(path: "Lab/odd_tcp.py").path
    static let nameServer = tests.appending(path: "Lab/dns_server.py").path
    static let bulk = tests.appending(path: "Lab/bulk.py").path
    static let endings = tests.appending(path: "Lab/endings.py").path
    static let schema =
        tests.deletingLastPathComponent().appending(path: "Sources/FlowReport/flows.schema.json")
        .path
    static let samples = tests.deletingLastPathComponent().appending(path: "conf").path
    /// Where .ci/install-envoy puts Envoy.
    static let envoy =
        tests.deletingLastPathComponent().appending(path: ".build/envoy/envoy/_bin/envoy").path
    static let tools = tests.deletingLastPathComponent().appending(path: ".build/lab").path
    static let sluice = product("sluice")
    static let flowdump = product("flowdump")

    /// `SLUICE_PRODUCTS` names another folder, for example that of a release build.
    private static func product(_ name: String) -> String {
        let folder = ProcessInfo.processInfo.environment["SLUICE_PRODUCTS"]
        return (folder.map { URL(filePath: $0) } ?? products).appending(path: name).path
    }
}
