// Package lab gives tests hosts of their own: network namespaces joined by a
// veth pair, with real sockets in them, each opened as the user a test asks for.
//
// It enters the namespaces (as root, or as an ordinary user who has subordinate ids)
// and makes hosts and wires. Its servers say their names, so that a client learns
// which one took its connection. It can make a kernel seem to lack parts of its
// packet filter. It knows nothing of meshes or of krm-bypass, and nothing it does is
// seen outside the namespaces that it made.
package lab
