// Package revision reads files as they were at a git revision. It writes the whole
// tree of a repository into a folder of its own, so that a kustomization finds
// everything that it refers to.
//
// It runs git itself, because nothing else reads every repository as its owner
// does: the syntax of revisions, worktrees, alternates. A library would bring more
// code than all our commands together. It changes nothing in the repository: not
// the worktree, not the index, not a reference. It runs nothing that the repository
// names, converts no file, and fetches nothing.
package revision
