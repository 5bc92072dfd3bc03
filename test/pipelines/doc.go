// Package pipelines runs what a pipeline runs of krm-bypass, as it stands in the files that
// GitHub, GitLab, pre-commit and Renovate read: the scripts of action.yml and of
// templates/krm-bypass.yml in a scratch repository with a change, with little more than
// git and krm-bypass in PATH.
//
// Nothing of it runs at GitHub or GitLab. What these services do with the files beside
// running the scripts is not tested here.
package pipelines
