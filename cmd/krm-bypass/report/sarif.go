package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/finding/words"
)

// rules describe the rules of results that are no findings.
var rules = map[string]string{
	"missing": "The function would write something here, as if it had not run yet.",
	"stale":   "The function wrote this for an earlier spec.",
	"foreign": "Somebody else wrote this, in a place where krm-bypass writes.",
	Refused:   "The function refuses this and would write nothing.",
	Warned:    "The function warns about this.",
}

// ruleOf describes a rule.
func ruleOf(id string) sarifRule {
	if kind, known := finding.ByID(id); known {
		return sarifRule{id, sarifMessage{words.Finds(kind)}, homepage + "/blob/main/docs/lint.md#" + id}
	}
	return sarifRule{ID: id, ShortDescription: sarifMessage{rules[id]}}
}

const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	homepage     = "https://github.com/krm-bypass/krm-bypass"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations,omitempty"`
	Results     []sarifResult     `json:"results"`
}

// sarifInvocation says how a run ended, where it found nothing to check or did not read all.
type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level   string       `json:"level"`
	Message sarifMessage `json:"message"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string       `json:"id"`
	ShortDescription sarifMessage `json:"shortDescription"`
	HelpURI          string       `json:"helpUri,omitempty"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifMessage      `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	// Suppressions say that somebody has accepted it.
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical struct {
		At struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region,omitzero"`
	} `json:"physicalLocation,omitzero"`
	Logical []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

var sarifLevels = map[fn.Severity]string{fn.Error: "error", fn.Warning: "warning", fn.Info: "note"}

// writeSARIF writes the Static Analysis Results Interchange Format 2.1.0, which GitHub's
// code scanning and many editors read
// (docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
func writeSARIF(w io.Writer, r Check) error {
	run := sarifRun{Results: []sarifResult{}}
	driver := &run.Tool.Driver
	*driver = sarifDriver{Name: "krm-bypass", Version: r.Version, InformationURI: homepage, Rules: []sarifRule{}}
	notify := func(severity fn.Severity, messages ...string) {
		for _, message := range messages {
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{sarifLevels[severity], sarifMessage{message}})
		}
	}
	if r.Nothing != "" {
		run.Invocations = []sarifInvocation{{}}
		notify(fn.Error, r.Nothing)
	} else if len(r.Doubts) > 0 {
		run.Invocations = []sarifInvocation{{Successful: true}}
	}
	notify(fn.Warning, r.Doubts...)
	for _, s := range r.Subjects {
		for _, f := range slices.Concat(s.Findings, s.Accepted) {
			run.Results = append(run.Results, r.sarif(s, f, driver))
		}
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{run}})
}

func (r Check) sarif(s Subject, f Finding, driver *sarifDriver) sarifResult {
	index := slices.IndexFunc(driver.Rules, func(rule sarifRule) bool { return rule.ID == f.Rule })
	if index < 0 {
		index = len(driver.Rules)
		driver.Rules = append(driver.Rules, ruleOf(f.Rule))
	}
	result := sarifResult{
		RuleID: f.Rule, RuleIndex: index, Level: sarifLevels[f.Severity], Message: sarifMessage{s.message(f)},
		// Lines move; what identifies an alert must not.
		Fingerprints: map[string]string{"krmBypass/v1": fingerprint(s.Kind, s.Namespace, s.Name, f.Rule, f.Path)},
	}
	if f.Reason != "" {
		result.Suppressions = []sarifSuppression{{"external", "accepted", f.Reason}}
	}
	var at sarifLocation
	file, line := r.at(s, f)
	if file != "" {
		at.Physical.At.URI, at.Physical.Region.StartLine = uri(file), line
	}
	if name := strings.TrimSuffix(s.Title()+": "+f.Path, ": "); s.Title() != "" {
		at.Logical = []sarifLogical{{Name: name, Kind: "resource"}}
	}
	if file != "" || at.Logical != nil {
		result.Locations = []sarifLocation{at}
	}
	return result
}

// uri gives a path as a URI reference. A relative path stays relative, to the root
// of the repository where the check runs.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}

func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
