// Command bench measures the programs beside their peers, as ratios of medians of
// alternating runs: the function beside a program that only reads and writes the same
// list with kyaml, and beside gzip -1 of the same bytes; render, check and explain
// beside one another; a kustomization that is built in process beside the kustomize
// CLI. Each run is a process started anew, and its input comes by a pipe. It prints
// whether the goals are met and judges nothing by its exit code: times are read by
// people, not asserted by tests.
//
// It owns the lists that are measured and the way of measuring:
//
//	list.go    what is measured, the uniform input
//	varied.go  the varied input, in which no two objects are alike
//	main.go    the tables
//	measure.go one run, and runs in turns
//	share.go   for how many documents the second reader answers
//
// The peer is test/bench/peer; what the kernel's side costs is measured in
// test/bench/rules.
package main
