package main

import (
	"fmt"
	"io"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// lists are the lengths that are measured, in how many rounds (an odd number, so
// that the median is one of them), and the goal as a share of istio-iptables'
// time; 0 where there is none.
var lists = []struct {
	ranges, rounds int
	goal           float64
}{
	{10, 31, 0.12},
	{100, 31, 0.12},
	{1000, 15, 0},
	{10000, 9, 0.25},
}

const memoryGoal = 24.0 // MiB

// cost is what one run took.
type cost struct {
	wall   time.Duration
	memory float64 // peak resident set, MiB
}

func measureApply(t *trial, out io.Writer) {
	fmt.Fprintln(out, "krm-bypass-init apply beside istio-iptables (iptables-nft) with the same excluded ranges;")
	fmt.Fprintln(out, "medians of alternating runs, each in a network namespace of its own")
	fmt.Fprintln(out)
	fmt.Fprintf(out, "%7s %7s  %-9s %9s %9s %7s  %s\n", "ranges", "rounds", "", "ours", "istio", "ratio", "goal")
	for _, list := range lists {
		ours, theirs := alternate(t, list.ranges, list.rounds)
		wall := milliseconds(ours) / milliseconds(theirs)
		fmt.Fprintf(out, "%7d %7d  %-9s %9.1f %9.1f %7.3f  %s\n",
			list.ranges, list.rounds, "wall ms", milliseconds(ours), milliseconds(theirs), wall, verdict(wall, list.goal))
		fmt.Fprintf(out, "%7d %7d  %-9s %9.1f %9.1f %7.3f  ours %s\n",
			list.ranges, list.rounds, "peak MiB", ours.memory, theirs.memory, ours.memory/theirs.memory, verdict(ours.memory, memoryGoal))
	}
	// Until it executes the program, a child shares the memory of its parent, and
	// that counts (fs/exec.c, exec_mmap).
	fmt.Fprintf(out, "peak memory below %.0f MiB cannot be told apart: that is what this program needs itself\n", ownPeak())
}

// alternate runs both in turns that begin with the one and the other, so that
// what the machine does beside falls on both.
func alternate(t *trial, n, rounds int) (ours, theirs cost) {
	list := ranges(n)
	commands := [2]func() *exec.Cmd{
		func() *exec.Cmd {
			return exec.Command(lab.Binary(bypassProgram.Name), "apply", "--here", "--exclude-outbound-ip-ranges="+list)
		},
		func() *exec.Cmd {
			return exec.Command(lab.Binary(interceptor.IstioProgram.Name), interceptor.IstioArguments("-x", list)...)
		},
	}
	var costs [2][]cost
	for round := range rounds {
		for turn := range commands {
			who := (round + turn) % len(commands)
			costs[who] = append(costs[who], run(t, commands[who]()))
		}
	}
	return median(costs[0]), median(costs[1])
}

func run(t *trial, command *exec.Cmd) cost {
	scope := &trial{}
	defer scope.end()
	pod, _ := lab.NewPod(scope, lab.IPv4)
	began := time.Now()
	_, err := pod.Try(command)
	wall := time.Since(began)
	require.NoError(t, err)
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{wall, float64(usage.Maxrss) / (1 << 10)} // Maxrss is in KiB: getrusage(2)
}

func median(costs []cost) cost {
	var walls []time.Duration
	var memories []float64
	for _, c := range costs {
		walls, memories = append(walls, c.wall), append(memories, c.memory)
	}
	slices.Sort(walls)
	slices.Sort(memories)
	return cost{walls[len(walls)/2], memories[len(memories)/2]}
}

func milliseconds(c cost) float64 { return float64(c.wall.Microseconds()) / 1e3 }
