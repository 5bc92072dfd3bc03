// Package revision owns reading files as they were at a git revision: the whole
// tree of a repository, checked out into a folder of its own, so that a
// kustomization finds everything that it refers to.
//
// It runs the git command, the only one that reads every repository as its owner
// does: its revision syntax, worktrees, alternates, filters. A library would bring
// more code than the rest of the commands together. It changes nothing in the
// repository: neither its worktree, nor its index, nor its references.
package revision
