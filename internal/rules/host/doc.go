// Package host tells a pod's network namespace from a node's, where our rules
// would hit the node itself and every pod with hostNetwork.
//
// It sees what NET_ADMIN and a read-only file system let it see. What to do about
// a node's namespace is up to images/init. test/kernel tries it on namespaces
// that look like nodes and like pods of all kinds.
package host
