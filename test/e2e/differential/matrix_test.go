package differential_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

var update = flag.Bool("update", false, "rewrite what docs say was measured, and fail")

// measured are connections by what the settings decide of them: for each field some
// that it lets past, and some beside them that it does not.
type measured struct {
	settings []string // arguments of krm-bypass-init
	probes   []probe
}

type probe struct {
	field    traffic.Field
	inbound  bool
	protocol traffic.Protocol // TCP, if not said
	to       lab.Pair         // for outbound
	port     uint16
	bypassed bool
}

func (p probe) call(family lab.Family) call {
	c := traffic.Connection{Protocol: cmp.Or(p.protocol, traffic.TCP), Address: family.Of(p.to), Port: p.port}
	if p.inbound {
		c.Direction, c.Address = traffic.Inbound, family.Of(lab.PodAddress)
	}
	return call{Connection: c}
}

func at(ipv4, ipv6 string) lab.Pair {
	return lab.Pair{IPv4: netip.MustParseAddr(ipv4), IPv6: netip.MustParseAddr(ipv6)}
}

var (
	inRange    = at("192.0.2.7", "2001:db8:2::7")
	nameServer = at("192.0.2.53", "2001:db8:2::53")
	beside     = at("198.51.100.7", "2001:db8:51::7")
	inPair     = at("203.0.113.10", "2001:db8:113::10")
)

// Between them the two set every field. Both families' ranges stand together.
var matrix = []measured{
	{[]string{
		"--exclude-inbound-ports=7001", "--exclude-outbound-ports=6379", "--include-outbound-ports=7443",
		"--exclude-outbound-ip-ranges=192.0.2.0/24,2001:db8:2::/48", "--exclude-outbound=203.0.113.0/24@5432,203.0.113.0/24@53/UDP,2001:db8:113::/48@5432,2001:db8:113::/48@53/UDP",
	}, []probe{
		{field: traffic.ExcludeInboundPorts, inbound: true, port: 7001, bypassed: true},
		{field: traffic.ExcludeInboundPorts, inbound: true, port: 8080},
		{field: traffic.ExcludeOutboundPorts, to: beside, port: 6379, bypassed: true},
		{field: traffic.ExcludeOutboundPorts, to: beside, port: 6380},
		{field: traffic.IncludeOutboundPorts, to: inRange, port: 7443},
		{field: traffic.IncludeOutboundPorts, to: inRange, port: 7444, bypassed: true},
		{field: traffic.ExcludeOutboundIPRanges, to: inRange, port: 443, bypassed: true},
		{field: traffic.ExcludeOutboundIPRanges, to: beside, port: 443},
		{field: traffic.ExcludeOutboundIPRanges, protocol: traffic.UDP, to: nameServer, port: dns},
		{field: traffic.ExcludeOutboundIPRanges, to: nameServer, port: dns},
		{field: traffic.ExcludeOutbound, to: inPair, port: 5432, bypassed: true},
		{field: traffic.ExcludeOutbound, to: inPair, port: 5433},
		{field: traffic.ExcludeOutbound, to: beside, port: 5432},
		{field: traffic.ExcludeOutbound, protocol: traffic.UDP, to: inPair, port: dns, bypassed: true},
		{field: traffic.ExcludeOutbound, to: inPair, port: dns},
	}},
	{[]string{
		"--include-inbound-ports=8080", "--include-outbound-ip-ranges=198.51.100.0/24,2001:db8:51::/48", "--exclude-outbound-ports=53",
	}, []probe{
		{field: traffic.IncludeInboundPorts, inbound: true, port: 9000, bypassed: true},
		{field: traffic.IncludeInboundPorts, inbound: true, port: 8080},
		{field: traffic.IncludeOutboundIPRanges, to: inRange, port: 443, bypassed: true},
		{field: traffic.IncludeOutboundIPRanges, to: beside, port: 443},
		{field: traffic.ExcludeOutboundPorts, protocol: traffic.UDP, to: beside, port: dns, bypassed: true},
		{field: traffic.ExcludeOutboundPorts, to: beside, port: dns, bypassed: true},
	}},
}

// parse reads the settings and holds the probes against the decision.
func (m measured) parse(t *testing.T) traffic.Settings {
	t.Helper()
	values := map[traffic.Field][]string{}
	for _, argument := range m.settings {
		flag, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		i := slices.IndexFunc(traffic.Fields, func(f traffic.Field) bool { return f.Flag() == flag })
		values[traffic.Fields[i]] = []string{value}
	}
	settings, err := traffic.ParseArguments(values)
	require.NoError(t, err)
	for _, p := range m.probes {
		for _, family := range bothFamilies {
			decision := settings.Decide(p.call(family).Connection)
			require.Equal(t, p.bypassed, decision.Verdict == traffic.Bypassed, "%s", p.call(family))
		}
	}
	return settings
}

// score is how many cells held of those that were measured. A cell is one field behind
// one interceptor, by one of our backends, in one order and one family.
type score struct{ held, measured int }

// TestMatrix measures the matrix of docs/meshes.md.
func TestMatrix(t *testing.T) {
	var settings []traffic.Settings
	for _, m := range matrix {
		settings = append(settings, m.parse(t))
	}
	var guard sync.Mutex
	rows, failures := map[string]map[traffic.Field]score{}, []string{}
	slots := make(chan struct{}, 4)
	var tasks []func()
	for _, s := range stands() {
		if s.Mesh == "" {
			continue
		}
		for _, backend := range s.backends() {
			tasks = append(tasks, func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				cells, wrong := s.measure(t, backend, settings)
				guard.Lock()
				defer guard.Unlock()
				if rows[s.name()] == nil {
					rows[s.name()] = map[traffic.Field]score{}
				}
				for cell, held := range cells {
					sum := rows[s.name()][cell.field]
					sum.measured++
					if held {
						sum.held++
					}
					rows[s.name()][cell.field] = sum
				}
				failures = append(failures, wrong...)
			})
		}
	}
	atOnce(t, tasks...)
	table, sum := matrixTable(rows)
	fmt.Printf("matrix: %d of %d cells held over %d interceptors: field × family × order × backend of krm-bypass-init\n", sum.held, sum.measured, len(rows))
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := rows[name]
		for _, field := range traffic.Fields {
			assert.NotZero(t, row[field].measured, "%s, %s: nothing was measured", name, field)
			if named(t, name)[0].shortfall(field) == "" {
				assert.Equal(t, row[field].measured, row[field].held, "%s, %s", name, field)
			}
		}
	}
	if t.Failed() {
		slices.Sort(failures)
		t.Fatal(strings.Join(failures, "\n"))
	}
	holdPage(t, "meshes.md", "matrix", table)
}

// TestRulesHaveTheirVersion: those of a module are of the version that it requires.
func TestRulesHaveTheirVersion(t *testing.T) {
	root, err := lab.RepositoryRoot()
	require.NoError(t, err)
	for module, of := range map[string]string{"istio": "istio.io/istio ", "consul18": "hashicorp/consul sdk/iptables ", "osm": "openservicemesh/osm pkg/injector "} {
		required, err := os.ReadFile(filepath.Join(root, "test", "interceptors", module, "go.mod"))
		require.NoError(t, err)
		for _, s := range stands() {
			if strings.HasPrefix(s.Rules, of) {
				words := strings.Fields(s.Rules)
				assert.Contains(t, string(required), words[len(words)-1], "%s of %s", s.Rules, s.name())
			}
		}
	}
}

// shortfall says why cells of a field do not all hold; "" where they have to.
func (s stand) shortfall(field traffic.Field) string {
	inbound := field == traffic.ExcludeInboundPorts || field == traffic.IncludeInboundPorts
	ofPorts := field == traffic.ExcludeOutboundPorts || field == traffic.ExcludeOutbound
	switch {
	case s.Backend != interceptor.IptablesLegacy:
	case s.TPROXY && inbound:
		return "not by `backend: iptables`"
	case s.Mesh == "Kuma" && s.CapturesDNS("udp") && ofPorts:
		return "not DNS by `backend: iptables` before Kuma's rules"
	}
	return ""
}

// cell is one of the matrix, of one interceptor and one backend of ours.
type cell struct {
	field  traffic.Field
	family lab.Family
	order  string
}

// measure asks all probes in pods of the three orders, and gives the cells in which the
// mesh alone intercepts what is bypassed, and what went wrong in them.
func (s stand) measure(t testing.TB, backend string, settings []traffic.Settings) (cells map[cell]bool, wrong []string) {
	scope := &scope{TB: t}
	defer scope.end()
	cells = map[cell]bool{}
	asked := make([]calls, len(matrix))
	alone := make([][]string, len(matrix))
	pods := map[string]*pod{}
	open := func(name string) *pod {
		pods[name] = s.newPod(scope)
		pods[name].serve(scope, slices.Concat(asked...))
		return pods[name]
	}
	for i, m := range matrix {
		for _, family := range s.families() {
			for _, p := range m.probes {
				asked[i] = append(asked[i], p.call(family))
			}
		}
	}
	judge := func(i int, order string, answers []string) {
		n := len(matrix[i].probes)
		for f, family := range s.families() {
			if !slices.Contains(s.Families, family) {
				continue
			}
			for j, p := range matrix[i].probes {
				c, k := cell{p.field, family, order}, f*n+j
				expected := alone[i][k]
				if p.bypassed {
					expected = destination(asked[i][k].Connection)
				}
				if _, met := cells[c]; !met && alone[i][k] != expected {
					cells[c] = true
				}
				if answers[k] != expected {
					cells[c] = false
					wrong = append(wrong, fmt.Sprintf("%s, %s, %s, %s: expected %q, got %q", s.name(), backend, order, asked[i][k], expected, answers[k]))
				}
			}
		}
	}
	after := open("after")
	after.intercept(scope, nil)
	for i := range matrix {
		alone[i] = after.ask(asked[i])
	}
	for i := range matrix {
		after.bypass(scope, backend, settings[i])
		judge(i, "after", after.ask(asked[i]))
	}
	for i := range matrix {
		p := open("before")
		p.bypass(scope, backend, settings[i])
		p.intercept(scope, nil)
		judge(i, "before", p.ask(asked[i]))
		p.bypass(scope, backend, settings[i])
		p.intercept(scope, nil)
		p.bypass(scope, backend, settings[i])
		judge(i, "run again", p.ask(asked[i]))
	}
	return cells, wrong
}

// matrixTable writes a row for each interceptor.
func matrixTable(rows map[string]map[traffic.Field]score) (table string, sum score) {
	var b strings.Builder
	b.WriteString("| mesh | its rules | backend | how | DNS |")
	for _, field := range traffic.Fields {
		b.WriteString(" " + string(field) + " |")
	}
	b.WriteString("\n|---|---|---|---|---|" + strings.Repeat("---|", len(traffic.Fields)) + "\n")
	var done []string
	for _, s := range stands() {
		row, here := rows[s.name()]
		if !here || slices.Contains(done, s.name()) {
			continue
		}
		done = append(done, s.name())
		captured := strings.ToUpper(strings.Join(s.DNS, ", "))
		if captured == "" {
			captured = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |", s.mode(), s.Rules, s.Backend, s.Name, captured)
		for _, field := range traffic.Fields {
			score := row[field]
			sum.held, sum.measured = sum.held+score.held, sum.measured+score.measured
			text := fmt.Sprintf("%d of %d", score.held, score.measured)
			if score.held < score.measured {
				text += ", " + s.shortfall(field)
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteString("\n")
	}
	return fmt.Sprintf("%d of %d cells held.\n\n%s", sum.held, sum.measured, b.String()), sum
}

// holdPage keeps a table of docs what was measured.
func holdPage(t *testing.T, page, name, table string) {
	t.Helper()
	root, err := lab.RepositoryRoot()
	require.NoError(t, err)
	path := filepath.Join(root, "docs", page)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	block := regexp.MustCompile(`(?s)(<!-- measured: ` + name + ` -->\n).*?(<!-- end -->)`)
	require.Regexp(t, block, string(text))
	want := block.ReplaceAllString(string(text), "${1}"+table+"${2}")
	if *update && want != string(text) {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		t.Fatalf("docs/%s was rewritten: read the difference, then run without -update", page)
	}
	assert.Equal(t, want, string(text), "go test ./test/e2e/differential -run %s -update rewrites it", t.Name())
}
