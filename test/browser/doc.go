// Package browser holds no code: its tests drive the page of krm-bypass ui in
// Chromium, over the examples and over a tree of 2,000 workloads: every view and every
// edit, by pointer and by keyboard, with script and without.
//
// The judges are the browser itself (its console, its network log, its layout, the
// violations of the policy that it reports) and axe-core, which finds what people
// cannot see, reach or have read to them. Each test ends with their word.
//
// It is a module of its own, so that the browser's driver stays out of the project's
// dependencies.
package browser
