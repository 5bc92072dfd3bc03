// Package explain owns how it is told what bypasses the sidecar of which
// workload, and why: what an entry's origin means for a single connection, what
// has changed since an earlier state and which pods that restarts, and the
// formats in which people and programs read it.
//
// It does not find out what bypasses (see fn.Explain), nor decide what becomes of
// a connection (see internal/traffic). It is pure: it reads no file, repository or
// clock.
package explain
