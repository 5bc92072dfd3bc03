package main

import (
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

const acceptedService = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: admin, port: 90, targetPort: 9090}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
`

// TestSomePortsAreAccepted follows the links at findings to their forms, without a script: a
// form holds all ports of which the finding speaks, and whoever takes one out is told of
// that one again.
func TestSomePortsAreAccepted(t *testing.T) {
	spec := strings.Replace(treeSpec, "excludeOutboundPorts: [3306] # MySQL", "excludeInboundPorts: [8080, 9090]", 1)
	laidOut(t, map[string]string{"bypass.yaml": spec, "m/web.yaml": treePod + "---\n" + acceptedService})
	tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
	require.NoError(t, err)
	site := page.New(tree, page.Options{})
	for check, test := range map[string]struct{ ports, left, says string }{
		"service-port": {"8080", "8080", "leads to port 9090"},
		"strict-mtls":  {"8080\n9090", "9090", "here at port 8080 of"},
		"auto-mtls":    {"8080\n9090", "9090", "speak mTLS to port 8080,"},
	} {
		t.Run(check, func(t *testing.T) {
			body := visit(t, site, "/findings?kind="+check, nil)
			link := target(t, body, `href="(/rules/edit[^"]*check=`+check+`[^"]*)">Accept`)
			form := visit(t, site, link, nil)
			assert.Equal(t, test.ports, inForm(t, form)["ports"])
			assert.Equal(t, []string{"Deployment", "web", "shop"}, []string{inForm(t, form)["match.kinds"], inForm(t, form)["match.names"], inForm(t, form)["match.namespaces"]})
			values := url.Values{"reason": {"the probe asks"}, "do": {"save"}}
			for name, value := range inForm(t, form) {
				values.Set(name, value)
			}
			values.Set("reason", "the probe asks")
			values.Set("ports", test.left)
			values.Set("check", check)
			body = visit(t, site, target(t, form, `<form method="post" action="([^"]*)"`), values)
			findings := visit(t, site, strings.Replace(target(t, body, `href="(/findings\?draft=[^"]*)"`), "/findings?", "/findings?kind="+check+"&", 1), nil)
			assert.Contains(t, html.UnescapeString(findings), test.says)
			assert.Contains(t, findings, "Accepted: the probe asks")
		})
	}
}

var inControl = regexp.MustCompile(`(?s)<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>|<input type="text" name="([^"]*)"[^>]* value="([^"]*)"`)

// inForm gives what the fields of a form hold.
func inForm(t *testing.T, body string) map[string]string {
	t.Helper()
	held := map[string]string{}
	for _, found := range inControl.FindAllStringSubmatch(body, -1) {
		held[found[1]+found[3]] = html.UnescapeString(found[2] + found[4])
	}
	require.Contains(t, slices.Collect(maps.Keys(held)), "ports")
	return held
}
