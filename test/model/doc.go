// Package model says what the rules of each mesh do with a connection, from the order
// of the rules that the mesh's file in internal/mesh names the sources of. It is the
// judge of what annotations come to, and shares no code with what it judges but the
// sets of ports and ranges.
package model
