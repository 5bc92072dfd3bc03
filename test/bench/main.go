package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// sizes are the lists that are measured, smallest first, and in how many rounds:
// an odd number, so that the median is one of them.
var sizes = []struct{ deployments, rounds int }{
	{deployments: 1, rounds: 41}, // start-up
	{deployments: 100, rounds: 21},
	{deployments: 1000, rounds: 9},
	{deployments: 10000, rounds: 5},
}

// The goals, as shares of what the peer needs.
const (
	startUpGoal = 1.0
	wallGoal    = 0.6
	memoryGoal  = 0.4
	// growthGoal is how much a Deployment may cost in the longest list, compared
	// with the list of 100: linear is 1, quadratic would be 100.
	growthGoal = 1.25
)

func main() {
	function := flag.String("function", "bin/krm-bypass-fn", "the function to measure")
	whole := flag.String("whole", "bin/krm-bypass", "the command that is the function too, of which the start-up alone is measured")
	most := flag.Int("most", sizes[len(sizes)-1].deployments, "measure lists of at most so many Deployments")
	flag.Parse()
	if err := measure(os.Stdout, *function, *whole, *most); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(out io.Writer, function, whole string, most int) error {
	folder, err := os.MkdirTemp("", "krm-bypass-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()

	ours := contestant{path: function, check: hasInitContainers}
	peer := contestant{path: filepath.Join(folder, "peer"), check: isTheSame}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", peer.path, "./test/bench/peer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile builds ours
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the peer: %w\n%s", err, said)
	}

	fmt.Fprintln(out, "krm-bypass-fn beside a program that reads and writes the same list with kyaml's ByteReadWriter;")
	fmt.Fprintln(out, "N Deployments of 70 lines, N Services, N/5 ConfigMaps; medians of alternating runs")
	fmt.Fprintln(out)
	fmt.Fprintf(out, "%6s %7s  %-10s %9s %9s %7s %8s\n", "N", "rounds", "", "ours", "peer", "ratio", "goal")

	walls := map[int]time.Duration{}
	for _, size := range sizes {
		if size.deployments > most {
			break
		}
		a, b, err := alternate(ours, peer, size.deployments, size.rounds)
		if err != nil {
			return err
		}
		walls[size.deployments] = a.wall
		wanted := wallGoal
		if size.deployments == 1 {
			wanted = startUpGoal
		}
		row(out, size.deployments, size.rounds, "wall ms", milliseconds(a), milliseconds(b), wanted)
		if size.deployments > 1 {
			row(out, size.deployments, size.rounds, "peak MiB", mebibytes(a), mebibytes(b), memoryGoal)
			continue
		}
		// What builds kustomizations too is larger, which is why there are two.
		a, b, err = alternate(contestant{path: whole, check: hasInitContainers}, peer, size.deployments, size.rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%6d %7d  %-10s %9.1f %9.1f %7.3f  krm-bypass, with kustomize in it: no goal\n",
			size.deployments, size.rounds, "wall ms", milliseconds(a), milliseconds(b), milliseconds(a)/milliseconds(b))
	}
	if walls[most] > 0 && walls[100] > 0 && most > 100 {
		growth := perDeployment(walls, most) / perDeployment(walls, 100)
		fmt.Fprintf(out, "\nlinear: without start-up a Deployment costs %.0f µs in a list of 100 and %.0f µs in one of %d: %.2f times as much, goal %.2f %s\n",
			perDeployment(walls, 100), perDeployment(walls, most), most, growth, growthGoal, verdict(growth, growthGoal))
	}
	fmt.Fprintf(out, "peak memory below %.0f MiB cannot be told apart: that is what this program needs itself\n", ownPeak())
	return nil
}

func row(out io.Writer, deployments, rounds int, what string, ours, peer, goal float64) {
	ratio := ours / peer
	fmt.Fprintf(out, "%6d %7d  %-10s %9.1f %9.1f %7.3f  <= %.2f  %s\n",
		deployments, rounds, what, ours, peer, ratio, goal, verdict(ratio, goal))
}

func verdict(ratio, goal float64) string {
	if ratio <= goal {
		return "reached"
	}
	return "MISSED"
}

func milliseconds(s sample) float64 { return float64(s.wall.Microseconds()) / 1e3 }

func mebibytes(s sample) float64 { return float64(s.memory) / (1 << 20) }

// perDeployment is the time for one Deployment, with what comes with it, in
// microseconds, without the start-up.
func perDeployment(walls map[int]time.Duration, deployments int) float64 {
	return float64((walls[deployments] - walls[1]).Microseconds()) / float64(deployments)
}

// ownPeak is the peak resident set of this process, in MiB.
func ownPeak() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for a bad address
	return float64(usage.Maxrss) / (1 << 10)
}
