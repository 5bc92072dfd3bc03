package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/krm-bypass/krm-bypass/internal/rules"
)

func main() {
	// The program lives for a moment. With 10,000 ranges, collecting garbage half
	// as often saves a seventh of the CPU time and costs 4 MiB.
	debug.SetGCPercent(200)
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	succeeded = 0
	failed    = 1
	misused   = 2
)

// run does what the command line says and gives the exit code. env looks up a
// variable of the environment.
func run(args []string, env func(string) string, out, stderr io.Writer) int {
	c, err := parse(args)
	code := misused
	if err != nil {
		err = fmt.Errorf("reading the command line: %w (see %s --help)", err, program)
	} else {
		code, err = failed, c.command.run(session{call: c, env: env, out: out, stderr: stderr})
	}
	if err == nil {
		return succeeded
	}
	sentence := oneLine(err)
	switch {
	case !c.continues() || code != failed:
	case rules.Stand():
		sentence += "; not continuing in spite of --on-failure=" + onFailureContinue + ", as the rules of an earlier run still let bypass what they say: krm-bypass-init clean takes them away"
	default:
		fmt.Fprintf(stderr, "%s: warning: %s; the pod starts without the bypass because of --on-failure=%s: what no annotation of the mesh lets bypass is intercepted, unless rules of an earlier run stand, which stay as they are\n", program, sentence, onFailureContinue)
		return succeeded
	}
	fmt.Fprintf(stderr, "%s: %s\n", program, sentence)
	if err := writeTermination(c.terminationLog, sentence); err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", program, oneLine(err))
	}
	return code
}

const program = "krm-bypass-init"

// oneLine puts an error of several lines, such as a joined one, on a single line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// terminationLog is where the kubelet looks for a container's last words (k8s.io/api/core/v1, TerminationMessagePathDefault).
const terminationLog = "/dev/termination-log"

// writeTermination leaves the sentence where the kubelet finds it. The kubelet makes
// the file at the usual place: if it is absent, nobody wants to know.
func writeTermination(path, sentence string) error {
	if _, err := os.Stat(path); path == "" || path == terminationLog && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	// A pipe that nobody reads is an error, and not to be waited for.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644)
	if err == nil {
		_, err = file.WriteString(sentence + "\n")
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("writing the termination log: %w", err)
	}
	return nil
}
