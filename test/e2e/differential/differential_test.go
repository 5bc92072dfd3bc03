package differential_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
	// leastCases is what a run must have compared to count: a case is one
	// connection under one setting in one pod that is judged.
	leastCases int
	// least is how many cases every field must have decided for each interceptor
	// and family, in which it mattered.
	least int
	// calls are drawn for each settings, to spread what pods and rules cost.
	calls int
}

var (
	inPassing = size{leastCases: 20_000, least: 4, calls: 32}
	atLength  = size{leastCases: 200_000, least: 20, calls: 96}

	// drawn is the size of this run, duration for how long it draws at least.
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
	lab.Main(m, append(interceptor.Programs(), bypassProgram)...)
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

// seed has rapid draw one after the other from the same number every time, or from
// the one that the variable gives.
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
		"rapid.checks":     "1",
		"rapid.nofailfile": "true", // the seed leads back to a failure
		"rapid.shrinktime": "5s",
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

// TestDifferential draws settings and calls for every interceptor in turn, and asks
// in pods with and without them. What it finds is shrunk to small settings; go test
// -rapid.seed or KRM_BYPASS_SEED draws others.
func TestDifferential(t *testing.T) {
	var rivals []*rival
	for _, s := range stands() {
		rivals = append(rivals, &rival{pod: s.newPod(t)})
		rivals[len(rivals)-1].intercept(t, nil)
	}
	tally := newTally()
	began := time.Now()
	enough := func(missing bool) bool {
		return !missing && tally.sum >= drawn.leastCases && time.Since(began) >= duration
	}
	for round := 1; !enough(tally.missing(rivals) != ""); round++ {
		for _, r := range rivals {
			for range r.turns() {
				wanted := tally.wanted(r.stand)
				if enough(wanted != nil) {
					break
				}
				require.Less(t, round, 100_000/drawn.calls, "rounds, and still missing: %s", tally.missing(rivals))
				rapid.Check(t, func(drawing *rapid.T) { r.compare(t, drawing, wanted, tally) })
				nextSeed(t)
			}
		}
		if duration > 0 {
			fmt.Printf("soak: %d cases agree after %d rounds, %s\n", tally.sum, round, time.Since(began).Round(time.Second))
		}
	}
	fmt.Println(tally.String())
}

// rival is a pod whose mesh alone intercepts.
type rival struct{ *pod }

// turns is how often it is drawn for in a round: what takes everything judges us
// hardest.
func (r *rival) turns() int {
	if r.Mesh == "" {
		return 8
	}
	return 1
}

func (r *rival) compare(t *testing.T, drawing *rapid.T, wanted []traffic.Field, tally *tally) {
	d := draw{stand: r.stand, settings: drawSettings(drawing, wanted)}
	d.calls = rapid.Custom(drawCalls(d.settings, r.families(), drawn.calls)).Draw(drawing, "calls")
	d.backend = "nftables"
	if !r.TPROXY { // where iptables does not reach what comes in
		d.backend = rapid.SampledFrom(r.backends()).Draw(drawing, "backend")
	}
	d.order = rapid.SampledFrom(orders).Draw(drawing, "order")
	byHand := rapid.IntRange(0, 2).Draw(drawing, "by hand") == 0
	if m := r.mesh(); m != nil {
		d.said, d.written = asAnnotated(drawing, m, d.settings), asWritten(drawing, m, r.Unread, d.settings)
	}
	pods := d.subjects(byHand)
	var alone []string
	answers := make([][][]string, len(pods))
	tasks := []func(){func() {
		scope := &scope{TB: t}
		defer scope.end()
		r.serve(scope, d.calls)
		alone = r.ask(d.calls)
	}}
	for i, subjects := range pods {
		tasks = append(tasks, func() {
			scope := &scope{TB: t}
			defer scope.end()
			for _, s := range subjects {
				answers[i] = append(answers[i], s.run(scope, d.calls))
			}
		})
	}
	atOnce(t, tasks...)
	for i, subjects := range pods {
		for j, s := range subjects {
			for k, c := range d.calls {
				for _, bypassed := range s.bypassed {
					expected := alone[k]
					if bypassed(c) {
						expected = destination(c.Connection)
					}
					if got := answers[i][j][k]; got != expected {
						drawing.Errorf("%s in a pod of %s, %s\nsettings: %s\n%s: expected %q, got %q; %q with the mesh alone",
							s.name, d.addresses.Name, d.name(), strings.Join(d.settings.Arguments(), " "), c, expected, got, alone[k])
					}
				}
				tally.count(d, c, alone[k])
			}
		}
	}
}

// nextSeed has rapid draw from the number after the one before.
func nextSeed(t *testing.T) {
	t.Helper()
	const name = "rapid.seed"
	seed, err := strconv.ParseUint(flag.Lookup(name).Value.String(), 10, 64)
	require.NoError(t, err)
	if seed != 0 { // a random one every time
		require.NoError(t, flag.Set(name, strconv.FormatUint(seed+1, 10)))
	}
}

// tally counts cases.
type tally struct {
	sum int
	// by counts by the interceptor, the family, the protocol and what decided.
	by map[string]map[string]int
	// told counts, by interceptor, family and field, those in which the field
	// decided and the mesh intercepts.
	told map[string]int
}

func newTally() *tally { return &tally{by: map[string]map[string]int{}, told: map[string]int{}} }

func (t *tally) count(d draw, c call, alone string) {
	decision := d.settings.Decide(c.Connection)
	family := lab.FamilyOf(c.Address)
	t.sum++
	for kind, value := range map[string]string{
		"interceptor": d.name(), "family": family.Name, "protocol": c.Protocol.String(), "what decided": cmp.Or(string(decision.By), "no field"),
	} {
		if t.by[kind] == nil {
			t.by[kind] = map[string]int{}
		}
		t.by[kind][value]++
	}
	if alone != destination(c.Connection) {
		t.told[combination(d.stand, family, decision.By)]++
	}
}

func combination(s stand, family lab.Family, by traffic.Field) string {
	return s.name() + ", " + family.Name + ", " + string(by)
}

// lacks gives the fields that decided too little in a stand. Only what is
// intercepted can tell.
func (t *tally) lacks(s stand) map[string]traffic.Field {
	lacking := map[string]traffic.Field{}
	for _, family := range s.families() {
		if !slices.Contains(s.Families, family) {
			continue
		}
		for _, field := range traffic.Fields {
			if cell := combination(s, family, field); t.told[cell] < drawn.least {
				lacking[cell] = field
			}
		}
	}
	return lacking
}

func (t *tally) wanted(s stand) []traffic.Field {
	return slices.Compact(slices.Sorted(maps.Values(t.lacks(s))))
}

func (t *tally) missing(rivals []*rival) string {
	var cells []string
	for _, r := range rivals {
		cells = append(cells, slices.Sorted(maps.Keys(t.lacks(r.stand)))...)
	}
	return strings.Join(cells, "; ")
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "compared %d cases over %d interceptors (up to seed %s)", t.sum, len(t.by["interceptor"]), flag.Lookup("rapid.seed").Value)
	for _, kind := range slices.Sorted(maps.Keys(t.by)) {
		fmt.Fprintf(&b, "\ncompared by %s: %s", kind, counts(t.by[kind]))
	}
	fewest := slices.MinFunc(slices.Sorted(maps.Keys(t.told)), func(a, b string) int { return t.told[a] - t.told[b] })
	fmt.Fprintf(&b, "\ncompared, and intercepted by the mesh alone: %d combinations of interceptor, family and field, the rarest %d times: %s", len(t.told), t.told[fewest], fewest)
	return b.String()
}

func counts(of map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(parts, ", ")
}
