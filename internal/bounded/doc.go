// Package bounded reads files whole, and refuses what is larger than manifests are. To
// read a text takes several times its size, and a sparse file or a device that never ends
// would take all memory there is. What a text says is for others.
package bounded
