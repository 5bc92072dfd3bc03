// Package pack writes files into archives of which nothing depends on the machine that
// makes them: not on its clock, its umask, its users, or the order of its folders. It
// also replaces a folder that an earlier run wrote. What goes into an archive others say.
package pack
