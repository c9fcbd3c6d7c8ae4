// SPDX-License-Identifier: Apache-2.0

extension Configuration {
    /// Gives it another instance; false, and nothing is changed, when that cannot be one.
    public mutating func rename(_ instance: String) -> Bool {
        guard let name = Form.instanceName.parse(instance) else { return false }
        self.instance = name
        return true
    }

    /// Whether that may be an instance.
    public static func isInstance(_ name: String) -> Bool { Form.instanceName.parse(name) != nil }

    /// What may be an instance: a noun phrase that ends the sentence "write …".
    public static var acceptedInstances: String { Form.instanceName.accepted }
}
