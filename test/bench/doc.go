// Command bench measures the function beside a program that only reads and
// writes the same list: wall time and peak memory, in alternating runs, as
// ratios of medians. It prints whether the goals are met and judges nothing by
// its exit code: times are read by people, not asserted by tests.
//
// It owns the list that is measured and the way of measuring. The peer is
// test/bench/peer; what the kernel's side costs is measured in test/bench/rules.
package main
