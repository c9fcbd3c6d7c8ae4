-- SPDX-License-Identifier: Apache-2.0
-- The last line that wrk prints: JSON for bench/run.
function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format(
        '{"bytes": %d, "seconds": %.6f, "requests": %d, "failed": %d}',
        summary.bytes, summary.duration / 1e6, summary.requests,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
