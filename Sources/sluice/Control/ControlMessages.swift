// SPDX-License-Identifier: Apache-2.0

/// What a verb of the command line asks of the running daemon: one JSON object in a line.
struct ControlRequest: Codable, Sendable {
    enum Verb: String, Codable, Sendable {
        case endpoints, set, reload
    }

    var verb: Verb
    var cluster: String?
    /// `10.0.0.1:443`
    var endpoint: String?
    var state: WantedState?
    var weight: Int?
    /// After so many milliseconds what this request says is over.
    var ttl: Int?
    /// After so many milliseconds what is left of its connections is reset.
    var deadline: Int?

    init(_ verb: Verb) { self.verb = verb }
}

/// What people want of an endpoint, in their words.
enum WantedState: String, Codable, CaseIterable, Sendable {
    /// It serves when checks find it well.
    case auto
    /// It serves, and it does not, whatever checks find.
    case up, down
    /// No new connections; those that it has go on.
    case drain
}

/// The daemon's answer: one JSON object in a line.
struct ControlReply: Codable, Sendable {
    /// Why nothing was done; nil: it was.
    var error: String?
    /// Of `endpoints`, and of `set` the one that was set.
    var clusters: [ClusterView] = []
}

/// A cluster as it is now.
struct ClusterView: Codable, Sendable {
    var name: String
    var endpoints: [EndpointView]
}

/// An endpoint of a cluster as it is now.
struct EndpointView: Codable, Sendable {
    var address: String
    var state: WantedState
    /// `unknown`, `waiting`, `up`, `suspect`, `down`, `ejected`
    var health: String
    var weight: Int
    var priority: Int
    /// Connections to its address, spliced and relayed, of all clusters.
    var connections: Int
    /// Until it is as configured again, and until its connections are reset; milliseconds.
    var ttl: Int?
    var deadline: Int?
    /// How long its health has been what it is, milliseconds; nil: it has not changed yet.
    var healthAge: Int?
    /// What made it so, as in the log.
    var cause: String?
    /// What went wrong last.
    var lastError: String?

    private enum CodingKeys: String, CodingKey {
        case address, state, health, weight, priority, connections, ttl, deadline, cause
        case healthAge = "health_age"
        case lastError = "last_error"
    }
}
