package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attack is text that would set a global, however it came to run.
const attack = `"><img src=x onerror=window.attacked=1><script>window.attacked=1</script><svg onload=window.attacked=1>'-window.attacked=1-'`

// hostile writes a tree whose every text attacks, beside an annotation of a megabyte and
// one of 10,000 entries.
func hostile(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	var entries strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&entries, "%d,", 10_000+i)
	}
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	object := func(name, annotation, value string) string {
		return fmt.Sprintf(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: shop}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata:
      labels: {app: x}
      annotations:
        %s: %s
    spec:
      containers: [{name: %s, image: x}]
`, quote(name), annotation, quote(value), quote(attack))
	}
	const inbound = "traffic.sidecar.istio.io/excludeInboundPorts"
	files := map[string]string{
		"names.yaml": object(attack, inbound, "9090"), "wrong.yaml": object("wrong", inbound, attack),
		"big.yaml":                          object("big", "example.com/big", strings.Repeat("<script>window.attacked=1</script>", 1<<20/34)),
		"entries.yaml":                      object("entries", inbound, strings.TrimSuffix(entries.String(), ",")),
		"javascript:window.attacked=1.yaml": object("javascript:window.attacked=1", inbound, "9091"),
		"bypass.yaml":                       strings.ReplaceAll(hostileSpec, "ATTACK", quote(attack)),
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	return folder
}

const hostileSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations: {config.kubernetes.io/local-config: "true"}
spec:
  mesh: Istio
  merge: Union
  workloads:
  - match: {names: ["*"], namespaces: [shop]}
    reason: ATTACK
    owner: ATTACK
    excludeInboundPorts: [7001]
  - match: {names: [nobody, entries, big, "javascript*"]}
    reason: ATTACK
    excludeOutboundIPRanges: [192.0.2.0/24]
  enforcement:
    image: ghcr.io/krm-bypass/init:v0.1.0
`

// TestHostile has manifests whose texts would run, were they not text.
func TestHostile(t *testing.T) {
	site := serve(t, hostile(t), ".")
	tb := newTab(t, site.base)
	for _, path := range []string{"/", "/findings", "/rules", "/connection"} {
		tb.open(path)
		harmless(tb, path)
		for _, link := range links(tb) {
			tb.open(link)
			harmless(tb, link)
		}
	}
	tb.open("/")
	tb.untilText("onerror=window.attacked=1") // it is there, as text
	assert.Empty(t, tb.noted())

	text := strings.Replace(site.specText(t), "nobody", "'"+strings.ReplaceAll(attack, "'", "''")+"'", 1)
	require.NoError(t, os.WriteFile(site.spec, []byte(text), 0o644))
	for _, path := range []string{"/", "/findings", "/rules", "/connection"} {
		tb.open(path)
		tb.untilText("cannot match a name")
		harmless(tb, "with a mistake, "+path)
	}
}

// links gives the links of a page to single workloads and rules, of each kind a few.
func links(tb *tab) []string {
	tb.t.Helper()
	return get[[]string](tb, `[...new Set([...document.querySelectorAll("main a[href]")].filter(a => ["/workload", "/rules/edit", "/connection"].includes(a.pathname)).map(a => a.pathname + a.search))].slice(0, 6)`)
}

func harmless(tb *tab, what string) {
	tb.t.Helper()
	assert.Equal(tb.t, "undefined", get[string](tb, `typeof window.attacked`), what)
	assert.Zero(tb.t, tb.count(`img, [onload], [onerror], script:not([src]), a[href^="javascript:"], style, [style]`), what)
	assert.Empty(tb.t, tb.overflowing(), what)
	tb.width(360)
	assert.Empty(tb.t, tb.overflowing(), what)
	tb.width(1440)
}

// oneFile has explain -o html write a file, and opens it from the disk.
func oneFile(t testing.TB, folder string, arguments ...string) *tab {
	t.Helper()
	cmd := exec.Command(program, append([]string{"explain", "-o", "html", "--spec", "bypass.yaml"}, arguments...)...)
	cmd.Dir = folder
	var said strings.Builder
	cmd.Stderr = &said
	text, err := cmd.Output()
	require.NoError(t, err, said.String())
	path := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(path, text, 0o644))
	tb := newTab(t, "file://"+filepath.Dir(path))
	tb.open("/page.html")
	return tb
}

// TestOneFile opens from the disk without asking for anything else.
func TestOneFile(t *testing.T) {
	tb := oneFile(t, copied(t, "reviewing/after"), ".")
	tb.untilText("checkout")
	tb.sound("one file")
	assert.Empty(t, tb.reach())
	assert.Len(t, tb.asked, 1, "what it asked for")
	assert.Empty(t, get[[]string](tb, `[...document.querySelectorAll("a[href]")].filter(a => a.protocol != "file:" || a.hash && !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(a => a.outerHTML)`), "where its links lead")

	folder := hostile(t)
	require.NoError(t, os.Remove(filepath.Join(folder, "wrong.yaml"))) // explain refuses it
	tb = oneFile(t, folder, ".")
	tb.untilText("onerror=window.attacked=1")
	assert.Equal(t, "undefined", get[string](tb, `typeof window.attacked`))
	assert.Zero(t, tb.count(`img, [onload], [onerror], a[href^="javascript:"], [style]`))
	assert.Empty(t, tb.overflowing())
	assert.Empty(t, tb.noted())
}
