package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// bench is one run of the benchmark.
type bench struct {
	out io.Writer
	// function, whole, kustomize and peer are programs.
	function, whole, kustomize, peer string
	folder                           string
	// most is the longest list.
	most int
	// rounds is how often everything runs; 0 is as often as the tables say.
	rounds int
}

// row is a list that is measured: in how many rounds, and with kyaml in how many. An
// odd number has a median that is one of them.
type row struct {
	deployments, rounds, ofPeer int
	// goals are those of the uniform and of the varied input.
	goals [2]goals
}

// goals are ratios of wall time, and MiB; 0 is none.
type goals struct{ toKyaml, toGzip, peak float64 }

var inputs = [2]input{uniform, varied}

var rows = []row{
	{100, 21, 21, [2]goals{{toKyaml: 0.30}, {toKyaml: 0.33}}},
	{1000, 11, 7, [2]goals{{toKyaml: 0.12}, {toKyaml: 0.16}}},
	{10000, 7, 7, [2]goals{{0.10, 10, 150}, {0.14, 7, 200}}},
}

const (
	startUpGoal, wholeStartUpGoal = 0.85, 1.5
	commandsGoal                  = 1.3
)

func main() {
	var b bench
	flag.StringVar(&b.function, "function", "bin/krm-bypass-fn", "the function to measure")
	flag.StringVar(&b.whole, "whole", "bin/krm-bypass", "the command to measure")
	flag.StringVar(&b.kustomize, "kustomize", ".cache/bin/kustomize", "the kustomize CLI")
	flag.IntVar(&b.most, "most", rows[len(rows)-1].deployments, "measure lists of at most so many Deployments")
	isShare := flag.Bool("share", false, "print for which share of the Deployments in a list on standard input the second reader answers")
	flag.Parse()
	b.out = os.Stdout
	err := error(nil)
	if *isShare {
		err = share(os.Stdin, os.Stdout)
	} else {
		err = b.measure()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (b *bench) measure() (err error) {
	if rounds := os.Getenv("BENCH_RUNS"); rounds != "" {
		if b.rounds, err = strconv.Atoi(rounds); err != nil || b.rounds < 1 {
			return fmt.Errorf("BENCH_RUNS is %q: write how often each program runs, such as 7", rounds)
		}
	}
	if b.folder, err = os.MkdirTemp("", "krm-bypass-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.folder) }()
	b.peer = filepath.Join(b.folder, "built-peer")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.peer, "./test/bench/peer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile builds ours
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the peer: %w\n%s", err, said)
	}
	for _, program := range []*string{&b.function, &b.whole, &b.peer} {
		if *program, err = b.installed(*program); err != nil {
			return err
		}
	}
	for _, part := range []func() error{b.functions, b.startUp, b.commands, b.kustomizations} {
		if err := part(); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "peak memory below %.0f MiB cannot be told apart: that is what this program needs itself\n", ownPeak())
	return nil
}

// installed copies a program, as one has it from an archive or an image, and gives the copy.
// The kernel maps a file that the linker wrote in smaller pieces, so that the program starts
// up to an eighth later.
func (b *bench) installed(program string) (string, error) {
	installed := filepath.Join(b.folder, strings.TrimPrefix(filepath.Base(program), "built-"))
	if said, err := exec.Command("cp", program, installed).CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing a program: %w\n%s", err, said)
	}
	return installed, nil
}

// of is how often a program runs.
func (b *bench) of(rounds int) int {
	if b.rounds > 0 {
		return b.rounds
	}
	return rounds
}

// functions measures the function on lists of every length.
func (b *bench) functions() error {
	b.title("N Deployments, N Services, N/5 ConfigMaps as a ResourceList: the function, beside kyaml's reading and writing, and gzip -1 of the same bytes")
	for at, in := range inputs {
		for _, r := range rows {
			if r.deployments > b.most {
				continue
			}
			list, err := temporary(func(w io.Writer) error { return in.writeList(w, r.deployments) })
			if err != nil {
				return err
			}
			about, err := list.Stat()
			if err != nil {
				return err
			}
			done := holds("ghcr.io/krm-bypass/init:v0.1.0", r.deployments+1) // the spec names it too
			all, err := alternate(list,
				contestant{"krm-bypass-fn", []string{b.function}, nil, b.of(r.rounds), done},
				contestant{"  on one core", []string{b.function}, []string{"GOMAXPROCS=1"}, b.of(r.rounds), done},
				contestant{"kyaml", []string{b.peer}, nil, b.of(r.ofPeer), holds("Deployment", r.deployments+1)},
				contestant{"gzip -1", []string{"gzip", "-1"}, nil, b.of(r.rounds), packs(about.Size())})
			discard(list)
			if err != nil {
				return err
			}
			b.table(in.name, r.deployments, all)
			ours, goal := all[0].median, r.goals[at]
			b.ratio("to kyaml", seconds(ours)/seconds(all[2].median), goal.toKyaml)
			b.ratio("to gzip -1", seconds(ours)/seconds(all[3].median), goal.toGzip)
			b.ratio("peak MiB", mebibytes(ours), goal.peak)
		}
		answered, err := shareOf(b.function, in, 1000)
		if err != nil {
			return fmt.Errorf("asking the second reader: %w", err)
		}
		fmt.Fprintf(b.out, "%s: the second reader answers for %s of the Deployments\n\n", in.name, answered)
	}
	return nil
}

// startUp measures a list of one Deployment.
func (b *bench) startUp() error {
	b.title("start-up: a list of one Deployment")
	list, err := temporary(func(w io.Writer) error { return uniform.writeList(w, 1) })
	if err != nil {
		return err
	}
	defer discard(list)
	done := holds("ghcr.io/krm-bypass/init:v0.1.0", 2)
	all, err := alternate(list,
		contestant{"krm-bypass-fn", []string{b.function}, nil, b.of(151), done},
		// What builds kustomizations too is larger, which is why there are two.
		contestant{"krm-bypass", []string{b.whole}, nil, b.of(151), done},
		contestant{"kyaml", []string{b.peer}, nil, b.of(151), holds("Deployment", 2)})
	if err != nil {
		return err
	}
	b.table(uniform.name, 1, all)
	b.ratio("krm-bypass-fn to kyaml", seconds(all[0].median)/seconds(all[2].median), startUpGoal)
	b.ratio("krm-bypass to kyaml", seconds(all[1].median)/seconds(all[2].median), wholeStartUpGoal)
	return nil
}

// commands measures render, check and explain on a stream.
func (b *bench) commands() error {
	deployments := min(3000, b.most)
	b.title("the commands on a stream: check of what render wrote")
	for _, in := range inputs {
		if err := b.commandsOn(in, deployments); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) commandsOn(in input, deployments int) error {
	spec := filepath.Join(b.folder, in.name+".yaml")
	if err := os.WriteFile(spec, []byte(in.spec), 0o644); err != nil {
		return err
	}
	stream, err := temporary(func(w io.Writer) error { return in.writeStream(w, deployments) })
	if err != nil {
		return err
	}
	defer discard(stream)
	command := func(name, path string) []string { return []string{b.whole, name, "--spec", spec, path} }
	rendered := filepath.Join(b.folder, in.name+"-rendered.yaml")
	if said, err := exec.Command("sh", "-c", `"$@" >"$0"`, rendered, b.whole, "render", "--spec", spec, stream.Name()).CombinedOutput(); err != nil {
		return fmt.Errorf("rendering: %w\n%s", err, said)
	}
	all, err := alternate(stream,
		contestant{"render", command("render", "-"), nil, b.of(7), holds("ghcr.io/krm-bypass/init:v0.1.0", deployments)},
		contestant{"check", command("check", rendered), nil, b.of(7), holds(strconv.Itoa(deployments)+" objects match", 1)},
		contestant{"explain", command("explain", "-"), nil, b.of(7), holds(fmt.Sprintf("%d workloads: %d written", deployments, deployments), 1)})
	if err != nil {
		return err
	}
	b.table(in.name, deployments, all)
	b.ratio("check to render", seconds(all[1].median)/seconds(all[0].median), commandsGoal)
	b.ratio("explain to render", seconds(all[2].median)/seconds(all[0].median), commandsGoal)
	return nil
}

// kustomizations measures the build of a kustomization in process beside kustomize's.
func (b *bench) kustomizations() error {
	const deployments = 300 // kustomize needs minutes for thousands
	b.title("a kustomization, built in process beside the kustomize CLI")
	function, err := filepath.Abs(b.function)
	if err != nil {
		return err
	}
	spec := strings.Replace(uniform.spec, "  name: cluster\n",
		"  name: cluster\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: "+function+"}\n", 1)
	var objects strings.Builder
	if err := uniform.writeStream(&objects, deployments); err != nil {
		return err
	}
	folder := filepath.Join(b.folder, "kustomization")
	for name, text := range map[string]string{
		"app/objects.yaml": objects.String(), "app/kustomization.yaml": "resources: [objects.yaml]\n",
		"bypass.yaml": spec, "kustomization.yaml": "resources: [app]\ntransformers: [bypass.yaml]\n",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	nothing, err := temporary(func(io.Writer) error { return nil })
	if err != nil {
		return err
	}
	defer discard(nothing)
	done := holds("ghcr.io/krm-bypass/init:v0.1.0", deployments)
	all, err := alternate(nothing,
		contestant{"krm-bypass render", []string{b.whole, "render", folder}, nil, b.of(7), done},
		contestant{"kustomize, nothing run", []string{b.kustomize, "build", filepath.Join(folder, "app")}, nil, b.of(7), holds("kind: Deployment", deployments)},
		contestant{"kustomize, the function", []string{b.kustomize, "build", "--enable-alpha-plugins", "--enable-exec", folder}, nil, b.of(7), done})
	if err != nil {
		return err
	}
	b.table(uniform.name, deployments, all)
	b.ratio("to nothing run", seconds(all[0].median)/seconds(all[1].median), 0)
	b.ratio("to the function", seconds(all[0].median)/seconds(all[2].median), 0)
	return nil
}

func (b *bench) title(text string) {
	fmt.Fprintf(b.out, "%s\n%-8s %6s  %-24s %4s %9s %19s %9s %9s\n", text, "input", "N", "", "runs", "wall ms", "from … to", "CPU ms", "peak MiB")
}

func (b *bench) table(input string, deployments int, all []summary) {
	for _, s := range all {
		fmt.Fprintf(b.out, "%-8s %6d  %-24s %4d %9.1f %9.1f %9.1f %9.1f %9.1f\n", input, deployments, s.name, s.runs,
			1e3*seconds(s.median), 1e3*s.least.Seconds(), 1e3*s.most.Seconds(), 1e3*s.median.cpu.Seconds(), mebibytes(s.median))
	}
}

// ratio prints one and whether it reaches its goal; 0 is no goal.
func (b *bench) ratio(what string, value, goal float64) {
	fmt.Fprintf(b.out, "  %-24s %8.3f", what, value)
	switch {
	case goal == 0:
	case value <= goal:
		fmt.Fprintf(b.out, "  <= %-6g reached", goal)
	default:
		fmt.Fprintf(b.out, "  <= %-6g MISSED", goal)
	}
	fmt.Fprintln(b.out)
}

func seconds(s sample) float64 { return s.wall.Seconds() }

func mebibytes(s sample) float64 { return float64(s.memory) / (1 << 20) }

// ownPeak is the peak resident set of this process, in MiB.
func ownPeak() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for a bad address
	return float64(usage.Maxrss) / (1 << 10)
}
