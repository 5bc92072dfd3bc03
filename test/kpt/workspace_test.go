package kpt

import (
	"flag"
	"testing"

	"github.com/krm-bypass/krm-bypass/test/built"
)

var update = flag.Bool("update", false, "rewrite the expected differences, then fail")

const (
	// The repository, seen from this package, where go test runs its tests.
	repository = "../.."
	examples   = repository + "/examples"
)

// TestMain puts a krm-bypass of today's source first in PATH, where the Kptfiles
// look for it.
func TestMain(m *testing.M) { built.Main(m, built.First) }
