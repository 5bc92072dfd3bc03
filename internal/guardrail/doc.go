// Package guardrail holds the limits that no bypass may cross, whoever asks for
// it: forbidden ports, and how wide a range of addresses may be. It finds where
// the settings of a workload break a limit, and follows the decision of
// internal/traffic in doing so. It therefore misses no way to write a bypass: an
// include that leaves a port out, a range that contains a port, two ranges that
// together make one.
//
// It does not know where settings come from, nor which workloads a limit is for
// (see internal/transform).
package guardrail
