package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

var bypassProgram = lab.Program{Name: "krm-bypass-init", Directory: "images/init"}

func main() {
	lab.Enter(bypassProgram, interceptor.IstioProgram)
	t := &trial{}
	defer t.end()
	measureApply(t, os.Stdout)
	fmt.Println()
	measureConnections(t, os.Stdout)
}

// trial is what the lab takes for a test: hosts go with it, and whatever fails
// ends the program.
type trial struct{ cleanups []func() }

func (*trial) Helper()                   {}
func (t *trial) Cleanup(f func())        { t.cleanups = append(t.cleanups, f) }
func (*trial) Errorf(s string, a ...any) { fmt.Fprintf(os.Stderr, strings.TrimSpace(s)+"\n", a...) }
func (t *trial) FailNow()                { t.end(); os.Exit(1) }

func (t *trial) end() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		t.cleanups[last]()
		t.cleanups = t.cleanups[:last]
	}
}

// ranges lists n ranges, none of which can be merged with another, with names so
// short that 10000 of them fit into one argument, which is at most 128 KiB
// (MAX_ARG_STRLEN, include/uapi/linux/binfmts.h): istio-iptables takes its list
// as one.
func ranges(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",1.%d.%d.0/25", i/100, i%100)
	}
	return b.String()[1:]
}

// lastAddress is in the last of n ranges.
func lastAddress(n int) string { return fmt.Sprintf("1.%d.%d.1", (n-1)/100, (n-1)%100) }

// verdict reports whether a measured value stays within its goal; 0 is no goal.
func verdict(value, goal float64) string {
	switch {
	case goal == 0:
		return ""
	case value <= goal:
		return fmt.Sprintf("<= %-5.2f reached", goal)
	default:
		return fmt.Sprintf("<= %-5.2f MISSED", goal)
	}
}

// ownPeak is the peak resident set of this process in MiB.
func ownPeak() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for a bad address
	return float64(usage.Maxrss) / (1 << 10)
}
