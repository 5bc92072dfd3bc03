package revise_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const inJSON = `{"apiVersion":"krm-bypass.dev/v1alpha1","kind":"ClusterBypass","metadata":{"name":"cluster"},"spec":{` +
	`"meshDefaults":{"excludeInboundPorts":[]},"global":{"reason":"all","excludeOutboundPorts":[3306,"9000-9010"]},` +
	`"namespaces":[{"match":{"names":["shop"]}}],"workloads":[{"match":{"names":["web"]},"suspend":true}],` +
	`"lint":{"accept":[{"check":"service-port","match":{"names":["web"]},"reason":"known"}]}}}`

// TestJSONStaysJSON puts texts that YAML takes for something else than a string into every
// field, alone and over what stands there.
func TestJSONStaysJSON(t *testing.T) {
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, []byte(inJSON), "", "  "))
	said := func(f Field, entry string) Setting {
		switch {
		case strings.HasSuffix(f.Path, "excludeOutbound"):
			entry = entry + "@" + entry
		case strings.HasSuffix(f.Path, "matchLabels"):
			entry = "app=" + entry
		case strings.HasSuffix(f.Path, "matchExpressions"):
			entry = "tier In " + entry
		}
		return Says(entry)
	}
	for name, text := range map[string]string{"on one line": inJSON, "pretty": pretty.String(), "behind a marker": "---\n" + inJSON + "\n"} {
		apply := func(text []byte, c Change) []byte {
			got, err := Apply(yamltext.File{Path: "bypass.json", Text: text}, c)
			if assert.NoError(t, err, "%s: %v", name, c) {
				assert.True(t, json.Valid(bytes.TrimPrefix(got, []byte("---\n"))), "%s: %s", name, got)
			}
			return got
		}
		for _, place := range []string{"spec.meshDefaults", "spec.global", "spec.namespaces[0]", "spec.workloads[0]", "spec.lint.accept[0]"} {
			for _, f := range Fields(place) {
				for _, entry := range []string{"2027-01-31", "soon", "08", "0o17", "0x10", "443", "1_000", "1e3", ".5", ".inf", "yes", "true", "~", "null", "*", `say "so"`} {
					got := apply([]byte(text), Put{place, Rule{f.Path: said(f, entry)}})
					got = apply(got, Put{place, Rule{f.Path: said(f, "2028-02-29")}})
					apply(got, Put{place, Rule{f.Path: said(f, entry)}})
					if list, _, listed := strings.Cut(place, "["); listed {
						apply([]byte(text), Add{list, Last, Rule{f.Path: said(f, entry)}})
					}
				}
			}
		}
	}
	got, err := Apply(in(inJSON), Put{"spec.global", Rule{"expires": Says("2027-01-31")}})
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(inJSON, `"9000-9010"]}`, `"9000-9010"],"expires":"2027-01-31"}`, 1), string(got)) //nolint:testifylint // each byte matters, not what they say
	rows, err := Rows(in(string(got)))
	require.NoError(t, err)
	assert.Equal(t, Says("2027-01-31"), rows[1].Rule["expires"])
}
