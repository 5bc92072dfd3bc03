package page_test

import (
	"context"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

var update = flag.Bool("update", false, "rewrite the goldens, and fail")

// seenTree is a tree of which one explanation is known.
type seenTree struct {
	emptyTree
	seen page.Seen
}

func (s *seenTree) See(context.Context, []byte) (*page.Seen, error) { return &s.seen, nil }

const seeSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  meshDefaults: {excludeInboundPorts: [15020]}
  global: {excludeOutboundIPRanges: [169.254.169.254], reason: "the <b>cloud's</b> metadata", owner: platform}
  namespaces:
  - {match: {names: [shop]}, merge: Union, excludeInboundPorts: [9102], expires: 2026-10-31}
  workloads:
  - {match: {names: [web]}, merge: Union, includeInboundPorts: [8080], excludeOutboundPorts: [3306, 6379]}
  - {match: {names: [nobody]}, excludeOutboundPorts: [25]}
  enforcement: {image: "ghcr.io/krm-bypass/init:v0.1.0"}
`

const seeManifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  template: {spec: {containers: [{name: a, image: a}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cart, namespace: shop}
spec:
  selector: {}
  template:
    metadata: {annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "7946"}}
    spec: {containers: [{name: a, image: a}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: node, namespace: infra}
spec:
  selector: {}
  template: {spec: {hostNetwork: true, containers: [{name: a, image: a}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: alone}
spec:
  selector: {}
  template: {spec: {containers: [{name: a, image: a}]}}
`

func see(t *testing.T, spec, manifests string) *seenTree {
	x := explainedFile(t, spec, manifests)
	return &seenTree{seen: page.Seen{Explanation: x, Findings: x.Findings()}}
}

var rowName = regexp.MustCompile(`<th scope="row"><span class="kind">[^<]*</span><a href="/workload[^"]*">([^<]*)</a>`)

func rows(body string) (names []string) {
	for _, m := range rowName.FindAllStringSubmatch(body, -1) {
		names = append(names, html.UnescapeString(m[1]))
	}
	return names
}

func TestMatrixKeepsWhatIsAskedFor(t *testing.T) {
	b := browse(t, see(t, seeSpec, seeManifests), page.Options{})
	for query, want := range map[string][]string{
		"":                            {"alone", "node", "web", "cart"},
		"?text=WEB":                   {"web"},
		"?text=3306":                  {"web"},
		"?text=169.254":               {"alone", "web", "cart"},
		"?text=shop.yaml":             {"alone", "node", "web", "cart"},
		"?text=nobody":                nil,
		"?namespace=shop":             {"web", "cart"},
		"?namespace=-":                {"alone"},
		"?namespace=sho":              nil,
		"?scope=annotation":           {"cart"},
		"?scope=workload":             {"web"},
		"?scope=global":               {"alone", "web", "cart"},
		"?show=alone":                 {"node"},
		"?show=bypassing":             {"alone", "web", "cart"},
		"?show=refused":               nil,
		"?show=unheard":               {"alone", "node", "web", "cart"},
		"?namespace=shop&text=7946":   {"cart"},
		"?page=7":                     {"alone", "node", "web", "cart"},
		"?page=no&scope=&text=&show=": {"alone", "node", "web", "cart"},
	} {
		b.open("/" + query)
		require.Equal(t, http.StatusOK, b.status)
		assert.Equal(t, want, rows(b.body), query)
	}
}

// TestMatrixFindsWhatHoldsAPortOrAnAddress: entries are shown in canonical form, in which
// a port or an address that was written may be no part of the text.
func TestMatrixFindsWhatHoldsAPortOrAnAddress(t *testing.T) {
	spec := strings.NewReplacer("excludeInboundPorts: [9102]", "excludeInboundPorts: [7001, 7002, 7003/TCP]", "[3306, 6379]", "[9000-9010], excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432/UDP]}, {ipRanges: ['fd00::/32'], ports: [5433]}]").Replace(seeSpec)
	manifests := strings.Replace(seeManifests, "metadata: {name: alone}\nspec:\n  selector: {}\n  template: {", "metadata: {name: alone}\nspec:\n  selector: {}\n  template: {metadata: {annotations: {sidecar.istio.io/interceptionMode: NONE}}, ", 1)
	b := browse(t, see(t, spec, manifests), page.Options{})
	for text, want := range map[string][]string{
		"7002":           {"alone", "web"}, // alone intercepts nothing
		"7002/tcp":       {"alone", "web"},
		"7003/UDP":       {"alone"},
		"7003/TCP":       {"alone", "web"},
		"9005":           {"alone", "web"},
		"9011":           {"alone"},
		"5432/UDP":       {"alone", "web"},
		"5432/TCP":       {"alone"},
		"8999-9000":      {"alone", "web"},
		"10.1.5.5":       {"alone", "web"},
		"10.2.5.5":       {"alone"},
		"10.1.5.0/24":    {"alone", "web"},
		"fd00:1::1":      {"alone"},
		"fd00::1":        {"alone", "web"},
		"169.254.169":    {"alone", "web", "cart"},
		"9005 ":          {"alone", "web"},
		"9005/SCTP":      nil,
		"10.1.0.0/16@54": {"web"},
		// A connection finds what holds both, or what does not ask for the other.
		"10.1.5.5:5432":          {"alone"},
		"10.1.5.5:5432/UDP":      {"alone", "web"},
		"10.2.5.5:5432/udp":      {"alone"},
		"[fd00::1]:5433":         {"alone", "web"},
		"192.0.2.1:9005":         {"alone", "web"},
		"192.0.2.1:7002":         {"alone"}, // which is excluded for inbound connections
		"169.254.169.254:80/TCP": {"alone", "web", "cart"},
	} {
		b.open("/?" + url.Values{"text": {text}}.Encode())
		require.Equal(t, http.StatusOK, b.status)
		assert.Equal(t, want, rows(b.body), text)
	}
}

// TestWhatBypassesMostLeadsToAsManyWorkloads: the link beside a number leads to those that
// it counts, and to no other.
func TestWhatBypassesMostLeadsToAsManyWorkloads(t *testing.T) {
	spec := strings.NewReplacer("[3306, 6379]", "[5432]", "includeInboundPorts: [8080], ", "", "merge: Union, excludeInboundPorts: [9102]", "merge: Union, excludeInboundPorts: [5432], excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432]}]").Replace(seeSpec)
	spec = strings.Replace(spec, "names: [nobody]}, excludeOutboundPorts: [25]", "names: [alone]}, includeInboundPorts: [15432], forInitContainers: {excludeOutboundPorts: [5432]}", 1)
	b := browse(t, see(t, spec, seeManifests), page.Options{})
	b.open("/")
	links := regexp.MustCompile(`<a href="([^"]*)"><code>([^<]*)</code></a> <small class="muted">(\d+)</small>`).FindAllStringSubmatch(b.body, -1)
	var whats []string
	for _, link := range links {
		b.open(html.UnescapeString(link[1]))
		assert.Len(t, rows(b.body), number(link[3]), "%s at %s", link[2], link[1])
		assert.Contains(t, b.body, "<code>"+link[2]+"</code> bypasses,")
		whats = append(whats, link[2])
	}
	assert.Subset(t, whats, []string{"5432", "10.1.0.0/16@5432", "every TCP port but 15432", "5432 while init containers run"})
	b.open("/?past=5432&direction=outbound")
	assert.Equal(t, []string{"web"}, rows(b.body))
	assert.Contains(t, b.body, `<input type="hidden" name="past" value="5432"><input type="hidden" name="direction" value="outbound">`, "what is filtered on is still asked for")
	b.open("/?past=5432&direction=inbound&text=web")
	assert.Equal(t, []string{"web"}, rows(b.body))
}

func TestMatrixPages(t *testing.T) {
	b := browse(t, see(t, seeSpec, workloads(250, 3, "")), page.Options{})
	known := map[string]bool{}
	for n, want := range []int{60, 60, 60, 60, 10, 10} {
		b.open(fmt.Sprintf("/?page=%d", n+1))
		names := rows(b.body)
		assert.Len(t, names, want)
		assert.Less(t, len(b.body), 200_000)
		for _, name := range names {
			known[name] = true
		}
		assert.Equal(t, n > 0, strings.Contains(b.body, ">Previous</a>"))
		assert.Equal(t, n < 4, strings.Contains(b.body, ">Next</a>"))
	}
	assert.Len(t, known, 250)
	b.open("/?text=web1&page=2")
	assert.Contains(t, b.body, "61–111 of 111")
}

// TestViewsOfATree holds what three views say of a small tree.
func TestViewsOfATree(t *testing.T) {
	b := browse(t, see(t, seeSpec, seeManifests), page.Options{})
	key := func(apiVersion, kind, namespace, name string) string {
		return "/workload?of=" + url.QueryEscape(strings.Join([]string{apiVersion, kind, namespace, name, ""}, "/"))
	}
	for name, at := range map[string]string{
		"matrix": "/", "web": key("apps/v1", "Deployment", "shop", "web"), "cart": key("apps/v1", "StatefulSet", "shop", "cart"),
		"node": key("apps/v1", "Deployment", "infra", "node"), "gone": key("apps/v1", "Deployment", "shop", "gone"), "findings": "/findings",
	} {
		b.open(at)
		main := b.body[strings.Index(b.body, "<main"):strings.Index(b.body, "</main>")]
		main = strings.Replace(main, "<p class=\"waiting\">Reading the manifests…</p>\n", "", 1) // on a machine with much to do
		path := filepath.Join("testdata", "views", name+".html")
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(main+"\n"), 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), main+"\n", "go test ./cmd/krm-bypass/page -update rewrites it")
	}
	if *update {
		t.Fatal("the goldens were rewritten: read the difference, then run without -update")
	}
}

// TestAWorkloadIsFoundByItsName takes the names that explain takes.
func TestAWorkloadIsFoundByItsName(t *testing.T) {
	b := browse(t, see(t, seeSpec, seeManifests+"---\n"+strings.ReplaceAll(strings.Split(seeManifests, "---\n")[0], "shop", "other")), page.Options{})
	for name, says := range map[string]string{
		"Deployment/shop/web": "/workload?of=apps%2Fv1%2FDeployment%2Fshop%2Fweb%2F", "shop/cart": "/workload?of=apps%2Fv1%2FStatefulSet%2Fshop%2Fcart%2F",
		"web": "/?text=web", "Deployment/shop/gone": "/workload?of=Deployment%2Fshop%2Fgone", "": "/workload?of=",
	} {
		b.open("/workload?of=" + url.QueryEscape(name))
		assert.Equal(t, http.StatusOK, b.status, name)
		assert.Equal(t, says, b.at, name)
		assert.Equal(t, strings.HasSuffix(name, "gone") || name == "", strings.Contains(b.says(), "No such workload"), name)
	}
}

// TestThePageNamesWhatItComparesWith: what HEAD is, changes.
func TestThePageNamesWhatItComparesWith(t *testing.T) {
	tree := see(t, seeSpec, seeManifests)
	b := browse(t, tree, page.Options{})
	b.open("/")
	assert.NotContains(t, b.says(), "Compared with")
	tree.seen.Since = "HEAD (0123456789ab)"
	b.open("/")
	assert.Contains(t, b.says(), "Compared with HEAD (0123456789ab).")
}

// TestViewsShowTextAsText has names, reasons and entries that would be markup, and more
// entries than a page has room for.
func TestViewsShowTextAsText(t *testing.T) {
	spec := strings.Replace(seeSpec, "the <b>cloud's</b> metadata", `</td><script>alert(1)</script>`, 1)
	var many []string
	for i := range 10000 {
		many = append(many, fmt.Sprint(20000+2*i))
	}
	spec = strings.Replace(spec, "[3306, 6379]", "["+strings.Join(many, ", ")+"]", 1)
	manifests := strings.ReplaceAll(seeManifests, "name: cart", `name: "<script>alert(2)</script>"`)
	b := browse(t, see(t, spec, manifests), page.Options{})
	b.open("/")
	for _, at := range append(regexp.MustCompile(`/workload\?[^"]*`).FindAllString(b.body, -1), "/", "/findings", "/?text=%3Cscript%3E", "/workload?of=%3Cscript%3E", "/findings?kind=%22%3E%3Cscript%3E") {
		b.open(html.UnescapeString(at))
		assert.Equal(t, 1, strings.Count(b.body, "<script"), at) // that of the page itself
		assert.NotContains(t, b.body, " style=")
		assert.Less(t, len(b.body), 300_000, at)
	}
}

// TestReasonsNeedNoPointer: a number at an entry leads to why it is there, once for each rule.
func TestReasonsNeedNoPointer(t *testing.T) {
	b := browse(t, seeWithSpec(t, seeSpec, seeManifests), page.Options{})
	b.open("/")
	assert.Regexp(t, `<b>G</b><span>169.254.169.254/32</span><i>a?i?</i><sup>1</sup>`, b.body)
	assert.Regexp(t, `<b>N</b><span>9102</span><i>a?i?</i><sup>2</sup>`, b.body)
	assert.NotRegexp(t, `<b>[DWA]</b><span>[^<]*</span>(<i>[^<]*</i>)?<sup>`, b.body, "of these nobody says why")
	_, notes, found := strings.Cut(b.body, `<section class="notes"`)
	require.True(t, found)
	notes, _, _ = strings.Cut(notes, "</section>")
	assert.Equal(t, 2, strings.Count(notes, "<li>"))
	assert.Contains(t, notes, `<a href="/rules#spec.global"><code>spec.global</code></a> the &lt;b&gt;cloud&#39;s&lt;/b&gt; metadata; owner: platform <small class="muted">bypass.yaml</small></li>`)
	assert.Contains(t, notes, "<code>spec.namespaces[0]</code></a> expired on 2026-10-31")
	b.open("/?text=node")
	assert.NotContains(t, b.body, `class="notes"`)
}
