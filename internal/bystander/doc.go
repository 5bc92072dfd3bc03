// Package bystander knows objects that are no workloads to krm-bypass and yet make
// pods: those that hold something shaped like a pod template, and those of which a chart
// is rendered later.
//
// The package says what stands where. What a policy makes of that is for
// internal/transform to say.
package bystander
