// Package guardrail owns what must not bypass the sidecar, whoever asks for it:
// ports that are forbidden and how wide a range of addresses may be. It says of
// the settings of a workload where they break such a limit, by the decision of
// internal/traffic and nothing else, so that no way of writing a bypass is
// overlooked: an include that leaves a port out, a range that holds a port, two
// ranges that are one together.
//
// It does not know where settings come from, nor for which workloads a limit
// holds (see internal/transform).
package guardrail
