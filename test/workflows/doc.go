// Package workflows has actionlint judge the workflows of this repository, and the one of
// examples/github together with action.yml, which it uses.
//
// It is a module of its own, for what actionlint stands on.
package workflows
