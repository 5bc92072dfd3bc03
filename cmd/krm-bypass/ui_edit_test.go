package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// visit asks a page for something, with a form if there is one, goes where it sends, and
// gives what it says there.
func visit(t *testing.T, site http.Handler, at string, form url.Values) (body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, at, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, at, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, r)
	if answer.Code == http.StatusSeeOther {
		return visit(t, site, answer.Header().Get("Location"), nil)
	}
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	return answer.Body.String()
}

// target gives where a form of a page goes, or a link.
func target(t *testing.T, body, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(body)
	require.NotNil(t, found, "%s in %s", pattern, body)
	return html.UnescapeString(found[1])
}

// A change by a form is shown by what it does to the manifests, saved into the
// specification alone, and written into the manifests only where that is asked for.
func TestTheSpecificationIsChangedOnThePage(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../examples/reviewing/after")))
	t.Chdir(dir)
	before := contents(t, ".")
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"shop", "batch"}, "", "2026-11-01")
	require.NoError(t, err)
	site := page.New(tree, page.Options{})

	body := visit(t, site, "/rules/edit?of="+url.QueryEscape("spec.namespaces[0]"), nil)
	body = visit(t, site, target(t, body, `<form method="post" action="([^"]*)"`), url.Values{"excludeInboundPorts": {"9102"}, "excludeInboundPorts.state": {"list"}, "do": {"save"}})
	if later := regexp.MustCompile(`data-load="([^"]*)"`).FindStringSubmatch(body); later != nil {
		body += visit(t, site, html.UnescapeString(later[1]), nil)
	}
	says := html.UnescapeString(body)
	assert.Contains(t, says, `<span class="del">-    excludeInboundPorts: [9102, 9103]</span><span class="add">+    excludeInboundPorts: [9102]</span>`)
	assert.Contains(t, says, `<dt>workload changes</dt><dd>1</dd></div><div><dt>restarts its pods</dt><dd>1</dd>`)
	assert.Contains(t, says, "Deployment shop/checkout</a>")
	assert.Contains(t, says, "traffic.sidecar.istio.io/excludeInboundPorts", "the manifests' difference")
	assert.NotContains(t, says, "nightly", "what does not change is not shown")
	assert.Equal(t, before, contents(t, "."), "nothing is written before it is saved")

	body = visit(t, site, target(t, body, `<form method="post" action="(/save[^"]*)"`), url.Values{"do": {"save"}})
	assert.Contains(t, body, "Saved:")
	after := contents(t, ".")
	assert.Equal(t, strings.Replace(before["bypass.yaml"], "[9102, 9103]", "[9102]", 1), after["bypass.yaml"])
	delete(before, "bypass.yaml")
	delete(after, "bypass.yaml")
	assert.Equal(t, before, after, "saving writes the specification alone")

	body = visit(t, site, target(t, body, `href="(/manifests[^"]*)"`), nil)
	assert.Equal(t, after, without(contents(t, "."), "bypass.yaml"), "looking at it writes nothing")
	visit(t, site, target(t, body, `<form method="post" action="(/manifests[^"]*)"`), url.Values{"digest": {target(t, body, `name="digest" value="([^"]*)"`)}})
	written := contents(t, ".")
	assert.NotEqual(t, after, without(contents(t, "."), "bypass.yaml"))
	code, _, stderr := krmBypass("", "render", "--in-place", "--spec", "bypass.yaml", "shop", "batch")
	require.Zero(t, code, stderr)
	assert.Equal(t, written, contents(t, "."), "render --in-place has nothing more to write")
}

func without(files map[string]string, name string) map[string]string {
	delete(files, name)
	return files
}
