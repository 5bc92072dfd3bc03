package browser

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A site is a running krm-bypass ui, whose page the browser may open.
type site struct {
	base string
	// folder is where it was started, spec the specification below it.
	folder, spec string
	// first is how long the first page took: the manifests are read for it.
	first shown
}

var address = regexp.MustCompile(`http://\S+`)

// serve starts krm-bypass ui in a folder and uses its address up, so that every tab
// has the cookie. It ends with the test.
func serve(t testing.TB, folder string, arguments ...string) *site {
	t.Helper()
	cmd := exec.Command(program, append([]string{"ui", "--spec", "bypass.yaml"}, arguments...)...)
	cmd.Dir = folder
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("krm-bypass ui: %s\n%s", err, said.String())
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := address.FindString(lines.Text()); found != "" {
			base, _, _ := strings.Cut(found, "/?")
			go func() { // what else it prints
				for lines.Scan() {
				}
			}()
			return &site{base: base, folder: folder, spec: filepath.Join(folder, "bypass.yaml"), first: enter(t, found)}
		}
	}
	require.Fail(t, "krm-bypass ui printed no address", said.String())
	return nil
}

// enter opens an address once, holds it to what holds of every page, and says how long it
// took.
func enter(t testing.TB, address string) shown {
	t.Helper()
	base, _, _ := strings.Cut(address, "/?")
	tb := newTab(t, base)
	tb.open(address)
	require.EqualValues(t, 200, tb.status, "%s\n%s", address, tb.text("body"))
	require.NotContains(t, tb.url().String(), "token", "the address bar")
	require.False(t, get[bool](tb, `!!document.querySelector(".waiting")?.checkVisibility()`), "it does not read any more")
	took := tb.shown()
	require.Empty(t, tb.noted())
	return took
}

// copied gives a copy of an example, that a test may change.
func copied(t testing.TB, example string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(repository, "examples", example))))
	return folder
}

// specText reads the specification of a site.
func (s *site) specText(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(s.spec)
	require.NoError(t, err)
	return string(text)
}

// reviewing serves examples/reviewing/after, asm examples/asm-ports.
func reviewing(t testing.TB) *site { return serve(t, copied(t, "reviewing/after"), ".") }
func asm(t testing.TB) *site       { return serve(t, copied(t, "asm-ports"), "base") }

// A size is how many workloads a generated tree has.
type size struct{ namespaces, workloads int }

// generated writes a tree of Deployments in files of one namespace each, with rules of
// every scope, annotations of their own, findings, and rules that reach nobody.
func generated(t testing.TB, of size) string {
	t.Helper()
	folder := t.TempDir()
	teams := []string{"checkout", "cart", "search", "billing", "identity", "mailer", "reports", "ledger"}
	parts := []string{"api", "worker", "web", "sync", "gateway", "db"}
	each := of.workloads / of.namespaces
	for n := range of.namespaces {
		var text strings.Builder
		namespace := fmt.Sprintf("%s-%02d", teams[n%len(teams)], n)
		for w := range each {
			name := fmt.Sprintf("%s-%s-%d", teams[(n+w)%len(teams)], parts[w%len(parts)], w)
			annotations := ""
			if w%7 == 0 {
				annotations = "\n      annotations:\n        traffic.sidecar.istio.io/excludeInboundPorts: \"9090\""
			}
			fmt.Fprintf(&text, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s
  namespace: %s
spec:
  selector:
    matchLabels: {app: %[1]s}
  template:
    metadata:
      labels: {app: %[1]s}%[3]s
    spec:
      containers:
      - name: app
        image: registry.example.com/%[1]s:1.0
        ports:
        - {containerPort: 8080}
        readinessProbe:
          httpGet: {path: /ready, port: 8080}
`, name, namespace, annotations)
		}
		require.NoError(t, os.WriteFile(filepath.Join(folder, namespace+".yaml"), []byte(text.String()), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "bypass.yaml"), []byte(generatedSpec), 0o644))
	return folder
}

const generatedSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations:
    config.kubernetes.io/local-config: "true"
spec:
  mesh: Istio
  merge: Union
  meshDefaults:
    excludeInboundPorts: [15020]
  global:
    reason: node metadata
    excludeOutboundIPRanges: [169.254.169.254/32]
  namespaces:
  - match: {names: ["checkout-*", "billing-*"]}
    reason: Prometheus scrapes from outside the mesh
    owner: observability
    excludeInboundPorts: [9102, 9103]
  - match: {names: [nobody]}
    reason: a namespace that is gone
    excludeInboundPorts: [9999]
  workloads:
  - match: {names: ["*-db-*"]}
    reason: members replicate in a protocol of their own
    owner: storage
    excludeInboundPorts: [7001, 7002, 7005]
    excludeOutboundPorts: [7001, 7002, 7005]
  - match: {names: ["ledger-gateway-*"]}
    reason: the card processor speaks no mTLS
    owner: payments
    expires: 2027-03-31
    excludeOutboundIPRanges: [192.0.2.0/24, 198.51.100.0/24]
  enforcement:
    image: ghcr.io/krm-bypass/init:v0.1.0
`
