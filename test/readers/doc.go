// Package readers holds no code: its tests ask four readers what a text of
// manifests says, and look for a pod template, or an annotation on one, that
// kubectl, kustomize or Argo CD sees and krm-bypass does not.
//
// The three others are the judges. Each runs in process, by its own code, over a
// table of odd documents (testdata/table.md, rewritten by -update) and over
// streams drawn from a grammar of odd things. The programs themselves, kubectl
// and kustomize, confirm the judges' column over the table.
//
// It is a module of its own, so that the judges' dependencies stay out of the
// project's.
package readers
