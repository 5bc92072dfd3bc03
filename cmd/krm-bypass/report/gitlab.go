package report

import (
	"io"
	"path/filepath"
	"strconv"

	"github.com/krm-bypass/krm-bypass/fn"
)

// codeQuality is a finding in the form of GitLab's Code Quality reports
// (gitlabhq/gitlabhq doc/ci/testing/code_quality.md). A report with another finding
// of the same fingerprint shows one of the two.
type codeQuality struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

var gitLabSeverities = map[fn.Severity]string{fn.Error: "major", fn.Warning: "minor", fn.Info: "info"}

// writeGitLab writes a Code Quality report of GitLab.
func writeGitLab(w io.Writer, r Check) error {
	all := []codeQuality{}
	seen := map[string]int{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			file, line := r.at(s, f)
			// Lines move, and what a message says may name some.
			one := codeQuality{Description: s.message(f), CheckName: f.Rule, Severity: gitLabSeverities[f.Severity]}
			one.Fingerprint = fingerprint(file, s.Kind, s.Namespace, s.Name, f.Rule, f.Path)
			if seen[one.Fingerprint]++; seen[one.Fingerprint] > 1 {
				one.Fingerprint = fingerprint(one.Fingerprint, strconv.Itoa(seen[one.Fingerprint]))
			}
			one.Location.Path, one.Location.Lines.Begin = filepath.ToSlash(filepath.Clean(file)), max(line, 1)
			all = append(all, one)
		}
	}
	for _, doubt := range r.Doubts {
		one := codeQuality{Description: doubt, CheckName: Warned, Severity: gitLabSeverities[fn.Warning], Fingerprint: fingerprint(doubt)}
		one.Location.Path, one.Location.Lines.Begin = filepath.ToSlash(filepath.Clean(r.Spec)), 1
		all = append(all, one)
	}
	return writeJSON(w, all)
}
