package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	sarifreport "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// found is what a check finds of three files, one of them standard input.
var found = &fn.Checked{
	Objects: []fn.CheckedObject{
		{ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: "shop/web.yaml", Line: 2},
		{
			ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db"}, File: "standard input", Line: 40,
			Differences: []fn.Difference{
				{Kind: "missing", Path: `spec.template.metadata.annotations["a.b/c"]`, Line: 44, Message: `expected "3306" & <5432> here`},
				{Kind: "missing", Path: "spec.template.spec.initContainers[0]", Line: 50, Message: "expected the container krm-bypass-init here"},
			},
			Remedy: "render it again",
		},
		{ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "node"}, File: "shop/node.yaml", Line: 1, LeftAlone: "it uses the host's network"},
	},
	Results: fn.Results{
		{Severity: fn.Error, Tags: map[string]string{fn.CheckTag: finding.Expired.ID}, ResourceRef: &fn.ResourceRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind, Name: "cluster"}, Field: &fn.Field{Path: "spec.global.expires", CurrentValue: "2026-10-31"}, File: &fn.File{Path: "bypass.yaml"}, Line: 9, Message: "expired on 2026-10-31"},
		{Severity: fn.Error, File: &fn.File{Path: "a b.yaml"}, Line: 3, Message: "reading the document: not valid YAML"},
		{Severity: fn.Warning, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Line: 7, Message: "a misspelt annotation"},
		{Severity: fn.Warning, Tags: map[string]string{fn.CheckTag: "service-port"}, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Field: &fn.Field{Path: "metadata.name", ProposedValue: "kind: Service\nspec: {}\n"}, Message: "a Service names the port"},
		{Severity: fn.Info, Message: "left alone"},
		{Severity: fn.Info, Tags: map[string]string{fn.CheckTag: "unreached-rule"}, ResourceRef: &fn.ResourceRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind, Name: "cluster"}, File: &fn.File{Path: "bypass.yaml"}, Line: 12, Message: "spec.workloads[0] reaches no workload here"},
		{Severity: fn.Info, Tags: map[string]string{fn.CheckTag: "strict-mtls", fn.AcceptedTag: "Prometheus has no sidecar"}, ResourceRef: &fn.ResourceRef{APIVersion: "security.istio.io/v1", Kind: "PeerAuthentication", Name: "default", Namespace: "shop"}, File: &fn.File{Path: "shop/mtls.yaml"}, Line: 4, Message: "mTLS is not enforced"},
	},
}

func newCheck(all ...*fn.Checked) Check {
	var checked []Checked
	for _, one := range all {
		checked = append(checked, Checked{Checked: one})
	}
	return NewCheck("v0.1.0", checked...)
}

func writtenCheck(t *testing.T, name string, r Check) []byte {
	t.Helper()
	return []byte(written(t, CheckFormats, name, r))
}

func TestCheckFormats(t *testing.T) {
	testFormats(t, "check", CheckFormats, map[string]Check{"findings": newCheck(found), "nothing": newCheck(&fn.Checked{Objects: found.Objects[:1]})})
}

func TestCheckCounts(t *testing.T) {
	r := newCheck(found, &fn.Checked{Objects: found.Objects[:1]})
	assert.False(t, r.Passed)
	assert.Equal(t, []int{2, 1, 1, 2, 2, 1}, []int{r.Checked, r.Differing, r.LeftAlone, r.Errors, r.Warnings, r.Accepted})
	assert.Len(t, r.Subjects, 6, "an object that is looked at by two specs is one")

	r = newCheck(&fn.Checked{Results: fn.Results{found.Results[2]}})
	assert.True(t, r.Passed, "a warning is no failure")
	assert.Equal(t, 1, r.Warnings)

	refused := found.Results[2]
	refused.Severity = fn.Error
	r = newCheck(&fn.Checked{Objects: found.Objects[:1], Results: fn.Results{refused}})
	assert.False(t, r.Passed)
	assert.Equal(t, []int{1, 1, 1}, []int{r.Checked, r.Differing, r.Errors}, "what the function refuses is not as it would make it")
}

// TestSARIFIsValid holds the report against the schema of SARIF 2.1.0.
func TestSARIFIsValid(t *testing.T) {
	validate := func(text []byte) error {
		report, err := sarifreport.FromBytes(text)
		require.NoError(t, err)
		// The schema is held against what was decoded, so that nothing that it
		// does not know may be lost on the way.
		strict := json.NewDecoder(bytes.NewReader(text))
		strict.DisallowUnknownFields()
		require.NoError(t, strict.Decode(&sarifreport.Report{}))
		// The schema's defaults, in whose place the library puts empty values.
		for _, run := range report.Runs {
			run.Language, run.Tool.Driver.Language = "en-US", "en-US"
			run.NewlineSequences = []string{"\r\n", "\n"}
		}
		return report.Validate()
	}
	for _, r := range []Check{newCheck(found), newCheck()} {
		require.NoError(t, validate(writtenCheck(t, "sarif", r)))
	}
	broken := bytes.Replace(writtenCheck(t, "sarif", newCheck(found)), []byte(`"level": "error"`), []byte(`"level": "fatal"`), 1)
	require.Error(t, validate(broken), "the schema is looked at")
}

// TestSARIFRules has every result point at its own rule.
func TestSARIFRules(t *testing.T) {
	var log sarifLog
	require.NoError(t, json.Unmarshal(writtenCheck(t, "sarif", newCheck(found)), &log))
	require.Len(t, log.Runs[0].Results, 7)
	fingerprints := map[string]bool{}
	for _, result := range log.Runs[0].Results {
		assert.Equal(t, result.RuleID, log.Runs[0].Tool.Driver.Rules[result.RuleIndex].ID)
		fingerprints[result.Fingerprints["krmBypass/v1"]] = true
	}
	assert.Len(t, fingerprints, 7)
}

// TestJUnitReads reads the report as a CI system does.
func TestJUnitReads(t *testing.T) {
	var all testSuites
	require.NoError(t, xml.Unmarshal(writtenCheck(t, "junit", newCheck(found)), &all))
	assert.Equal(t, []int{6, 3, 1}, []int{all.Tests, all.Failures, all.Skipped})
	cases, failures := 0, 0
	for _, suite := range all.Suites {
		cases += len(suite.Cases)
		for _, c := range suite.Cases {
			if c.Failure != nil {
				failures++
				assert.NotEmpty(t, c.Failure.Message)
			}
		}
	}
	assert.Equal(t, []int{6, 3}, []int{cases, failures})
	assert.Contains(t, all.Suites[1].Cases[0].Failure.Text, `expected "3306" & <5432> here`)
}

// TestOneFindingForEachCause has what follows from a value that somebody changed, and
// what a function that was skipped did not write, make no findings of their own.
func TestOneFindingForEachCause(t *testing.T) {
	d := func(kind, path string) fn.Difference { return fn.Difference{Kind: kind, Path: path, Message: kind} }
	for name, test := range map[string]struct {
		has  []fn.Difference
		want []string
	}{
		"skipped":           {[]fn.Difference{d("missing", "a"), d("missing", "b"), d("missing", "c")}, []string{"missing: a missing (and for the same cause: b, c)"}},
		"an earlier spec":   {[]fn.Difference{d("missing", "a"), d("stale", "b"), d("stale", "c")}, []string{"stale: a missing (and for the same cause: b, c)"}},
		"marks":             {[]fn.Difference{d("stale", `x["krm-bypass.dev/policy"]`), d("stale", "initContainers[0]"), d("missing", "a")}, []string{`stale: a missing (and for the same cause: initContainers[0], x["krm-bypass.dev/policy"])`}},
		"edited by hand":    {[]fn.Difference{d("stale", "a"), d("foreign", "b")}, []string{"foreign: b foreign (and for the same cause: a)"}},
		"edited in places":  {[]fn.Difference{d("foreign", "a"), d("foreign", "b"), d("stale", "c")}, []string{"foreign: a foreign (and for the same cause: c)", "foreign: b foreign"}},
		"more than a few":   {[]fn.Difference{d("missing", "a"), d("missing", "b"), d("missing", "c"), d("missing", "d"), d("missing", "e")}, []string{"missing: a missing (and for the same cause: b, c, d and 1 more)"}},
		"one and no others": {[]fn.Difference{d("stale", "a")}, []string{"stale: a stale"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCheck(&fn.Checked{Objects: []fn.CheckedObject{{ResourceRef: fn.ResourceRef{Kind: "Deployment", Name: "web"}, Differences: test.has}}})
			var got []string
			for _, f := range r.Subjects[0].Findings {
				got = append(got, f.Rule+": "+f.Path+" "+f.text())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// TestWhatWasBuiltIsNotCompared has differences of manifests that krm-bypass made
// itself count for nothing, and errors of theirs all the same.
func TestWhatWasBuiltIsNotCompared(t *testing.T) {
	r := NewCheck("v0.1.0", Checked{Checked: &fn.Checked{Objects: found.Objects}, Built: true})
	assert.True(t, r.Passed)
	assert.Equal(t, []int{0, 2, 1}, []int{r.Checked, r.Built, r.LeftAlone})
	assert.Equal(t, "left alone: DaemonSet node: it uses the host's network\n2 objects were built and not compared, 1 left alone\n", string(writtenCheck(t, "text", r)))
	r = NewCheck("v0.1.0", Checked{Checked: found, Built: true})
	assert.False(t, r.Passed)
}

// TestFindingsOfAPipeHaveAPlaceInTheRepository has those whose own file nobody knows
// stand at the spec, since no tool finds a file named standard input.
func TestFindingsOfAPipeHaveAPlaceInTheRepository(t *testing.T) {
	r := newCheck(found)
	r.Spec = "deploy/bypass.yaml"
	for format, place := range map[string]string{"sarif": `"uri": "deploy/bypass.yaml"`, "github": "file=deploy/bypass.yaml,title=", "gitlab": `"path": "deploy/bypass.yaml"`} {
		text := string(writtenCheck(t, format, r))
		assert.Contains(t, text, place, format)
		assert.NotContains(t, text, "standard", format)
	}
}

// TestGitHubCommandsAreEscaped has texts that would end a command, begin another or
// add a property.
func TestGitHubCommandsAreEscaped(t *testing.T) {
	r := newCheck(&fn.Checked{Results: fn.Results{{
		Severity: fn.Error, File: &fn.File{Path: "a,line=9:%\n::b.yaml"}, Line: 3, Message: "100%\r\n::add-mask::x\x1b[31m",
	}}})
	lines := strings.Split(string(writtenCheck(t, "github", r)), "\n")
	assert.Equal(t, []string{`::error file=a%2Cline=9%3A%25%0A%3A%3Ab.yaml,line=3,title=krm-bypass%3A refused::100%25\r%0A::add-mask::x\x1b[31m`, "nothing was compared, 1 error", ""}, lines)
}

// TestFingerprintsStayWhereLinesMove has the same findings some lines further down,
// and two that only their messages tell apart.
func TestFingerprintsStayWhereLinesMove(t *testing.T) {
	at := func(line int) (fingerprints []string) {
		one := fn.Result{Severity: fn.Error, File: &fn.File{Path: "web.yaml"}, Line: line, Message: fmt.Sprintf("see line %d", line)}
		other := one
		other.Message = "something else"
		var all []codeQuality
		require.NoError(t, json.Unmarshal(writtenCheck(t, "gitlab", newCheck(&fn.Checked{Results: fn.Results{one, other}})), &all))
		for _, c := range all {
			assert.Equal(t, line, c.Location.Lines.Begin)
			fingerprints = append(fingerprints, c.Fingerprint)
		}
		return fingerprints
	}
	first := at(3)
	assert.Equal(t, first, at(30))
	assert.NotEqual(t, first[0], first[1])
}

// TestFindingsBeyond moves a rule: its findings are the same, and one that it has more is
// not.
func TestFindingsBeyond(t *testing.T) {
	check := func(paths ...string) (c Check) {
		for _, path := range paths {
			c.Subjects = append(c.Subjects, Subject{Kind: "ClusterBypass", Name: "x", Findings: []Finding{{Rule: "expired", Path: path, Message: "expired"}}})
		}
		return c
	}
	before := check("spec.workloads[1].expires")
	assert.Empty(t, Beyond(check("spec.workloads[0].expires"), before))
	assert.Len(t, Beyond(check("spec.workloads[0].expires", "spec.workloads[1].expires"), before), 1)
	assert.Len(t, Beyond(check("spec.namespaces[1].expires"), before), 1)

	said := func(message string) Check {
		return Check{Subjects: []Subject{{Kind: "Deployment", Name: "x", Findings: []Finding{{Rule: "annotation-wins", Path: "metadata", Message: message}}}}}
	}
	assert.Empty(t, Beyond(said("replaces what spec.workloads[2] says (line 9)"), said("replaces what spec.workloads[3] says (line 12)")))
	assert.Empty(t, Beyond(said(`the key "a" appears twice, on lines 3 and 5`), said(`the key "a" appears twice, on lines 13 and 15`)))
	assert.Len(t, Beyond(said("port 80 bypasses"), said("port 81 bypasses")), 1)
}

// TestFindingsBeyondOfPorts groups workloads otherwise: what is said of each is the same.
func TestFindingsBeyondOfPorts(t *testing.T) {
	of := func(workloads []string, ports ...string) Finding {
		return Finding{Rule: "strict-mtls", Path: "spec.mtls.mode", Message: strings.Join(ports, ", ") + " of " + strings.Join(workloads, ", "), Workloads: workloads, Ports: ports}
	}
	check := func(findings ...Finding) Check {
		return Check{Subjects: []Subject{{Kind: "PeerAuthentication", Name: "default", Findings: findings}}}
	}
	api, queue, both := []string{"Deployment api"}, []string{"StatefulSet queue"}, []string{"Deployment api", "StatefulSet queue"}
	before := check(of(both, "9102"))
	for name, test := range map[string]struct {
		is       Check
		appeared []string
	}{
		"the same":                    {before, nil},
		"in two":                      {check(of(api, "9102"), of(queue, "9102")), nil},
		"one has a port more":         {check(of(api, "9102"), of(queue, "9102", "25672")), []string{"9102, 25672 of StatefulSet queue"}},
		"one has a port more, beside": {check(of(api, "9102"), of(queue, "9102-9103")), []string{"9102-9103 of StatefulSet queue"}},
		"one is gone":                 {check(of(api, "9102")), nil},
		"another port":                {check(of(both, "9103")), []string{"9103 of Deployment api, StatefulSet queue"}},
		"in two overlays":             {check(of(both, "9102"), of(api, "9102")), []string{"9102 of Deployment api"}},
		"too many to name":            {check(Finding{Rule: "strict-mtls", Path: "spec.mtls.mode", Message: "many"}), []string{"many"}},
	} {
		t.Run(name, func(t *testing.T) {
			var appeared []string
			for _, s := range Beyond(test.is, before) {
				for _, f := range s.Findings {
					appeared = append(appeared, f.Message)
				}
			}
			assert.Equal(t, test.appeared, appeared)
		})
	}
	assert.Empty(t, Beyond(before, check(of(api, "9102"), of(queue, "9102-9103"))), "a port side by side is gone")
}

// TestObjectsThatMendArePrintedOnce has the same one for two workloads, and another one.
func TestObjectsThatMendArePrintedOnce(t *testing.T) {
	finding := func(name, proposed string) fn.Result {
		return fn.Result{Severity: fn.Warning, ResourceRef: &fn.ResourceRef{Kind: "Deployment", Name: name}, Message: "m", Field: &fn.Field{Path: "p", ProposedValue: proposed}, Tags: map[string]string{fn.CheckTag: "auto-mtls"}}
	}
	found := Checked{Checked: &fn.Checked{Results: fn.Results{finding("a", "kind: A\n"), finding("b", "kind: A\n"), finding("c", "kind: C\n")}}}
	said := func(name, shown string) string {
		return "Deployment " + name + ": warning: auto-mtls: p: m\n" + shown
	}
	assert.Equal(t, said("a", "    kind: A\n")+said("b", "")+said("c", "    kind: C\n")+"3 warnings\n", written(t, CheckFormats, "text", NewLint("", found)))
	checked := written(t, CheckFormats, "text", NewCheck("", found))
	assert.Contains(t, checked, said("a", "")+said("b", "")+said("c", ""), "lint prints them")
	for _, r := range []Check{NewLint("", found), NewCheck("", found)} {
		assert.Contains(t, written(t, CheckFormats, "json", r), "kind: C")
	}
}
