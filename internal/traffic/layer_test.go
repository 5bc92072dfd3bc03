package traffic

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEveryFieldHasItsOwnFlag(t *testing.T) {
	flags := map[string]bool{}
	for _, f := range Fields {
		// The flag is the field's name in the words of a command line.
		words := strings.NewReplacer("IPRanges", "-ip-ranges", "Inbound", "-inbound", "Outbound", "-outbound", "Ports", "-ports")
		require.Equal(t, words.Replace(string(f)), f.Flag())
		flags[f.Flag()] = true
	}
	require.Len(t, flags, 7)
}

func TestSetReportsEveryBadEntry(t *testing.T) {
	const (
		aPort = `write a port from 1 to 65535, or a range such as "8000-8010"`
		aHost = "write an IPv4 or IPv6 range such as 10.0.0.0/8 or fd00::/8; host names cannot be bypassed"
		aStar = `list what you mean; "*" is valid only by itself, in includeInboundPorts and includeOutboundIPRanges`
	)
	star := func(index int) EntryError {
		return EntryError{Index: index, Value: "*", Problem: "not an entry of a list", Remedy: aStar}
	}
	for name, c := range map[string]struct {
		field   Field
		entries []string
		want    []EntryError
	}{
		"ports": {ExcludeInboundPorts, []string{"http", "80", "0"}, []EntryError{
			{0, "http", "not a port", aPort},
			{2, "0", "a port outside 1-65535", aPort},
		}},
		"selected ports":             {IncludeInboundPorts, []string{"80", "https"}, []EntryError{{1, "https", "not a port", aPort}}},
		"prefixes":                   {ExcludeOutboundIPRanges, []string{"10.0.0.0/8", "db"}, []EntryError{{1, "db", "not an IP address or range", aHost}}},
		"selected prefixes":          {IncludeOutboundIPRanges, []string{"db"}, []EntryError{{0, "db", "not an IP address or range", aHost}}},
		"pairs":                      {ExcludeOutbound, []string{"10.0.0.0/8@1", "db@1"}, []EntryError{{1, "db@1", `a pair with "db", not an IP address or range`, aHost}}},
		"the same entry twice":       {ExcludeOutboundPorts, []string{"x", "x"}, []EntryError{{0, "x", "not a port", aPort}, {1, "x", "not a port", aPort}}},
		"everything excluded":        {ExcludeOutboundPorts, []string{"*"}, []EntryError{star(0)}},
		"every port included too":    {IncludeOutboundPorts, []string{"*"}, []EntryError{star(0)}},
		"every range excluded":       {ExcludeOutboundIPRanges, []string{"*"}, []EntryError{star(0)}},
		"every pair":                 {ExcludeOutbound, []string{"*"}, []EntryError{star(0)}},
		"everything and more":        {IncludeInboundPorts, []string{"80", "*"}, []EntryError{star(1)}},
		"everything and a bad entry": {IncludeOutboundIPRanges, []string{"*", "db"}, []EntryError{star(0), {1, "db", "not an IP address or range", aHost}}},
		"everything twice":           {IncludeOutboundIPRanges, []string{"*", "*"}, []EntryError{star(0), star(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			layer := layerOf(t, map[Field][]string{c.field: nil})
			before := layer
			assert.Equal(t, c.want, wrongEntries(t, layer.Set(c.field, c.entries)))
			assert.Equal(t, before, layer, "a layer changed although its entries are bad")
		})
	}
}

func TestSetKnowsItsFields(t *testing.T) {
	var layer Layer
	require.EqualError(t, layer.Set("excludePorts", nil), `"excludePorts" is not a traffic field`)
}

func TestLayerTellsEmptyFromAbsent(t *testing.T) {
	for _, f := range Fields {
		t.Run(string(f), func(t *testing.T) {
			var layer Layer
			assert.True(t, layer.IsZero())
			assert.False(t, layer.Says(f))
			_, present := layer.Entries(f)
			assert.False(t, present)

			require.NoError(t, layer.Set(f, []string{}))
			assert.False(t, layer.IsZero())
			assert.True(t, layer.Says(f))
			entries, present := layer.Entries(f)
			assert.True(t, present)
			assert.Empty(t, entries)
			assert.Equal(t, string(f)+"=\n", layer.String())
		})
	}
}

func TestMerge(t *testing.T) {
	type lists = map[Field][]string
	for name, c := range map[string]struct {
		broader, narrower lists
		override, union   string
	}{
		"both say it": {
			lists{ExcludeInboundPorts: {"80"}}, lists{ExcludeInboundPorts: {"90"}},
			"excludeInboundPorts=90\n", "excludeInboundPorts=80,90\n",
		},
		"the narrower says nothing": {
			lists{ExcludeOutboundIPRanges: {"10.0.0.0/8"}}, lists{},
			"excludeOutboundIPRanges=10.0.0.0/8\n", "excludeOutboundIPRanges=10.0.0.0/8\n",
		},
		"the broader says nothing": {
			lists{}, lists{ExcludeOutbound: {"10.0.0.0/8@1"}},
			"excludeOutbound=10.0.0.0/8@1\n", "excludeOutbound=10.0.0.0/8@1\n",
		},
		"the empty list": {
			lists{ExcludeInboundPorts: {"80"}}, lists{ExcludeInboundPorts: {}},
			"excludeInboundPorts=\n", "excludeInboundPorts=80\n",
		},
		"the empty list on nothing": {
			lists{}, lists{IncludeInboundPorts: {}},
			"includeInboundPorts=\n", "",
		},
		"the empty selection": {
			lists{IncludeOutboundIPRanges: {"10.0.0.0/8"}}, lists{IncludeOutboundIPRanges: {}},
			"includeOutboundIPRanges=\n", "includeOutboundIPRanges=10.0.0.0/8\n",
		},
		"a selection on the empty one": {
			lists{IncludeOutboundIPRanges: {}}, lists{IncludeOutboundIPRanges: {"10.0.0.0/8"}},
			"includeOutboundIPRanges=10.0.0.0/8\n", "includeOutboundIPRanges=10.0.0.0/8\n",
		},
		"a selection where everything is the default": {
			lists{}, lists{IncludeOutboundIPRanges: {"10.0.0.0/8"}},
			"includeOutboundIPRanges=10.0.0.0/8\n", "includeOutboundIPRanges=10.0.0.0/8\n",
		},
		"a selection on everything, said": {
			lists{IncludeOutboundIPRanges: {"*"}}, lists{IncludeOutboundIPRanges: {"10.0.0.0/8"}},
			"includeOutboundIPRanges=10.0.0.0/8\n", "includeOutboundIPRanges=*\n",
		},
		"everything on a selection": {
			lists{IncludeInboundPorts: {"80"}}, lists{IncludeInboundPorts: {"*"}},
			"includeInboundPorts=*\n", "includeInboundPorts=*\n",
		},
		"what the narrower includes inbound is no longer excluded": {
			lists{ExcludeInboundPorts: {"80-90"}}, lists{IncludeInboundPorts: {"85"}},
			"excludeInboundPorts=80-84,86-90\nincludeInboundPorts=85\n", "excludeInboundPorts=80-84,86-90\nincludeInboundPorts=85\n",
		},
		"everything included inbound takes nothing away": {
			lists{ExcludeInboundPorts: {"80"}}, lists{IncludeInboundPorts: {"*"}},
			"excludeInboundPorts=80\nincludeInboundPorts=*\n", "excludeInboundPorts=80\nincludeInboundPorts=*\n",
		},
		"what the narrower excludes inbound is no longer included": {
			lists{IncludeInboundPorts: {"80", "90"}}, lists{ExcludeInboundPorts: {"90"}},
			"excludeInboundPorts=90\nincludeInboundPorts=80\n", "excludeInboundPorts=90\nincludeInboundPorts=80\n",
		},
		"the last included port excluded leaves none, not all": {
			lists{IncludeInboundPorts: {"80"}}, lists{ExcludeInboundPorts: {"80"}},
			"excludeInboundPorts=80\nincludeInboundPorts=\n", "excludeInboundPorts=80\nincludeInboundPorts=\n",
		},
		"what the narrower includes outbound is no longer excluded, nor paired": {
			lists{ExcludeOutboundPorts: {"80", "90"}, ExcludeOutbound: {"10.0.0.0/8@90-91"}}, lists{IncludeOutboundPorts: {"90"}},
			"excludeOutboundPorts=80\nincludeOutboundPorts=90\nexcludeOutbound=10.0.0.0/8@91\n",
			"excludeOutboundPorts=80\nincludeOutboundPorts=90\nexcludeOutbound=10.0.0.0/8@91\n",
		},
		"what the narrower excludes outbound is no longer included": {
			lists{IncludeOutboundPorts: {"80", "90"}}, lists{ExcludeOutboundPorts: {"90"}},
			"excludeOutboundPorts=90\nincludeOutboundPorts=80\n", "excludeOutboundPorts=90\nincludeOutboundPorts=80\n",
		},
		"only the protocol that the narrower names is taken away": {
			lists{ExcludeOutboundPorts: {"53"}}, lists{IncludeOutboundPorts: {"53/UDP"}},
			"excludeOutboundPorts=53/TCP\nincludeOutboundPorts=53/UDP\n", "excludeOutboundPorts=53/TCP\nincludeOutboundPorts=53/UDP\n",
		},
		"an included port does not undo an excluded range": {
			lists{ExcludeOutboundIPRanges: {"10.0.0.0/8"}}, lists{IncludeOutboundPorts: {"80"}},
			"includeOutboundPorts=80\nexcludeOutboundIPRanges=10.0.0.0/8\n", "includeOutboundPorts=80\nexcludeOutboundIPRanges=10.0.0.0/8\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			broader, narrower := layerOf(t, c.broader), layerOf(t, c.narrower)
			said := broader.String() + narrower.String()
			assert.Equal(t, c.override, broader.Merge(narrower, Override).String(), "override")
			assert.Equal(t, c.union, broader.Merge(narrower, Union).String(), "union")
			assert.Equal(t, said, broader.String()+narrower.String(), "merging changed a layer")
		})
	}
}

func TestContradictions(t *testing.T) {
	type lists = map[Field][]string
	port80 := NewPorts(TCP, PortRange{80, 80}).Union(NewPorts(UDP, PortRange{80, 80}))
	for name, c := range map[string]struct {
		said lists
		want []Contradiction
	}{
		"nothing said":               {lists{}, nil},
		"different ports":            {lists{ExcludeInboundPorts: {"80"}, IncludeInboundPorts: {"81"}}, nil},
		"the other direction":        {lists{ExcludeInboundPorts: {"80"}, IncludeOutboundPorts: {"80"}}, nil},
		"the other protocol":         {lists{ExcludeOutboundPorts: {"80/TCP"}, IncludeOutboundPorts: {"80/UDP"}}, nil},
		"everything included":        {lists{ExcludeInboundPorts: {"80"}, IncludeInboundPorts: {"*"}}, nil},
		"nothing included":           {lists{ExcludeInboundPorts: {"80"}, IncludeInboundPorts: {}}, nil},
		"ranges, not ports":          {lists{ExcludeOutboundIPRanges: {"10.0.0.0/8"}, IncludeOutboundIPRanges: {"10.0.0.0/8"}}, nil},
		"a pair is the special case": {lists{ExcludeOutbound: {"10.0.0.0/8@80"}, IncludeOutboundPorts: {"80"}}, nil},
		"both ways": {
			lists{
				ExcludeInboundPorts: {"70-80"}, IncludeInboundPorts: {"80-90"},
				ExcludeOutboundPorts: {"80"}, IncludeOutboundPorts: {"80-90/UDP"},
			},
			[]Contradiction{
				{ExcludeInboundPorts, IncludeInboundPorts, port80},
				{ExcludeOutboundPorts, IncludeOutboundPorts, port80.Of(UDP)},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, layerOf(t, c.said).Contradictions())
		})
	}
}

func TestOverrideLeavesEachFieldToTheNarrowestScopeThatSaysIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scopes := rapid.SliceOfN(drawnLayer, 0, 5).Draw(t, "scopes")
		var merged Layer
		for _, scope := range scopes {
			merged = merged.Merge(scope, Override)
		}
		for _, f := range Fields {
			var want []string
			said := false
			for _, scope := range slices.Backward(scopes) {
				if want, said = scope.Entries(f); said {
					break
				}
			}
			got, present := merged.Entries(f)
			require.Equal(t, said, present, "%s", f)
			requireSameStrings(t, want, got)
		}
	})
}

func TestUnionIsTheSameInAnyOrderAndGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawnLayer.Draw(t, "a"), drawnLayer.Draw(t, "b"), drawnLayer.Draw(t, "c")
		// A fold begins with what says nothing, to which the empty list adds
		// nothing.
		fold := func(layers ...Layer) Layer {
			var merged Layer
			for _, l := range layers {
				merged = merged.Merge(l, Union)
			}
			return merged
		}
		require.Equal(t, fold(a, b).String(), fold(b, a).String(), "commutative")
		require.Equal(t, fold(a, b, c).String(), fold(a, fold(b, c)).String(), "associative")
		require.Equal(t, fold(a).String(), fold(a, a).String(), "idempotent")
		require.Equal(t, fold(a, b).String(), fold(a, b, a).String(), "absorbing")
	})
}

// drawnContradicting draws layers that contradict each other, but not
// themselves.
var drawnContradicting = rapid.Custom(func(t *rapid.T) Layer {
	var layer Layer
	ports := func(name string) Ports { return drawnPorts(lowPorts).Draw(t, name) }
	if rapid.Bool().Draw(t, "says inbound") {
		exclude := ports("exclude inbound")
		include := Only(ports("include inbound").Without(exclude))
		layer.ExcludeInboundPorts, layer.IncludeInboundPorts = &exclude, &include
	}
	if rapid.Bool().Draw(t, "says outbound") {
		exclude := ports("exclude outbound")
		include := ports("include outbound").Without(exclude)
		layer.ExcludeOutboundPorts, layer.IncludeOutboundPorts = &exclude, &include
	}
	if rapid.Bool().Draw(t, "says pairs") {
		pairs := pairsOf(t, rapid.SliceOfN(drawnPair(lowPorts), 0, 3).Draw(t, "pairs")...)
		layer.ExcludeOutbound = &pairs
	}
	return layer
})

func TestTheNarrowerScopeHasTheLastWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		broader, narrower := drawnContradicting.Draw(t, "broader"), drawnContradicting.Draw(t, "narrower")
		mode := rapid.SampledFrom([]Merge{Override, Union}).Draw(t, "mode")
		merged := broader.Merge(narrower, mode)
		require.Empty(t, merged.Contradictions())

		own, settings := narrower.Settings(), merged.Settings()
		for _, direction := range []Direction{Outbound, Inbound} {
			for _, protocol := range Protocols {
				for _, address := range sampleAddresses(nil) {
					for port := uint16(1); port <= 12; port++ {
						c := Connection{Direction: direction, Protocol: protocol, Address: address, Port: port}
						explicit := own.Decide(c)
						if explicit.Verdict == LeftToMesh || explicit.By == IncludeInboundPorts {
							// Not named, but left over: a union adds to the
							// ports that are named.
							continue
						}
						if got := settings.Decide(c); got != explicit {
							// A broader exclusion of all addresses may stand in
							// front of the narrower's pair; both bypass.
							require.Equal(t, explicit.Verdict, got.Verdict, "%+v", c)
						}
					}
				}
			}
		}
	})
}

func TestMergingALayerWithItselfChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layer := rapid.OneOf(drawnLayer, drawnContradicting).Draw(t, "layer")
		for _, mode := range []Merge{Override, Union} {
			merged := layer.Merge(layer, mode)
			require.True(t, layer.Equal(merged), "%v became %v", layer, merged)
			require.Equal(t, layer.String(), merged.String())
		}
	})
}

func TestLayersAreEqualWhenTheyReadTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawnLayer.Draw(t, "a"), drawnLayer.Draw(t, "b")
		require.Equal(t, a.String() == b.String(), a.Equal(b))
		x, y := a.Settings(), b.Settings()
		require.Equal(t, x.String() == y.String(), x.Equal(y))
		require.True(t, x.Equal(x.Layer().Settings()))
	})
}

func TestScopesYieldEachByItselfAsAllOfThemTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.OneOf(drawnLayer, drawnContradicting)
		broad := rapid.SliceOfN(drawn, 0, 4).Draw(t, "broader scopes")
		narrower := drawn.Draw(t, "narrower")
		mode := rapid.SampledFrom([]Merge{Override, Union}).Draw(t, "mode")
		var sum, apart Layer
		for _, l := range broad {
			sum = sum.Add(l)
			left, _ := l.Yield(narrower, mode)
			apart = apart.Add(left)
		}
		together, _ := sum.Yield(narrower, mode)
		require.Equal(t, together.String(), apart.String())
	})
}

func TestWhatIsLeftAndWhatIsLostAreTheLayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.OneOf(drawnLayer, drawnContradicting)
		l, narrower := drawn.Draw(t, "layer"), drawn.Draw(t, "narrower")
		mode := rapid.SampledFrom([]Merge{Override, Union}).Draw(t, "mode")
		left, lost := l.Yield(narrower, mode)
		require.Equal(t, l.String(), left.Add(lost).String())
		for _, f := range Fields {
			if !left.Says(f) || !lost.Says(f) {
				continue
			}
			// A field of which both have something is of ports, here the low
			// ones or the high ones, or of pairs with such ports.
			stays, gone := left.Of(f).Settings(), lost.Of(f).Settings()
			require.True(t, stays.ExcludeInboundPorts.Intersect(gone.ExcludeInboundPorts).IsEmpty())
			require.True(t, stays.ExcludeOutboundPorts.Intersect(gone.ExcludeOutboundPorts).IsEmpty())
			require.True(t, stays.IncludeOutboundPorts.Intersect(gone.IncludeOutboundPorts).IsEmpty())
			require.True(t, stays.IncludeInboundPorts.Set().Intersect(gone.IncludeInboundPorts.Set()).IsEmpty())
			for _, b := range stays.ExcludeOutbound.Boxes() {
				for _, c := range gone.ExcludeOutbound.Boxes() {
					require.False(t, b.Protocol == c.Protocol && b.Ports.First <= c.Ports.Last && c.Ports.First <= b.Ports.Last && b.Prefix.Overlaps(c.Prefix), "%v is left and lost, by %v", b, c)
				}
			}
		}
	})
}
