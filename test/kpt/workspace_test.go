package kpt

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected differences, then fail")

const (
	// The repository, seen from this package, where go test runs its tests.
	repository = "../.."
	examples   = repository + "/examples"
)

// TestMain puts a krm-bypass of today's source first in PATH, where the Kptfiles
// look for it.
func TestMain(m *testing.M) {
	flag.Parse()
	status, err := withFunctionInPath(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func withFunctionInPath(run func() int) (status int, err error) {
	bin, err := os.MkdirTemp("", "krm-bypass-kpt-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bin)) }()

	build := exec.Command("go", "build", "-o", filepath.Join(bin, function), "./cmd/krm-bypass")
	build.Dir = repository
	if said, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the function: %w\n%s", err, said)
	}
	if err := os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 0, err
	}
	return run(), nil
}
