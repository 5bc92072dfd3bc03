package differential_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

const (
	// seedKey names the variable that changes what is drawn.
	seedKey = "KRM_BYPASS_SEED"
	// soakKey names the variable by which seeds are tried, one after the other,
	// for a duration such as 10m (make soak).
	soakKey = "KRM_BYPASS_SOAK"
)

// size is how much is drawn.
type size struct {
	// leastCases is what a run must have compared to count.
	leastCases int
	// settings are drawn with each seed.
	settings int
	// connections are drawn for each settings, to spread what pods and rules
	// cost.
	connections int
}

var (
	inPassing = size{leastCases: 5000, settings: 420, connections: 26}
	atLength  = size{leastCases: 100_000, settings: 50, connections: 104}

	// drawn is the size of this run, duration for how long seeds follow on one
	// another.
	drawn    = inPassing
	duration time.Duration
)

var bypassProgram = lab.Program{Name: "krm-bypass-init", Directory: "images/init"}

func TestMain(m *testing.M) {
	flag.Parse()
	if err := errors.Join(soak(), seed()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lab.Main(m, bypassProgram, interceptor.IstioProgram)
}

// soak makes this a long run where the variable says so.
func soak() error {
	value, found := os.LookupEnv(soakKey)
	if !found {
		return nil
	}
	var err error
	if duration, err = time.ParseDuration(value); err != nil {
		return fmt.Errorf("reading %s: %w; give a duration such as 10m", soakKey, err)
	}
	drawn = atLength
	return nil
}

// seed gives rapid its number of runs and, unless a flag gives it, its seed:
// the same cases every time, others where the variable says so.
func seed() error {
	value := "1"
	if set, found := os.LookupEnv(seedKey); found {
		value = set
	}
	if _, err := strconv.ParseUint(value, 10, 64); err != nil {
		return fmt.Errorf("reading %s: %w; give a number, 0 for a random one", seedKey, err)
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{
		"rapid.seed":       value,
		"rapid.checks":     strconv.Itoa(drawn.settings),
		"rapid.nofailfile": "true", // the seed leads back to a failure
	} {
		if given[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// TestDifferential draws settings and connections and asks everybody. What it
// finds is shrunk to small settings; go test -rapid.seed or KRM_BYPASS_SEED
// draws others.
func TestDifferential(t *testing.T) {
	istio, found := mesh.ByName("Istio")
	require.True(t, found)
	var tally tally
	compare := func(r *rapid.T) {
		settings := drawSettings(r)
		connections := rapid.Custom(drawCalls(edgesOf(settings))).Draw(r, "connections")
		said := asAnnotated(r, istio, settings)
		backend := rapid.SampledFrom(backends).Draw(r, "backend")
		setups := []setup{
			inFrontOfEverything(settings, backend.ours),
			annotationAlone(said, backend),
			annotationAndInit(settings, said, backend),
		}
		if rapid.IntRange(0, 3).Draw(r, "by hand") == 0 {
			setups = append(setups, annotationByHand(asWritten(r, istio, settings), backend))
		}
		for i, answers := range askAll(t, setups, connections) {
			for j, c := range connections {
				if expected := setups[i].expect(c); answers[j] != expected {
					r.Errorf("%s\nsettings: %s\nannotations: %v\n%s: expected %q, got %q",
						setups[i].name, strings.Join(settings.Arguments(), " "), said.annotations, describe(c), expected, answers[j])
				}
			}
		}
		tally.count(backend.ours, settings, connections)
	}
	began := time.Now()
	rapid.Check(t, compare)
	for n := 1; !t.Failed() && time.Since(began) < duration; n++ {
		nextSeed(t)
		rapid.Check(t, compare)
		fmt.Printf("soak: %d cases agree after %d seeds, %s\n", tally.cases(), n+1, time.Since(began).Round(time.Second))
	}
	fmt.Println(tally.String())
	assert.GreaterOrEqual(t, tally.cases(), drawn.leastCases)
	for _, field := range traffic.Fields {
		assert.NotZero(t, tally.decided[string(field)], "cases that %s decided", field)
	}
	assert.Len(t, tally.kinds, 2*2*2, "backends, families and protocols: %v", tally.kinds)
}

// nextSeed has rapid draw from the number after the one before.
func nextSeed(t *testing.T) {
	t.Helper()
	const name = "rapid.seed"
	seed, err := strconv.ParseUint(flag.Lookup(name).Value.String(), 10, 64)
	require.NoError(t, err)
	require.NoError(t, flag.Set(name, strconv.FormatUint(seed+1, 10)))
}

// askAll asks in every setup at once: each has its pod to itself.
func askAll(t *testing.T, setups []setup, connections []traffic.Connection) [][]string {
	t.Helper()
	answers := make([][]string, len(setups))
	var running sync.WaitGroup
	for i, setup := range setups {
		running.Go(func() { answers[i] = setup.ask(t, connections) })
	}
	running.Wait()
	if t.Failed() {
		t.FailNow() // it was said why, on a goroutine that cannot end the test
	}
	return answers
}

// annotated is what the mesh's annotations say of settings.
type annotated struct {
	annotations map[string]string
	// settings are what the mesh reads in them.
	settings traffic.Settings
}

func asAnnotated(t *rapid.T, m *mesh.Mesh, settings traffic.Settings) annotated {
	said, _ := m.Express(settings, traffic.Layer{})
	annotations := map[string]string{}
	for _, k := range m.Keys {
		if said.Says(k.Field) {
			annotations[k.Annotation] = k.Write(said.Settings())
		}
	}
	read, problems := m.Read(annotations)
	if len(problems) > 0 {
		t.Fatalf("reading our own annotations %v: %v", annotations, problems)
	}
	return annotated{annotations, read.Settings()}
}

// asWritten gives annotations that nobody made fit, as somebody may write them by
// hand, and what they come to by Istio's rules, as explain and the limits have it.
func asWritten(t *rapid.T, m *mesh.Mesh, settings traffic.Settings) annotated {
	settings.IncludeOutboundPorts = settings.IncludeOutboundPorts.Without(traffic.SinglePorts(traffic.TCP, dns)) // see exceptions
	annotations := map[string]string{}
	for _, k := range m.Keys {
		if settings.Layer().Says(k.Field) && settings.Ports(k.Field).Set().Count(traffic.TCP) < 100 {
			annotations[k.Annotation] = k.Write(settings)
		}
	}
	read, problems := m.Read(annotations)
	if len(problems) > 0 {
		t.Fatalf("reading %v: %v", annotations, problems)
	}
	return annotated{annotations, m.Effective(read)}
}

const dns = 53 // the port

// backend is a way to run istio-iptables, and krm-bypass-init beside it.
type backend struct {
	ours        ours
	arguments   []string
	capturesDNS bool // port 53 goes to the DNS proxy
}

// ours is a backend of krm-bypass-init and an interceptor of everything that it
// can stand in front of.
type ours struct {
	name       string
	everything interceptor.Interceptor
}

var (
	byNftables = ours{"nftables", interceptor.Everything()}
	byIptables = ours{"iptables", interceptor.EverythingByLegacy()}
)

var (
	dualStack = []string{"--dual-stack"}
	withDNS   = []string{"--dual-stack", "--redirect-dns", "--capture-all-dns"}
	native    = []string{"--native-nftables"}
)

// backends are drawn from, the first ones more often.
var backends = []backend{
	{ours: byIptables, arguments: slices.Concat(withDNS, interceptor.Legacy), capturesDNS: true},
	{ours: byNftables, arguments: withDNS, capturesDNS: true},
	{ours: byNftables, arguments: slices.Concat(withDNS, native), capturesDNS: true},
	{ours: byIptables, arguments: slices.Concat(dualStack, interceptor.Legacy)},
	{ours: byNftables, arguments: dualStack},
	{ours: byNftables, arguments: slices.Concat(dualStack, native)},
}

// Whoever may answer.
const (
	application   = "application"
	outboundProxy = "outbound proxy"
	inboundProxy  = "inbound proxy"
	dnsProxy      = "dns proxy"
)

// setup is a pod and what is expected of it.
type setup struct {
	name    string
	install func(lab.TB, *lab.Host)
	expect  func(traffic.Connection) string
}

func inFrontOfEverything(settings traffic.Settings, ours ours) setup {
	return setup{
		name: fmt.Sprintf("krm-bypass-init by %s in front of an interceptor of everything", ours.name),
		install: func(t lab.TB, pod *lab.Host) {
			applyBypass(t, pod, settings, ours)
			ours.everything.Install(t, pod)
		},
		expect: func(c traffic.Connection) string {
			switch {
			case settings.Decide(c).Verdict == traffic.Bypassed:
				return destination(c)
			case c.Direction == traffic.Inbound:
				return inboundProxy
			default:
				return outboundProxy
			}
		},
	}
}

func annotationAlone(said annotated, backend backend) setup {
	return setup{
		name:    fmt.Sprintf("istio-iptables %v with the annotations alone", backend.arguments),
		install: func(t lab.TB, pod *lab.Host) { installIstio(t, pod, said, backend) },
		expect:  func(c traffic.Connection) string { return underIstio(said.settings, said, backend, c) },
	}
}

func annotationByHand(said annotated, backend backend) setup {
	alone := annotationAlone(said, backend)
	alone.name += fmt.Sprintf(", written by hand: %v", said.annotations)
	return alone
}

func annotationAndInit(settings traffic.Settings, said annotated, backend backend) setup {
	return setup{
		name: fmt.Sprintf("krm-bypass-init by %s and istio-iptables %v with the annotations", backend.ours.name, backend.arguments),
		install: func(t lab.TB, pod *lab.Host) {
			applyBypass(t, pod, settings, backend.ours)
			installIstio(t, pod, said, backend)
		},
		expect: func(c traffic.Connection) string { return underIstio(settings, said, backend, c) },
	}
}

func applyBypass(t lab.TB, pod *lab.Host, settings traffic.Settings, ours ours) {
	t.Helper()
	pod.Run(t, append([]string{lab.Binary(bypassProgram.Name), "apply", "--here", "--backend=" + ours.name}, settings.Arguments()...)...)
}

func installIstio(t lab.TB, pod *lab.Host, said annotated, backend backend) {
	t.Helper()
	interceptor.Istio("annotated", backend.arguments...).Annotated(said.annotations).Install(t, pod)
}

// underIstio says who answers where the settings decide and Istio does the
// rest.
func underIstio(settings traffic.Settings, said annotated, backend backend, c traffic.Connection) string {
	for _, exception := range exceptions {
		if exception.applies(said.settings, backend, c) {
			return destination(c)
		}
	}
	switch {
	case settings.Decide(c).Verdict == traffic.Bypassed:
		return destination(c)
	case backend.capturesDNS && c.Direction == traffic.Outbound && c.Port == dns:
		return dnsProxy
	case c.Loopback, c.Protocol == traffic.UDP:
		return destination(c)
	case c.Direction == traffic.Inbound:
		return inboundProxy
	default:
		return outboundProxy
	}
}

// exception is a place where an annotation of Istio lets more pass than the
// decision does; docs/semantics.md has a paragraph on each.
type exception struct {
	name    string
	applies func(annotated traffic.Settings, b backend, c traffic.Connection) bool
}

var exceptions = []exception{
	{"excluded port 53 over loopback, with DNS capture", func(annotated traffic.Settings, b backend, c traffic.Connection) bool {
		return b.capturesDNS && c.Loopback && c.Port == dns && annotated.ExcludeOutboundPorts.Contains(c.Protocol, dns)
	}},
	{"TCP to port 53 by its address, without DNS capture", func(annotated traffic.Settings, b backend, c traffic.Connection) bool {
		if b.capturesDNS || c.Loopback || c.Direction != traffic.Outbound || c.Protocol != traffic.TCP || c.Port != dns {
			return false
		}
		elsewhere := c
		elsewhere.Port = portOfNoSetting(annotated)
		return !annotated.IncludeOutboundPorts.Contains(traffic.TCP, dns) && annotated.Decide(elsewhere).Verdict == traffic.Bypassed
	}},
}

// portOfNoSetting returns a port at which addresses alone decide.
func portOfNoSetting(s traffic.Settings) uint16 {
	named := s.ExcludeOutboundPorts.Union(s.IncludeOutboundPorts)
	port := uint16(1)
	for port == dns || named.Contains(traffic.TCP, port) {
		port++
	}
	return port
}

// destination is who answers at a connection's own destination.
func destination(c traffic.Connection) string {
	if c.Direction == traffic.Inbound || c.Loopback {
		return application
	}
	return lab.World.Name
}

// ask makes a pod and every connection in it, and returns who answered.
func (s setup) ask(t testing.TB, connections []traffic.Connection) []string {
	t.Helper()
	return s.askAs(t, lab.Application, connections)
}

// askAs asks as the user uid of the pod where a connection is outbound.
func (s setup) askAs(t testing.TB, uid int, connections []traffic.Connection) []string {
	t.Helper()
	scope := &scope{TB: t}
	defer scope.end()
	pod, outside := lab.NewPod(scope, lab.DualStack)
	s.install(scope, pod)
	outside.Answer(scope, lab.World)
	proxy := interceptor.IstioProxy
	pod.Answer(scope, lab.Server{Name: outboundProxy, UID: proxy.UID, Ports: []uint16{proxy.Outbound}})
	pod.Answer(scope, lab.Server{Name: inboundProxy, UID: proxy.UID, Ports: []uint16{proxy.Inbound}})
	pod.Answer(scope, lab.Server{Name: dnsProxy, UID: proxy.UID, Ports: []uint16{proxy.DNS}})
	pod.Answer(scope, lab.Server{Name: application, UID: lab.Application, Ports: portsInPod(connections)})
	var answers []string
	for _, c := range connections {
		caller, uid := pod, uid
		if c.Direction == traffic.Inbound {
			caller, uid = outside, lab.Root
		}
		answers = append(answers, caller.Ask(uid, strings.ToLower(c.Protocol.String()), netip.Addr{}, netip.AddrPortFrom(c.Address, c.Port)))
	}
	return answers
}

func portsInPod(connections []traffic.Connection) []uint16 {
	var ports []uint16
	for _, c := range connections {
		if c.Direction == traffic.Inbound || c.Loopback {
			ports = append(ports, c.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// scope ends what a test began before the test itself ends.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

func describe(c traffic.Connection) string {
	way := "outbound"
	switch {
	case c.Loopback:
		way = "over loopback"
	case c.Direction == traffic.Inbound:
		way = "inbound"
	}
	return fmt.Sprintf("%s %s to %s", way, c.Protocol, netip.AddrPortFrom(c.Address, c.Port))
}

// tally counts cases by backend and kind, and by the field that decided them.
type tally struct{ kinds, decided map[string]int }

func (t *tally) count(ours ours, settings traffic.Settings, connections []traffic.Connection) {
	if t.kinds == nil {
		t.kinds, t.decided = map[string]int{}, map[string]int{}
	}
	for _, c := range connections {
		t.kinds[ours.name+" "+lab.FamilyOf(c.Address).Name+" "+c.Protocol.String()]++
		t.decided[cmp.Or(string(settings.Decide(c).By), "no field")]++
	}
}

func (t tally) cases() int {
	sum := 0
	for _, n := range t.kinds {
		sum += n
	}
	return sum
}

func (t tally) String() string {
	return fmt.Sprintf("compared %d cases of a decision, krm-bypass-init, istio-iptables by annotation, and both (up to seed %s)\n"+
		"compared by backend and kind: %s\ncompared by what decided: %s",
		t.cases(), flag.Lookup("rapid.seed").Value, counts(t.kinds), counts(t.decided))
}

func counts(of map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(parts, ", ")
}
