// Package stored knows what an API server keeps in place of a container that it was
// given: with fields that nobody wrote, and with quantities in another spelling. So a
// container that was read back from a cluster can be compared with what was applied.
//
// Only what the server itself does is undone, each with its source. Any other field is
// somebody's.
package stored
