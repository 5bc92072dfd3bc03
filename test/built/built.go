// Package built has krm-bypass built for tests that run it as a program: from today's
// source, so that none passes on the binary of yesterday.
package built

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// Main runs the tests of a package around a folder that holds krm-bypass, and ends the
// process. prepare adds what else they need.
func Main(m *testing.M, prepare func(folder string) error) {
	flag.Parse()
	status, err := within(m, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func within(m *testing.M, prepare func(folder string) error) (status int, err error) {
	folder, err := os.MkdirTemp("", "krm-bypass-built-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := Into(folder, "krm-bypass"); err != nil {
		return 0, err
	}
	if err := prepare(folder); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// Into builds programs of cmd/ into a folder.
func Into(folder string, programs ...string) error {
	arguments := []string{"build", "-C", ways.Repository(), "-o", folder}
	for _, program := range programs {
		arguments = append(arguments, "./cmd/"+program)
	}
	if said, err := exec.Command("go", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %v: %w\n%s", programs, err, said)
	}
	return nil
}

// First puts a folder first in PATH.
func First(folder string) error {
	return os.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}
