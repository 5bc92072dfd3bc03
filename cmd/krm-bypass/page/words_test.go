package page_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// withSpec is a tree that is explained, and the file of its specification.
type withSpec struct {
	*seenTree
	text string
}

func (w *withSpec) Save(_, is []byte) error {
	w.text = string(is)
	return nil
}

func (w *withSpec) Spec() (page.SpecFile, error) {
	return page.SpecFile{Path: "bypass.yaml", Text: []byte(w.text)}, nil
}

func seeWithSpec(t *testing.T, text, manifests string) *withSpec {
	return &withSpec{see(t, text, manifests), text}
}

func TestRulesSayWhatHoldsOfThem(t *testing.T) {
	text := strings.Replace(seeSpec, "  enforcement:", "  - {match: {names: [cart]}, name: off, suspend: true, excludeOutboundPorts: [26]}\n  - {match: {names: [web]}, excludeOutboundPorts: [3307]}\n  enforcement:", 1)
	b := browse(t, seeWithSpec(t, text, seeManifests), page.Options{})
	b.open("/rules?wait=1")
	for _, says := range []string{
		"Reaches 2 workloads, perhaps more whose namespace or labels are unknown: Deployment shop/web, StatefulSet shop/cart. Nothing of it holds for StatefulSet shop/cart", // what cart says by itself replaces it
		"Narrower than every rule is an annotation",
		"It says suspend: true: it stays in the file and in this list, and is in force nowhere.",
		"reaches nobody here", "expired",
	} {
		assert.Contains(t, b.says(), says)
	}
}

// TestRulesNameAFewForWhomNothingHolds: with many, the rest is counted.
func TestRulesNameAFewForWhomNothingHolds(t *testing.T) {
	var manifests strings.Builder
	for i := range 6 {
		fmt.Fprintf(&manifests, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d, namespace: shop}\nspec:\n  selector: {}\n  template:\n    metadata: {annotations: {%s}}\n    spec: {containers: [{name: a, image: a}]}\n",
			i, map[bool]string{true: `traffic.sidecar.istio.io/excludeInboundPorts: "7946"`}[i > 0])
	}
	text := strings.Replace(seeSpec, "{match: {names: [shop]}, merge: Union,", "{match: {names: [shop]},", 1)
	b := browse(t, seeWithSpec(t, text, manifests.String()), page.Options{})
	b.open("/rules?wait=1")
	assert.Contains(t, b.says(), "Reaches 6 workloads, such as Deployment shop/w0, Deployment shop/w1, Deployment shop/w2. Nothing of it holds for 5 of them, such as Deployment shop/w1, Deployment shop/w2, Deployment shop/w3")
}

func TestRulesAreFiltered(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeInboundPorts: [1], reason: all of them}\n  workloads:\n")
	for i := range 120 {
		fmt.Fprintf(&text, "  - {match: {names: [w%d]}, excludeOutboundPorts: [%d], owner: team%d%s}\n", i, 2000+i, i%2, map[bool]string{true: ", suspend: true"}[i == 7])
	}
	b := browse(t, seeWithSpec(t, text.String(), seeManifests), page.Options{})
	heading := regexp.MustCompile(`<h3 id="t-([^"]*)"`)
	shown := func(query string) (paths []string) {
		b.open("/rules?" + query)
		require.Equal(t, http.StatusOK, b.status)
		for _, m := range heading.FindAllStringSubmatch(b.body, -1) {
			paths = append(paths, m[1])
		}
		return paths
	}
	assert.Len(t, shown(""), 52, "mesh defaults, the global rule and a page of the others")
	assert.Equal(t, []string{"spec.workloads[33]"}, shown("text=2033"))
	assert.NotContains(t, b.body, `value="up"`, "its neighbours are not those that are seen")
	assert.Equal(t, []string{"spec.workloads[7]"}, shown("show=off"))
	assert.Equal(t, []string{"spec.global"}, shown("text=ALL+of"))
	assert.Equal(t, []string{"spec.workloads[33]"}, shown("text=2033/TCP"), "a port finds as on the page of workloads")
	assert.Equal(t, []string{"spec.workloads[33]"}, shown("text=192.0.2.1:2033"))
	assert.Equal(t, []string{"spec.workloads[3]", "spec.workloads[4]"}, shown("text=2003-2004"))
	assert.Len(t, shown("text=team1"), 50)
	assert.Contains(t, b.says(), "Rules 1 to 50 of 60")
	next := regexp.MustCompile(`href="([^"]*)">Next</a>`).FindStringSubmatch(b.body)
	require.NotNil(t, next)
	at, err := url.Parse(strings.ReplaceAll(next[1], "&amp;", "&"))
	require.NoError(t, err)
	assert.Len(t, shown(at.RawQuery), 10)
	assert.Contains(t, b.body, ">Previous</a>")
	assert.Empty(t, shown("text=nothing+is+so"))
	assert.Contains(t, b.says(), "No rule is so.")
}

// TestTheHeaderIsTheSameInEachView: what comes and goes would move what stands beside it.
func TestTheHeaderIsTheSameInEachView(t *testing.T) {
	b := browse(t, seeWithSpec(t, strings.Replace(seeSpec, "spec:\n", "spec:\n  mesh: Istio\n", 1), seeManifests), page.Options{})
	for _, at := range []string{"/", "/connection", "/findings", "/rules", "/rules/edit?of=spec.global", "/save"} {
		b.open(at)
		assert.Contains(t, b.body, `<span class="mesh">Istio</span>`, at)
	}
	b = browse(t, &oneFile{text: strings.Replace(shop, "spec:\n", "spec:\n  mesh: Kuma\n", 1)}, page.Options{})
	b.open("/rules")
	assert.Contains(t, b.body, `<span class="mesh">Kuma</span>`)
	b = browse(t, &oneFile{text: shop}, page.Options{Given: spec.Given{Mesh: "Linkerd"}})
	b.open("/save")
	assert.Contains(t, b.body, `<span class="mesh">Linkerd</span>`)
}

func TestOneIsNoPlural(t *testing.T) {
	one := strings.SplitAfter(seeManifests, "---\n")[0]
	b := browse(t, seeWithSpec(t, seeSpec, strings.TrimSuffix(one, "---\n")), page.Options{})
	b.open("/")
	for _, says := range []string{"<span>workload</span><b>1</b>", `<span>error</span><b class="error">1</b>`, "<span>warnings</span><b>0</b>"} {
		assert.Contains(t, b.body, says)
	}
}

// TestAChipSaysWhy: the matrix has no column for reasons.
func TestAChipSaysWhy(t *testing.T) {
	long := strings.Repeat("very ", 200) + "long"
	b := browse(t, seeWithSpec(t, strings.Replace(seeSpec, "owner: platform", "owner: "+long, 1), seeManifests), page.Options{})
	b.open("/")
	assert.Contains(t, b.says()+b.body, "title=\"spec.global bypass.yaml:6\nthe &lt;b&gt;cloud&#39;s&lt;/b&gt; metadata\nowner: very ")
	assert.NotContains(t, b.body, long)
	assert.Contains(t, b.body, "title=\"spec.namespaces[0] bypass.yaml:8\nexpired on 2026-10-31\"")
	assert.Contains(t, b.body, `<span class="chip expired"><span>8080</span></span>by a rule that has expired`, "the legend says what the line below means")
}

func TestTheBrowserFindsAnIcon(t *testing.T) {
	b := browse(t, &oneFile{text: shop}, page.Options{})
	b.open("/rules")
	assert.Contains(t, b.body, `<link rel="icon" type="image/svg+xml" href="/assets/icon.svg">`)
	for _, at := range []string{"/favicon.ico", "/assets/icon.svg"} {
		b.open(at)
		assert.Equal(t, http.StatusOK, b.status)
		assert.True(t, strings.HasPrefix(b.body, "<svg "), at)
	}
}

func TestARuleThatIsSwitchedOffSaysWhatThatDid(t *testing.T) {
	b := browse(t, seeWithSpec(t, seeSpec, seeManifests), page.Options{})
	b.open("/rules")
	b.press(`name="of" value="spec.workloads[0]"`, "suspend", nil)
	require.True(t, strings.HasPrefix(b.at, "/rules?draft="), b.at)
	assert.Contains(t, b.says(), "The last change in this draft: switch off: web. Nothing is written before you save it.")
	assert.Contains(t, b.says(), "It says suspend: true: it stays in the file and in this list, and is in force nowhere.")
}

const mendSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  namespaces:
  - {match: {names: [shop]}, excludeInboundPorts: [9102]} # all of it
  workloads:
  - {match: {names: [web]}, excludeOutboundPorts: [3306], expires: 2026-10-31}
  - {match: {names: [nobody]}, excludeOutboundPorts: [25]}
  - {match: {names: [cart, elsewhere]}, excludeOutboundPorts: [26]}
  lint:
    accept:
    - {check: service-port, match: {names: [web]}, reason: it is meant}
  enforcement: {image: "ghcr.io/krm-bypass/init:v0.1.0"}
`

// TestAMendIsOnePress: a mend of which nothing has to be asked leads to the page that shows
// the change and saves it.
func TestAMendIsOnePress(t *testing.T) {
	manifests := strings.ReplaceAll(seeManifests, "name: alone}\nspec:\n  selector: {}\n  template: {spec:", "name: alone}\nspec:\n  selector: {}\n  template: {metadata: {labels: {istio.io/dataplane-mode: ambient}}, spec:")
	for name, c := range map[string]struct{ button, was, now string }{
		"an expired rule":        {"Remove the rule", "  - {match: {names: [web]}, excludeOutboundPorts: [3306], expires: 2026-10-31}\n", ""},
		"a rule for nobody":      {"Remove the rule", "  - {match: {names: [nobody]}, excludeOutboundPorts: [25]}\n", ""},
		"a name of nobody":       {"Remove elsewhere from the rule", "[cart, elsewhere]", "[cart]"},
		"an idle acceptance":     {"Remove the acceptance", "  lint:\n    accept:\n    - {check: service-port, match: {names: [web]}, reason: it is meant}\n", ""},
		"pods of ambient's mode": {"Put dataPlane: Ambient into the spec", "  lint:\n", "  - match: {kinds: [Deployment], names: [alone]}\n    dataPlane: Ambient\n  lint:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := seeWithSpec(t, mendSpec, manifests)
			b := browse(t, tree, page.Options{})
			b.open("/findings")
			var texts []string
			for _, form := range formTag.FindAllStringSubmatch(b.body, -1) {
				if !strings.Contains(form[0], ">"+c.button) {
					continue
				}
				values := url.Values{}
				for _, found := range hidden.FindAllStringSubmatch(form[0], -1) {
					values.Set(found[1], html.UnescapeString(found[2]))
				}
				values.Set("do", regexp.MustCompile(`name="do" value="([^"]*)"`).FindStringSubmatch(form[0])[1])
				other := browse(t, tree, page.Options{})
				other.site = b.site
				other.post(html.UnescapeString(form[1]), values)
				require.True(t, strings.HasPrefix(other.at, "/save?draft="), "%s: %s", other.at, other.says())
				other.press("Save into", "save", nil)
				texts = append(texts, tree.text)
				tree.text = mendSpec
			}
			require.NotEmpty(t, texts, b.says())
			assert.Contains(t, texts, strings.Replace(mendSpec, c.was, c.now, 1))
		})
	}
}

// TestNoMendIsOfferedWhereNothingCanBeChanged has the same findings.
func TestNoMendIsOfferedWhereNothingCanBeChanged(t *testing.T) {
	b := browse(t, seeWithSpec(t, mendSpec, seeManifests), page.Options{ReadOnly: "it is so"})
	b.open("/findings")
	assert.Contains(t, b.says(), "expired on 2026-10-31")
	assert.NotContains(t, b.body, "<form method=\"post\"")
}

func TestWhatMendsAFindingIsCopied(t *testing.T) {
	tree := seeWithSpec(t, mendSpec, seeManifests)
	tree.seen.Findings.Subjects[0].Findings = []report.Finding{{Rule: "auto-mtls", Severity: fn.Warning, Message: "it breaks", Proposed: "kind: PeerAuthentication\n"}}
	b := browse(t, tree, page.Options{ReadOnly: "it is so"})
	b.open("/findings")
	assert.Regexp(t, `(?s)<article class="finding">.*<pre class="yaml" tabindex="0">kind: PeerAuthentication\n</pre></details></div>\s*<div class="mends"><button type="button" class="copy" data-copy>`, b.body)
}

// TestWhatIsLeftOutIsOnePressAway has more entries than are listed at first, and more
// workloads that change.
func TestWhatIsLeftOutIsOnePressAway(t *testing.T) {
	text := strings.Replace(seeSpec, "[3306, 6379]", "[1001, 1003, 1005, 1007, 1009, 1011, 1013, 1015, 1017, 1019, 1021]", 1)
	b := browse(t, seeWithSpec(t, text, seeManifests), page.Options{})
	b.open("/")
	assert.NotContains(t, b.body, "<code>1021</code>")
	more := regexp.MustCompile(`<a href="([^"]*)">and 4 more</a>`).FindStringSubmatch(b.body)
	require.NotNil(t, more, b.body)
	b.open(html.UnescapeString(more[1]))
	assert.Contains(t, b.body, "<code>1021</code>")
}

// changingTree says that many workloads change.
type changingTree struct{ *withSpec }

func (c *changingTree) Changes(context.Context, []byte, []byte) (*page.Changes, error) {
	x := c.seen.Explanation
	return &page.Changes{Explanation: x.ComparedWith(report.Explanation{})}, nil
}

func TestEachWorkloadThatChangesCanBeListed(t *testing.T) {
	b := browse(t, &changingTree{seeWithSpec(t, seeSpec, workloads(173, 3, ""))}, page.Options{})
	b.open("/rules")
	b.press(`name="of" value="spec.workloads[0]"`, "suspend", nil)
	b.open(strings.Replace(b.at, "/rules", "/effect", 1)) // without a limit of time
	more := regexp.MustCompile(`<a href="([^"]*)">and 73 more</a>`).FindStringSubmatch(b.body)
	require.NotNil(t, more, b.says())
	b.open(html.UnescapeString(more[1]))
	assert.Equal(t, 173, strings.Count(b.body, "/workload?"))
	assert.Contains(t, b.says(), "workloads change173restart their pods0")
}

// TestInfosAreCounted: an info alone stood below "0 errors, 0 warnings, 0 accepted".
func TestInfosAreCounted(t *testing.T) {
	b := browse(t, see(t, seeSpec, seeManifests), page.Options{})
	b.open("/findings?severity=info")
	assert.Contains(t, b.says(), "1 error, 1 warning, 1 info, 0 accepted.")
	assert.Contains(t, b.body, `<option value="info" selected>infos</option>`)
	assert.Contains(t, b.body, `<span class="tag info">info</span>`)
}

// TestWithoutASpecificationTheRulesSayWhy: no file is named, so that none can have mistakes.
func TestWithoutASpecificationTheRulesSayWhy(t *testing.T) {
	b := browse(t, &unnamed{see(t, seeSpec, seeManifests)}, page.Options{})
	b.open("/rules")
	assert.Contains(t, b.says(), "Nothing can be changed here: several specifications apply")
	assert.NotContains(t, b.says(), "mistakes")
}

// unnamed is a tree in which nothing says which specification to change.
type unnamed struct{ *seenTree }

func (*unnamed) Spec() (page.SpecFile, error) {
	return page.SpecFile{Locked: "several specifications apply"}, nil
}
