package readers

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/shrink"
)

// number reads a count from the environment.
func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return n
}

// A count is of an oddity: how often it was drawn, and what became of those
// streams.
type count struct{ drawn, refused, refusedAlone int }

// counts are those of one worker, which are added up.
type counts struct {
	oddities  map[string]count
	accepted  map[string]int
	agreed    int
	templates int
	alone     int
}

func (c *counts) add(d *draw, o outcome) {
	alone := o.ours.Err != nil && o.agreed() && len(o.judges[0].Templates) > 0
	for _, name := range d.oddities {
		n := c.oddities[name]
		n.drawn++
		if o.ours.Err != nil {
			n.refused++
		}
		if alone {
			n.refusedAlone++
		}
		c.oddities[name] = n
	}
	for i, reading := range append(slices.Clone(o.judges), o.ours) {
		if reading.Err == nil {
			c.accepted[append(slices.Clone(judges), ours)[i].Name()]++
		}
	}
	if o.agreed() {
		c.agreed++
	}
	c.templates += len(o.ours.Templates)
	c.alone += o.oursAlone()
}

func (c *counts) merge(other *counts) {
	for name, n := range other.oddities {
		sum := c.oddities[name]
		c.oddities[name] = count{sum.drawn + n.drawn, sum.refused + n.refused, sum.refusedAlone + n.refusedAlone}
	}
	for name, n := range other.accepted {
		c.accepted[name] += n
	}
	c.agreed += other.agreed
	c.templates += other.templates
	c.alone += other.alone
}

func newCounts() *counts { return &counts{oddities: map[string]count{}, accepted: map[string]int{}} }

// TestDrawnStreams asks all readers about KRM_BYPASS_STREAMS drawn streams, 10,000
// if it is not set, of the seed KRM_BYPASS_SEED. Faults are shrunk and told by
// kind.
func TestDrawnStreams(t *testing.T) {
	streams := number(t, "KRM_BYPASS_STREAMS", 10_000)
	seed := number(t, "KRM_BYPASS_SEED", 1)

	var next atomic.Uint64
	var lock sync.Mutex
	total := newCounts()
	faults := map[string][]uint64{}
	began := time.Now()
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			mine := newCounts()
			for {
				i := next.Add(1) - 1
				if i >= streams {
					break
				}
				d := drawn(seed, i)
				o := readByAll(d.text())
				mine.add(d, o)
				fault := o.fault()
				if fault == "" && len(d.oddities) == 0 && o.ours.Err != nil {
					fault = "we refuse what is not odd"
				}
				if fault == "" {
					continue
				}
				lock.Lock()
				faults[kindOf(fault)] = append(faults[kindOf(fault)], i)
				lock.Unlock()
			}
			lock.Lock()
			defer lock.Unlock()
			total.merge(mine)
		})
	}
	workers.Wait()
	took := time.Since(began)

	t.Log(total.report(streams, seed, took))
	for _, o := range oddities {
		if streams >= 10_000 {
			assert.Positive(t, total.oddities[o.name].drawn, "no stream has: %s", o.name)
		}
	}
	for kind, numbers := range faults {
		slices.Sort(numbers)
		t.Errorf("%d streams: %s", len(numbers), kind)
		for _, text := range smallest(seed, numbers, kind) {
			o := readByAll(text)
			t.Errorf("%s\n%s%s", o.fault(), strings.TrimSuffix(fmt.Sprintf("%q\n", text), ""), o.report())
		}
	}
}

// kindOf gives a fault without what is particular to one stream.
func kindOf(fault string) string {
	fault, _, _ = strings.Cut(fault, ":")
	return fault
}

// smallest gives a few shrunk texts, each of another shape.
func smallest(seed uint64, numbers []uint64, kind string) [][]byte {
	var texts [][]byte
	seen := map[string]bool{}
	for _, i := range numbers[:min(len(numbers), maxShrunk)] {
		d := drawn(seed, i)
		text := shrink.Text(d.text(), func(text []byte) bool { return kindOf(readByAll(text).fault()) == kind })
		if shape := shapeOf(text); !seen[shape] {
			seen[shape] = true
			texts = append(texts, text)
		}
	}
	return texts
}

const maxShrunk = 12

// shapeOf gives a text without its names and numbers.
func shapeOf(text []byte) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, string(text))
}

func (c *counts) report(streams, seed uint64, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d streams of seed %d in %s, %.0f a second; we read %d pod templates, of which the judges read all but %d\n", streams, seed, took.Round(time.Millisecond), float64(streams)/took.Seconds(), c.templates, c.alone)
	for _, reader := range append(slices.Clone(judges), ours) {
		fmt.Fprintf(&b, "accepted by %-16s %8d\n", reader.Name(), c.accepted[reader.Name()])
	}
	fmt.Fprintf(&b, "read alike by the judges     %8d\n", c.agreed)
	fmt.Fprintf(&b, "%-50s %8s %8s %8s\n", "oddity", "drawn", "refused", "by us alone")
	for _, o := range oddities {
		n := c.oddities[o.name]
		fmt.Fprintf(&b, "%-50s %8d %8d %8d\n", o.name, n.drawn, n.refused, n.refusedAlone)
	}
	return b.String()
}
