// Package tracked ends connections of the network namespace of the calling thread: it
// makes the kernel forget them, and closes their sockets.
//
// Rules decide about a connection when it begins. The kernel goes by that as long as
// it keeps the connection in mind, whatever the rules say later. Which connections are
// to end is up to the caller.
package tracked
