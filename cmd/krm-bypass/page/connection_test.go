package page_test

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// explained is a tree of one specification and one file of manifests.
type explained struct {
	emptyTree
	spec, manifests string
}

func (e *explained) See(context.Context, []byte) (*page.Seen, error) {
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(e.spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(e.manifests)}}, fn.Options{}, "")
	if err != nil {
		return &page.Seen{Problems: []string{err.Error()}}, nil //nolint:nilerr // it is shown
	}
	return &page.Seen{Explanation: report.NewExplanation(x)}, nil
}

const asked = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  mesh: Istio
  global: {excludeOutboundPorts: [3306], excludeOutboundIPRanges: [192.0.2.0/24], includeOutboundPorts: [443], excludeInboundPorts: [7001]}
  workloads:
  - {match: {names: [starts]}, merge: Union, forInitContainers: {excludeOutboundPorts: [8200]}}
  - {match: {names: [annotated]}, enforcement: {mode: AnnotationsOnly}, includeOutboundPorts: []}
  - {match: {names: [ambient]}, dataPlane: Ambient}
  enforcement: {image: i}
`

func askedPods() string {
	var all strings.Builder
	for name, metadata := range map[string]string{
		"web": "", "starts": "", "annotated": "", "ambient": "", "out": "labels: {sidecar.istio.io/inject: 'false'}",
		"doubt": "annotations: {traffic.sidecar.istio.io/excludeInterfaces: eth0}",
	} {
		fmt.Fprintf(&all, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\nspec: {selector: {}, template: {metadata: {%s}, spec: {containers: [{name: a, image: a}]}}}\n", name, metadata)
	}
	return all.String()
}

func connectionURL(of, direction, at string) string {
	return "/connection?" + url.Values{"of": {of}, "direction": {direction}, "at": {at}}.Encode()
}

// rect and segment are what is drawn.
type rect struct{ x, y, w, h int }

func (r rect) holds(x, y int) bool { return x >= r.x && x <= r.x+r.w && y >= r.y && y <= r.y+r.h }

var (
	svgs  = regexp.MustCompile(`(?s)<svg class="drawing (wide|tall) ([a-z]+)" viewBox="0 0 (\d+) (\d+)".*?</svg>`)
	rects = regexp.MustCompile(`<rect class="([a-z ]+)" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"`)
	ways  = regexp.MustCompile(`<path class="way" d="([^"]*)"/><path class="head" d="M(\d+) (\d+)L`)
	texts = regexp.MustCompile(`<text class="([a-z]+)" x="(\d+)" y="(\d+)">([^<]*)</text>`)
	point = regexp.MustCompile(`[ML](\d+) (\d+)`)
)

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// passes gives the boxes that a way goes through, by walking along it, and where it ends.
func passes(line string, boxes map[string]rect) (through []string, endX, endY int) {
	points := point.FindAllStringSubmatch(line, -1)
	for i := 1; i < len(points); i++ {
		x, y, tx, ty := number(points[i-1][1]), number(points[i-1][2]), number(points[i][1]), number(points[i][2])
		for step := range 1000 {
			px, py := x+(tx-x)*step/1000, y+(ty-y)*step/1000
			for name, box := range boxes {
				if box.holds(px, py) && !slices.Contains(through, name) {
					through = append(through, name)
				}
			}
		}
		endX, endY = tx, ty
	}
	return through, endX, endY
}

// TestTheDrawnWayIsTheOneThatWasDecided walks along the ways that are drawn, in both
// shapes.
func TestTheDrawnWayIsTheOneThatWasDecided(t *testing.T) {
	b := browse(t, &explained{spec: asked, manifests: askedPods()}, page.Options{})
	for _, test := range []struct {
		of, direction, at, verdict string
		// boxes that each way goes through, of each way
		ways []string
	}{
		{"web", "outbound", "10.0.0.1:3306", "bypassed", []string{"ours"}},
		{"web", "outbound", "10.0.0.1:443", "intercepted", []string{"ours mesh proxy"}},
		{"web", "outbound", "[fd00::1]:8080", "intercepted", []string{"ours mesh proxy"}},
		{"web", "outbound", "10.0.0.1:53/UDP", "left", []string{"ours mesh proxy", "ours mesh"}},
		{"web", "outbound", "127.0.0.1:53", "left", []string{""}},
		{"web", "inbound", "7001", "bypassed", []string{"ours"}},
		{"web", "inbound", "7002", "intercepted", []string{"ours mesh proxy"}},
		{"web", "inbound", "15021", "bypassed", []string{"ours mesh"}},
		{"annotated", "outbound", "192.0.2.1:80", "bypassed", []string{"mesh"}},
		{"annotated", "outbound", "10.0.0.1:80", "intercepted", []string{"mesh proxy"}},
		{"ambient", "outbound", "10.0.0.1:3306", "bypassed", []string{"ours"}},
		{"ambient", "inbound", "8080", "intercepted", []string{"ours mesh proxy"}},
		{"out", "outbound", "10.0.0.1:3306", "alone", []string{"mesh proxy"}},
		{"doubt", "inbound", "8080", "perhaps", []string{"ours mesh proxy", "ours mesh"}},
	} {
		b.open(connectionURL(test.of, test.direction, test.at))
		about := test.of + " " + test.at
		drawn := svgs.FindAllStringSubmatch(b.body, -1)
		require.Len(t, drawn, 2, about)
		for _, svg := range drawn {
			assert.Equal(t, test.verdict, svg[2], about)
			boxes, ends := map[string]rect{}, map[string]rect{}
			for _, r := range rects.FindAllStringSubmatch(svg[0], -1) {
				box := rect{number(r[2]), number(r[3]), number(r[4]), number(r[5])}
				require.LessOrEqual(t, box.x+box.w, number(svg[3]), about)
				require.LessOrEqual(t, box.y+box.h, number(svg[4]), about)
				switch sort := strings.Fields(r[1])[0]; {
				case sort == "rules" && boxes["ours"] == rect{}:
					if boxes["ours"] = box; strings.Contains(r[1], "absent") {
						boxes["ours"] = rect{-1, -1, 0, 0}
					}
				case sort == "rules":
					boxes["mesh"] = box
				case sort == "proxy":
					boxes["proxy"] = box
				case sort == "end":
					ends[r[1]] = box
				}
			}
			found := ways.FindAllStringSubmatch(svg[0], -1)
			require.Len(t, found, len(test.ways), about)
			for i, way := range found {
				through, x, y := passes(way[1], boxes)
				assert.ElementsMatch(t, strings.Fields(test.ways[i]), through, "%s, %s: %s", about, svg[1], way[1])
				end := ends["end far"]
				if test.direction == "inbound" || test.ways[i] == "" {
					end = ends["end near"]
				}
				assert.True(t, end.holds(x, y), "%s ends at %d %d, not in %v", about, x, y, end)
				assert.Equal(t, []string{strconv.Itoa(x), strconv.Itoa(y)}, way[2:4], "the arrow's head")
			}
			for _, text := range texts.FindAllStringSubmatch(svg[0], -1) {
				assert.Less(t, number(text[2])+7*len([]rune(html.UnescapeString(text[4]))), number(svg[3])+8, "%s: %s fits", about, text[4])
			}
		}
	}
}

// TestTheLitLineIsTheOneThatDecided compares the tables with what the decision says.
func TestTheLitLineIsTheOneThatDecided(t *testing.T) {
	tree := &explained{spec: asked, manifests: askedPods()}
	b := browse(t, tree, page.Options{})
	lit := regexp.MustCompile(`<tr class="lit" aria-current="true"><td class="number">(\d+)</td><th scope="row">(.*?)</th><td>([a-z ]+) <b class="mark">decides</b>`)
	seen, err := tree.See(t.Context(), nil)
	require.NoError(t, err)
	decided := 0
	for _, name := range []string{"web", "starts", "annotated", "ambient", "out", "doubt"} {
		for _, at := range []string{"10.0.0.1:3306", "10.0.0.1:8200", "10.0.0.1:443", "192.0.2.1:80", "192.0.2.1:53", "[fd00::1]:443", "127.0.0.1:3306", "10.0.0.1:9/UDP"} {
			one := seen.Explanation
			require.NoError(t, one.Only(name))
			c, err := traffic.ParseOutbound(at)
			require.NoError(t, err)
			one.Decide(c, at)
			b.open(connectionURL(name, "outbound", at))
			var want [][]string
			for d := one.Workloads[0].Decision; d != nil; d = d.Initially {
				last := d.Fits[len(d.Fits)-1]
				says := d.Tables(c.Direction)[last.Table].Lines[last.Line-1].Says
				want = append(want, []string{strconv.Itoa(last.Line), says, d.Verdict})
			}
			var got [][]string
			for _, row := range lit.FindAllStringSubmatch(b.body, -1) {
				says := html.UnescapeString(strings.NewReplacer("<code>", "`", "</code>", "`").Replace(row[2]))
				got = append(got, []string{row[1], says, row[3]})
			}
			assert.Equal(t, want, got, "%s %s", name, at)
			decided += len(got)
		}
	}
	assert.Greater(t, decided, 48, "while init containers run something else holds at times")
}

// TestAWrongQuestionKeepsWhatWasTyped: the messages are those of the commands.
func TestAWrongQuestionKeepsWhatWasTyped(t *testing.T) {
	tree := &explained{spec: asked, manifests: askedPods()}
	b := browse(t, tree, page.Options{})
	for _, test := range []struct{ of, direction, at, says string }{
		{"web", "outbound", "10.0.0.1", `"10.0.0.1" is not an address and a port`},
		{"web", "outbound", "10.0.0.1:0", `is not an address and a port`},
		{"web", "outbound", "10.0.0.1:80/tcp", `names a protocol that is neither TCP nor UDP`},
		{"web", "inbound", "70000", `"70000" is not a port`},
		{"web", "inbound", `"><script>alert(1)</script>`, `names a protocol`},
		{"wbe", "outbound", "10.0.0.1:80", `"wbe" matches no workload in the manifests: did you mean Deployment/shop/web?`},
		{`<img src=x onerror=alert(1)>`, "outbound", "10.0.0.1:80", "matches no workload"},
	} {
		b.open(connectionURL(test.of, test.direction, test.at))
		assert.Equal(t, 200, b.status)
		assert.Contains(t, html.UnescapeString(b.body), test.says)
		assert.Contains(t, b.body, `value="`+html.EscapeString(test.at)+`"`)
		assert.Contains(t, b.body, `name="of" value="`+html.EscapeString(test.of)+`"`)
		assert.Contains(t, b.body, `aria-invalid="true"`)
		assert.NotContains(t, b.body, "<svg", "nothing is answered")
		assert.NotContains(t, b.body, "<script>alert")
		assert.NotContains(t, b.body, "<img")
	}
	b.open("/connection")
	assert.NotContains(t, b.body, "aria-invalid")
	b.open(connectionURL("", "inbound", "7001"))
	assert.Contains(t, b.body, "<span>bypassed</span><b>5</b>", "all are asked")
	assert.Regexp(t, `(?s)^.*(<span class="verdict bypassed">.*){5}<span class="verdict alone">`, b.body, "and what bypasses comes first")
	tree.spec = "kind: ["
	b.open(connectionURL("", "inbound", "7001"))
	assert.Contains(t, b.body, `<ul class="problems"`)
}

// TestEveryWorkloadOfAVerdictIsListed goes from the numbers to the workloads that they
// count, page by page.
func TestEveryWorkloadOfAVerdictIsListed(t *testing.T) {
	spec := strings.Replace(asked, "names: [starts]}, merge: Union,", "names: ['web1*']}, merge: Union, excludeInboundPorts: [7777],", 1)
	b := browse(t, &explained{spec: spec, manifests: workloads(250, 3, "")}, page.Options{})
	count := regexp.MustCompile(`<a href="([^"]*)"( aria-current="true")?><span>([a-z ]+)</span><b>(\d+)</b></a>`)
	row := regexp.MustCompile(`<th scope="row"><a href="/connection\?[^"]*">([^<]*)</a></th><td><span class="verdict [a-z]+">([a-z ]+)</span>`)
	next := regexp.MustCompile(`href="([^"]*)">Next</a>`)
	b.open(connectionURL("", "inbound", "7777"))
	counts := count.FindAllStringSubmatch(b.body, -1)
	said := map[string]int{}
	for _, c := range counts {
		said[c[3]] = number(c[4])
		assert.Equal(t, c[3] == "workloads", c[2] != "", "all are listed")
		listed := map[string]bool{}
		for at := c[1]; at != ""; {
			b.open(html.UnescapeString(at))
			require.Contains(t, b.body, `<span>`+c[3]+`</span><b>`+c[4]+`</b>`, "it is counted as before")
			assert.Regexp(t, `aria-current="true"><span>`+c[3]+`<`, b.body)
			found := row.FindAllStringSubmatch(b.body, -1)
			assert.LessOrEqual(t, len(found), 60)
			for _, one := range found {
				listed[one[1]] = true
				assert.True(t, c[3] == "workloads" || one[2] == c[3], "%s is %s", one[1], one[2])
			}
			at = ""
			if link := next.FindStringSubmatch(b.body); link != nil {
				at = link[1]
			}
		}
		assert.Len(t, listed, number(c[4]), c[3])
	}
	assert.Equal(t, map[string]int{"workloads": 250, "bypassed": 111, "intercepted": 139}, said)
	b.open(connectionURL("", "inbound", "7777") + "&verdict=perhaps")
	assert.Contains(t, b.body, "No workload is so.")
	b.open(connectionURL("", "inbound", "7777") + "&verdict=unheard")
	assert.Contains(t, b.body, "1–60 of 250")
}

// TestStylesStandInClassesAlone: the policy refuses all others.
func TestStylesStandInClassesAlone(t *testing.T) {
	b := browse(t, &explained{spec: asked, manifests: askedPods()}, page.Options{})
	for _, of := range []string{"web", "starts", ""} {
		b.open(connectionURL(of, "outbound", "10.0.0.1:8200"))
		assert.NotRegexp(t, `(?i)\sstyle=|<style|\son[a-z]+=`, b.body, "the content security policy allows none")
	}
}

// TestTwoMeshesAreNamedEach: pods of one mesh are not drawn with what the other has.
func TestTwoMeshesAreNamedEach(t *testing.T) {
	files := []fn.Manifest{{Path: "shop.yaml", Text: []byte(askedPods())}}
	in := func(text string) *fn.Explained {
		x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(text)}), files, fn.Options{}, "")
		require.NoError(t, err)
		return x
	}
	other := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: other}\nspec: {mesh: Linkerd, enrolment: {namespaces: [none]}}\n"
	b := browse(t, &seenTree{seen: page.Seen{Explanation: report.NewExplanation(in(asked), in(other))}}, page.Options{})
	b.open("/connection?" + url.Values{"of": {"apps/v1/Deployment/shop/ambient/"}, "at": {"10.0.0.1:80"}}.Encode())
	assert.Contains(t, b.body, "rules of Istio")
	assert.Contains(t, b.body, ">ztunnel<")
	b.open("/workload?" + url.Values{"of": {"apps/v1/Deployment/shop/ambient/"}}.Encode())
	assert.Contains(t, b.body, "Ztunnel is there before any container of the pods.")
}
