package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const fileSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  meshDefaults: {excludeInboundPorts: [15020]}
  global: {excludeOutboundIPRanges: [169.254.169.254], reason: REASON, owner: platform}
  namespaces:
  - {match: {names: [shop]}, merge: Union, excludeInboundPorts: [9102], expires: 2026-10-31}
  workloads:
  - {match: {names: [nobody]}, excludeOutboundPorts: [25]}
  - {match: {names: [web1]}, name: off, suspend: true, excludeOutboundPorts: [26]}
  enforcement: {mode: AnnotationsOnly}
`

// workloads gives as many as that, each in one of some namespaces.
func workloads(n, namespaces int, annotation string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web%d, namespace: shop%d}\nspec:\n  selector: {}\n  template:\n    metadata: {annotations: {%s}}\n    spec: {containers: [{name: a, image: a}]}\n", i, i%namespaces, strings.ReplaceAll(annotation, "PORT", fmt.Sprint(1000+i)))
	}
	return strings.ReplaceAll(b.String(), "shop0", "shop")
}

func explainedFile(t *testing.T, spec, manifests string) report.Explanation {
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(manifests)}}, fn.Options{}, "2026-11-25")
	require.NoError(t, err, x.Results.Report())
	return report.NewExplanation(x)
}

func asFile(t *testing.T, r report.Explanation) string {
	var b bytes.Buffer
	require.NoError(t, page.WriteFile(&b, r))
	return b.String()
}

// files has a page of everything that there is to show.
func files(t *testing.T, reason string) map[string]string {
	spec, manifests := strings.Replace(fileSpec, "REASON", reason, 1), workloads(3, 2, `traffic.sidecar.istio.io/excludeInboundPorts: "PORT", sidecar.istio.io/interceptionMode: NONE`)
	changes, answers := explainedFile(t, spec, manifests), explainedFile(t, spec, manifests)
	changes.Compare(explainedFile(t, strings.ReplaceAll(spec, "9102", "9103"), workloads(4, 2, "")))
	c, err := traffic.ParseInbound("9102")
	require.NoError(t, err)
	answers.Decide(c, "inbound port 9102")
	return map[string]string{"settings": asFile(t, explainedFile(t, spec, manifests)), "changes": asFile(t, changes), "answers": asFile(t, answers), "nothing": asFile(t, explainedFile(t, spec, ""))}
}

var (
	styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	policyOf     = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`)
	anchorOf     = regexp.MustCompile(`href="([^"]*)"`)
	idOf         = regexp.MustCompile(` id="([^"]*)"`)
)

// TestTheFileAsksNobody: it has one sheet of styles, which its policy names, and no more
// than anchors of its own.
func TestTheFileAsksNobody(t *testing.T) {
	for name, text := range files(t, "the metadata") {
		t.Run(name, func(t *testing.T) {
			sheet := styleElement.FindStringSubmatch(text)
			require.Len(t, sheet, 2)
			hash := sha256.Sum256([]byte(sheet[1]))
			policy := policyOf.FindStringSubmatch(text)
			require.Len(t, policy, 2)
			assert.Equal(t, "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'", strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy[1]))
			assert.NotRegexp(t, `@import|url\(`, sheet[1])
			assert.NotRegexp(t, `(?i)<script|<link|<img|<iframe|<form|<base|<svg [^>]*href| src=| style=| on[a-z]+=|https?:`, styleElement.ReplaceAllString(text, ""))
			ids := map[string]bool{}
			for _, id := range idOf.FindAllStringSubmatch(text, -1) {
				assert.False(t, ids[id[1]], "two of %s", id[1])
				ids[id[1]] = true
			}
			for _, href := range anchorOf.FindAllStringSubmatch(text, -1) {
				assert.True(t, strings.HasPrefix(href[1], "#") && ids[href[1][1:]], href[1])
			}
		})
	}
}

func TestTheFileShowsWhatThereIs(t *testing.T) {
	all := files(t, "the metadata")
	for of, says := range map[string][]string{
		"settings": {`<th scope="col">Inbound ports that bypass<small>excludeInboundPorts</small></th>`, "lost to annotation (shop.yaml:8)", "<span>1002</span><i>a</i>", "<h1>3 of 3 workloads bypass something.</h1>", ">3</dd>", `spec.workloads[0]</code>  <span class="muted">bypass.yaml:10</span>`, `spec.workloads[1]</code> off <span class="muted">bypass.yaml:11</span>: suspended`, "<strong>expired</strong>: expired on 2026-10-31", "<td>the metadata</td><td>platform</td>", "EXPIRED on 2026-10-31", "everything inbound", `<tr><th scope="row">Inbound ports that bypass<td>`, `<tr><th scope="row"><span class="unseen">Inbound ports that bypass</span><td>`},
		"changes":  {`<span class="tag warning">warning</span> <span class="tag draft">new</span> <strong>interception-mode</strong>`, `<span class="tag error">error</span> <strong>expired</strong>`, "3 changed, and the pods of 3 restart; 1 gone.</h1>", `<b class="minus">−</b> Inbound ports that bypass`, `<b class="plus">&#43;</b> Inbound ports that bypass`, "Gone: Deployment shop1/web3"},
		"answers":  {"inbound port 9102: bypassed for 3 of 3 workloads.</h1>", "What becomes of the connection"},
		"nothing":  {"<h1>The manifests hold no workload.</h1>"},
	} {
		for _, one := range says {
			assert.Contains(t, all[of], one, of)
		}
	}
}

// TestTheFileTakesNoMarkup has markup in all that others write.
func TestTheFileTakesNoMarkup(t *testing.T) {
	const hostile = `"><script>alert(1)</script>`
	quoted := `'` + hostile + `'`
	spec := strings.NewReplacer("REASON", quoted, "owner: platform", "owner: "+quoted).Replace(fileSpec)
	r := explainedFile(t, spec, workloads(2, 1, "sidecar.istio.io/interceptionMode: "+quoted))
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Name, w.Namespace, w.Kind, w.File, w.Reason, w.Notes = hostile, hostile, hostile, hostile, hostile, []string{hostile}
		for j := range w.Fields {
			w.Fields[j].Field, w.Fields[j].Gap = hostile, hostile
			for k := range w.Fields[j].Entries {
				e := &w.Fields[j].Entries[k]
				e.Entry, e.Holds, e.From.Scope, e.From.File = hostile, []string{hostile}, "spec."+hostile, hostile
			}
		}
	}
	r.PassedOver = []string{hostile}
	r.Compare(report.Explanation{Lacks: []string{hostile}})
	r.Summary.Rules = []fn.Reach{{Path: hostile, Name: hostile, File: hostile, Meant: hostile, Unreached: true}}
	text := asFile(t, r)
	assert.NotContains(t, text, "<script")
	assert.Greater(t, strings.Count(text, "&lt;script&gt;"), 20)
	assert.Equal(t, strings.Count(text, "<"), strings.Count(text, ">")-strings.Count(styleElement.FindString(text), ">")+strings.Count(styleElement.FindString(text), "<"), "each tag ends")
}

// TestTheFileStaysSmall has many workloads, each with an annotation of its own.
func TestTheFileStaysSmall(t *testing.T) {
	r := explainedFile(t, fileSpec, workloads(2000, 60, `traffic.sidecar.istio.io/excludeInboundPorts: "PORT"`))
	text := asFile(t, r)
	assert.Less(t, len(text)/2000, 1600)
	assert.Equal(t, 2000, strings.Count(text, `class="one"`))
}
