package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	sarifreport "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

var update = flag.Bool("update", false, "rewrite the golden files, and fail")

// found is what a check finds of three files, one of them standard input.
var found = &fn.Checked{
	Objects: []fn.CheckedObject{
		{ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: "shop/web.yaml", Line: 2},
		{
			ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db"}, File: "standard input", Line: 40,
			Differences: []fn.Difference{
				{Kind: "missing", Path: `spec.template.metadata.annotations["a.b/c"]`, Line: 44, Message: `"3306" & <5432> shall stand here`},
				{Kind: "foreign", Path: "spec.template.spec.initContainers[0]", Line: 50, Message: "krm-bypass did not write this"},
			},
			Remedy: "render it again",
		},
	},
	Results: fn.Results{
		{Severity: fn.Error, Tags: map[string]string{fn.CheckTag: fn.Expired}, ResourceRef: &fn.ResourceRef{APIVersion: fn.APIVersion, Kind: fn.Kind, Name: "cluster"}, Field: &fn.Field{Path: "spec.global.expires", CurrentValue: "2026-10-31"}, File: &fn.File{Path: "bypass.yaml"}, Line: 9, Message: "expired on 2026-10-31"},
		{Severity: fn.Error, File: &fn.File{Path: "a b.yaml"}, Line: 3, Message: "reading the document: not valid YAML"},
		{Severity: fn.Warning, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Line: 7, Message: "a misspelt annotation"},
		{Severity: fn.Warning, Tags: map[string]string{fn.CheckTag: "service-port"}, ResourceRef: &fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Namespace: "shop"}, File: &fn.File{Path: "shop/web.yaml"}, Field: &fn.Field{Path: "metadata.name", ProposedValue: "kind: Service\nspec: {}\n"}, Message: "a Service names the port"},
		{Severity: fn.Info, Message: "left alone"},
	},
}

func written(t *testing.T, name string, r Report) []byte {
	t.Helper()
	format, known := FormatByName(name)
	require.True(t, known)
	var b bytes.Buffer
	require.NoError(t, format.Write(&b, r, "v0.1.0"))
	return b.Bytes()
}

func TestFormats(t *testing.T) {
	assert.Equal(t, []string{"text", "json", "sarif", "junit"}, Formats())
	for _, name := range Formats() {
		for of, r := range map[string]Report{"findings": Of(found), "nothing": Of(&fn.Checked{Objects: found.Objects[:1]})} {
			t.Run(name+" "+of, func(t *testing.T) {
				got := written(t, name, r)
				path := filepath.Join("testdata", of+"."+name)
				want, err := os.ReadFile(path)
				if *update && (err != nil || !bytes.Equal(want, got)) {
					require.NoError(t, os.WriteFile(path, got, 0o644))
					t.Fatalf("%s is rewritten: read the difference, then run without -update", path)
				}
				require.NoError(t, err)
				assert.Equal(t, string(want), string(got), "go test ./internal/check -update writes it")
			})
		}
	}
	_, known := FormatByName("yaml")
	assert.False(t, known)
}

func TestReportCounts(t *testing.T) {
	r := Of(found, &fn.Checked{Objects: found.Objects[:1]})
	assert.False(t, r.Passed)
	assert.Equal(t, []int{2, 1, 2, 2}, []int{r.Checked, r.Differing, r.Errors, r.Warnings})
	assert.Len(t, r.Subjects, 4, "an object that is looked at by two specs is one")

	r = Of(&fn.Checked{Results: fn.Results{found.Results[2]}})
	assert.True(t, r.Passed, "a warning is no failure")
	assert.Equal(t, 1, r.Warnings)

	refused := found.Results[2]
	refused.Severity = fn.Error
	r = Of(&fn.Checked{Objects: found.Objects[:1], Results: fn.Results{refused}})
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
	for _, r := range []Report{Of(found), Of()} {
		require.NoError(t, validate(written(t, "sarif", r)))
	}
	broken := bytes.Replace(written(t, "sarif", Of(found)), []byte(`"level": "error"`), []byte(`"level": "fatal"`), 1)
	require.Error(t, validate(broken), "the schema is looked at")
}

// TestSARIFRules has every result point at its own rule.
func TestSARIFRules(t *testing.T) {
	var log sarifLog
	require.NoError(t, json.Unmarshal(written(t, "sarif", Of(found)), &log))
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
	require.NoError(t, xml.Unmarshal(written(t, "junit", Of(found)), &all))
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
	assert.Contains(t, all.Suites[1].Cases[0].Failure.Text, `"3306" & <5432> shall stand here`)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFormatsReportBrokenOutput(t *testing.T) {
	for _, f := range formats {
		assert.EqualError(t, f.Write(brokenWriter{}, Of(found), ""), "no space left", "%s", f.name)
	}
}
