// Package lab gives tests hosts of their own: network namespaces joined by a
// veth pair, with real sockets in them, each opened as the user a test asks for.
//
// It owns entering the namespaces (as root, or as an ordinary user who has
// subordinate ids), hosts, wires, and a protocol of one line by which a client
// learns which server took its connection. It knows nothing of meshes or of
// krm-bypass; nothing it does is seen outside the namespaces it made.
package lab
