package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
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
				{Kind: "foreign", Path: "spec.template.spec.initContainers[0]", Line: 50, Message: "krm-bypass did not write this"},
			},
			Remedy: "render it again",
		},
	},
	Results: fn.Results{
		{Severity: fn.Error, Tags: map[string]string{fn.CheckTag: finding.Expired.ID}, ResourceRef: &fn.ResourceRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind, Name: "cluster"}, Field: &fn.Field{Path: "spec.global.expires", CurrentValue: "2026-10-31"}, File: &fn.File{Path: "bypass.yaml"}, Line: 9, Message: "expired on 2026-10-31"},
		{Severity: fn.Error, File: &fn.File{Path: "a b.yaml"}, Line: 3, Message: "reading the document: not valid YAML"},
		{Severity: fn.Warning, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Line: 7, Message: "a misspelt annotation"},
		{Severity: fn.Warning, Tags: map[string]string{fn.CheckTag: "service-port"}, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Field: &fn.Field{Path: "metadata.name", ProposedValue: "kind: Service\nspec: {}\n"}, Message: "a Service names the port"},
		{Severity: fn.Info, Message: "left alone"},
	},
}

func writtenCheck(t *testing.T, name string, r Check) []byte {
	t.Helper()
	return []byte(written(t, CheckFormats, name, r))
}

func TestCheckFormats(t *testing.T) {
	testFormats(t, "check", CheckFormats, map[string]Check{"findings": NewCheck("v0.1.0", found), "nothing": NewCheck("v0.1.0", &fn.Checked{Objects: found.Objects[:1]})})
}

func TestCheckCounts(t *testing.T) {
	r := NewCheck("v0.1.0", found, &fn.Checked{Objects: found.Objects[:1]})
	assert.False(t, r.Passed)
	assert.Equal(t, []int{2, 1, 2, 2}, []int{r.Checked, r.Differing, r.Errors, r.Warnings})
	assert.Len(t, r.Subjects, 4, "an object that is looked at by two specs is one")

	r = NewCheck("v0.1.0", &fn.Checked{Results: fn.Results{found.Results[2]}})
	assert.True(t, r.Passed, "a warning is no failure")
	assert.Equal(t, 1, r.Warnings)

	refused := found.Results[2]
	refused.Severity = fn.Error
	r = NewCheck("v0.1.0", &fn.Checked{Objects: found.Objects[:1], Results: fn.Results{refused}})
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
	for _, r := range []Check{NewCheck("v0.1.0", found), NewCheck("v0.1.0")} {
		require.NoError(t, validate(writtenCheck(t, "sarif", r)))
	}
	broken := bytes.Replace(writtenCheck(t, "sarif", NewCheck("v0.1.0", found)), []byte(`"level": "error"`), []byte(`"level": "fatal"`), 1)
	require.Error(t, validate(broken), "the schema is looked at")
}

// TestSARIFRules has every result point at its own rule.
func TestSARIFRules(t *testing.T) {
	var log sarifLog
	require.NoError(t, json.Unmarshal(writtenCheck(t, "sarif", NewCheck("v0.1.0", found)), &log))
	require.Len(t, log.Runs[0].Results, 6)
	fingerprints := map[string]bool{}
	for _, result := range log.Runs[0].Results {
		assert.Equal(t, result.RuleID, log.Runs[0].Tool.Driver.Rules[result.RuleIndex].ID)
		fingerprints[result.Fingerprints["krmBypass/v1"]] = true
	}
	assert.Len(t, fingerprints, 6)
}

// TestJUnitReads reads the report as a CI system does.
func TestJUnitReads(t *testing.T) {
	var all testSuites
	require.NoError(t, xml.Unmarshal(writtenCheck(t, "junit", NewCheck("v0.1.0", found)), &all))
	assert.Equal(t, []int{4, 3}, []int{all.Tests, all.Failures})
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
	assert.Equal(t, []int{4, 3}, []int{cases, failures})
	assert.Contains(t, all.Suites[1].Cases[0].Failure.Text, `expected "3306" & <5432> here`)
}
