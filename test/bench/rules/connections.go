package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

const (
	connectionRounds = 40  // turns of every pod
	connectionsEach  = 100 // a turn
	servicePort      = 80

	// connectionGoal is the median connection under 10000 ranges as a share of
	// the one under 10.
	connectionGoal = 1.25
)

// world is a pod with rules and somebody outside to connect to.
type world struct {
	name   string
	ranges int
	pod    *lab.Host
	to     netip.Addr
	took   []time.Duration
}

// rulesOf are what stands in the pods, by name.
var rulesOf = []struct {
	name    string
	lengths []int
	install func(t *trial, pod *lab.Host, list string)
}{
	{"no rules", []int{10}, func(*trial, *lab.Host, string) {}},
	{"ours before the mesh's", []int{10, 1000, 10000}, func(t *trial, pod *lab.Host, list string) {
		pod.Run(t, lab.Binary(bypassProgram.Name), "apply", "--here", "--exclude-outbound-ip-ranges="+list)
		interceptor.Istio("alone").Install(t, pod)
	}},
	{"the mesh's", []int{10, 1000, 10000}, func(t *trial, pod *lab.Host, list string) {
		interceptor.Istio("with the list", "-x", list).Install(t, pod)
	}},
}

func measureConnections(t *trial, out io.Writer) {
	var worlds []*world
	for _, rules := range rulesOf {
		for _, n := range rules.lengths {
			w := newWorld(t, rules.name, n)
			rules.install(t, w.pod, ranges(n))
			worlds = append(worlds, w)
		}
	}
	for range connectionRounds {
		for _, w := range worlds {
			require.NoError(t, w.connect(connectionsEach))
		}
	}
	report(out, worlds)
}

func report(out io.Writer, worlds []*world) {
	fmt.Fprintf(out, "a new connection to the last of the excluded ranges; medians of %d, in turns\n\n", connectionRounds*connectionsEach)
	fmt.Fprintf(out, "%-24s %7s %9s %14s\n", "rules", "ranges", "µs", "to no rules")
	for _, w := range worlds {
		fmt.Fprintf(out, "%-24s %7d %9.1f %14.2f\n", w.name, w.ranges, w.median(), w.median()/worlds[0].median())
	}
	few, many := worlds[1], worlds[3]
	growth := many.median() / few.median()
	fmt.Fprintf(out, "\n%s, %d ranges to %d: %.3f  %s\n", many.name, many.ranges, few.ranges, growth, verdict(growth, connectionGoal))
}

// newWorld joins a pod to a host that has the one address.
func newWorld(t *trial, name string, n int) *world {
	w := &world{name: name, ranges: n, to: netip.MustParseAddr(lastAddress(n))}
	outside := lab.NewHost(t, "outside")
	w.pod = lab.NewHost(t, "pod")
	lab.Wire(t,
		lab.End{Host: w.pod, Addresses: []netip.Prefix{netip.PrefixFrom(lab.PodAddress.IPv4, 24)}},
		lab.End{Host: outside, Addresses: []netip.Prefix{netip.PrefixFrom(lab.OutsideAddress.IPv4, 24)}})
	w.pod.RouteEverything(t, lab.OutsideAddress.IPv4)
	outside.Run(t, "ip", "addr", "add", w.to.String()+"/32", "dev", "lo")
	outside.Answer(t, lab.Server{Name: "outside", Ports: []uint16{servicePort}})
	return w
}

// connect makes connections one after the other, each ended by a reset so that
// nothing of it stays behind.
func (w *world) connect(n int) error {
	return w.pod.Do(lab.Application, func() error {
		for range n {
			took, err := timeOne(&unix.SockaddrInet4{Addr: w.to.As4(), Port: servicePort})
			if err != nil {
				return fmt.Errorf("connecting to %s with %s: %w", w.to, w.name, err)
			}
			w.took = append(w.took, took)
		}
		return nil
	})
}

// timeOne takes the time of connect(2) alone.
func timeOne(to unix.Sockaddr) (time.Duration, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	began := time.Now()
	err = errors.Join(err, unix.Connect(socket, to))
	took := time.Since(began)
	return took, errors.Join(err, unix.Close(socket))
}

// median is in microseconds.
func (w *world) median() float64 {
	sorted := slices.Sorted(slices.Values(w.took))
	return float64(sorted[len(sorted)/2].Nanoseconds()) / 1e3
}
