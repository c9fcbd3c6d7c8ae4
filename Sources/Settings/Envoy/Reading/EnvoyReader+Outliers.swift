// SPDX-License-Identifier: Apache-2.0

internal import Balancing
internal import Yams

extension EnvoyReader {
    /// Envoy's outlier detection, as far as it is about connects that fail.
    func readOutliers(_ entry: Entry, isChecked: Bool, _ cluster: inout EnvoyCluster) {
        guard let section = SectionReader<EnvoyOutliers>(reader, entry) else { return }
        checkEnforcement(section)
        let base = section.value(EnvoyOutliers.base)
        let share = section.value(EnvoyOutliers.share)
        cluster.ejection = [
            (EjectionSection.failures.name, "\(failures(section))", EnvoyOutliers.serverErrors),
            (EjectionSection.base.name, durationText(base), EnvoyOutliers.base as any AnyKey),
            (EjectionSection.maxShare.name, "\(share)%", EnvoyOutliers.share),
        ].map { name, text, key in
            (
                name,
                EnvoyText(text, self.entry(of: key, in: section)?.value.mark ?? entry.value.mark)
            )
        }
        checkLongest(section, base, entry)
        let count = cluster.endpoints.count
        if share * count < 100, count > 0 {
            let written = section.entry(EnvoyOutliers.share)
            warn(
                written?.valuePosition ?? entry.position,
                "of \(count) endpoints, \"max_ejection_percent\" \(share)"
                    + (written == nil ? ", Envoy's default," : "") + " lets none be taken out")
        }
        if count >= 5, !section.mentions(EnvoyOutliers.enforceSuccessRate) {
            warn(
                entry.position,
                "Envoy judges endpoints by their rate of successes, too, and sluice does not; write "
                    + "\"enforcing_success_rate\": 0 if that is meant")
        }
        if isChecked, !section.mentions(EnvoyOutliers.uneject) {
            warn(
                entry.position,
                "a good health check ends no ejection here; write "
                    + "\"successful_active_health_check_uneject_host\": false if that is meant")
        }
    }

    private func entry(of key: any AnyKey, in section: SectionReader<EnvoyOutliers>) -> Entry? {
        section.entry(key)
    }

    /// Failed connects in a row, from the key that counts them.
    private func failures(_ section: SectionReader<EnvoyOutliers>) -> Int {
        let isSplit = section.value(EnvoyOutliers.isSplit)
        let (key, other) =
            isSplit
            ? (EnvoyOutliers.localFailures, EnvoyOutliers.serverErrors)
            : (EnvoyOutliers.serverErrors, EnvoyOutliers.localFailures)
        if let entry = section.entry(other) {
            report(
                entry.position,
                "\(quoted(other.name)) counts no connects while "
                    + "\"split_external_local_origin_errors\" is \(isSplit); write "
                    + quoted(key.name))
        }
        return section.value(key)
    }

    /// What can have but one value.
    private func checkEnforcement(_ section: SectionReader<EnvoyOutliers>) {
        for key in [
            EnvoyOutliers.enforceServerErrors, EnvoyOutliers.enforceLocalFailures,
            EnvoyOutliers.enforceGatewayFailures, EnvoyOutliers.enforceShare,
            EnvoyOutliers.enforceLocalShare,
        ] {
            _ = section.value(key)
        }
        for key in [EnvoyOutliers.enforceSuccessRate, EnvoyOutliers.enforceLocalSuccessRate] {
            _ = section.value(key)
        }
        _ = section.value(EnvoyOutliers.uneject)
    }

    private func checkLongest(
        _ section: SectionReader<EnvoyOutliers>, _ base: Duration, _ entry: Entry
    ) {
        let ours = base * Ejection.longest
        guard let written = section.entry(EnvoyOutliers.longest) else {
            let theirs = max(base, EnvoyDefaults.longestEjection)
            if ours != theirs {
                warn(
                    section.entry(EnvoyOutliers.base)?.valuePosition ?? entry.position,
                    "an endpoint is out for at most \(secondsText(ours)), ten times this, and not "
                        + "for \(secondsText(theirs)) as Envoy would have it")
            }
            return
        }
        guard let longest = section.value(EnvoyOutliers.longest), longest != ours else { return }
        report(
            written.valuePosition,
            "\"max_ejection_time\" is \(secondsText(longest)); it is ten times "
                + "\"base_ejection_time\", so write \(secondsText(ours)), or leave it out")
    }
}
