// Package suggest proposes rules for a ClusterBypass by what is among manifests: who
// calls past the mesh, and whom.
//
// A source of suggestions is one row of a table and one small file. It says what it
// found, in which object, and whether the caller is outside the mesh for sure. A trial
// then applies all suggestions with the policy that there is: what mTLS that is STRICT
// proves to break without its rule becomes a rule, everything else a comment, and what
// the checks and limits say against a rule stands beside it. So the package decides
// nothing about policies itself: package lint does.
//
// The package is pure, and the same input gives the same bytes. It reads no file and
// writes none.
package suggest
