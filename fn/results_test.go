package fn_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestReportSaysWhatIsTheSameOfManyObjectsOfAFew also wants every error, since each
// of them has to be mended.
func TestReportSaysWhatIsTheSameOfManyObjectsOfAFew(t *testing.T) {
	var results fn.Results
	for _, severity := range []fn.Severity{fn.Error, fn.Warning, fn.Info} {
		for i := range 5 {
			results = append(results, fn.Result{
				Severity: severity, Message: "m", ResourceRef: &fn.ResourceRef{APIVersion: "v1", Kind: "Pod", Name: strconv.Itoa(i)},
				Field: &fn.Field{Path: map[bool]string{true: "spec", false: fmt.Sprintf("items[%d].spec", i)}[i < 3]}, Tags: map[string]string{fn.CheckTag: "kind"},
			})
		}
	}
	results = append(results, fn.Result{Severity: fn.Warning, Message: "other", ResourceRef: &fn.ResourceRef{APIVersion: "v1", Kind: "Pod", Name: "5"}})
	assert.Equal(t, `error: Pod 0: spec: m [kind]
error: Pod 1: spec: m [kind]
error: Pod 2: spec: m [kind]
error: Pod 3: items[3].spec: m [kind]
error: Pod 4: items[4].spec: m [kind]
warning: Pod 0: spec: m [kind]
warning: Pod 1: spec: m [kind]
warning: Pod 2: spec: m [kind] (and 2 more like it: krm-bypass lint lists them all)
warning: Pod 5: other
`, results.Report())
}
