package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheFunctionAloneKnowsNoNetwork holds what is linked into it, since a
// render must depend on no registry and every build waits for its start-up.
func TestTheFunctionAloneKnowsNoNetwork(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(out))
	require.Contains(t, packages, "github.com/krm-bypass/krm-bypass/fn")
	for _, p := range packages {
		for _, unwanted := range []string{"net/http", "crypto/tls", "github.com/google/go-containerregistry", "github.com/spf13", "sigs.k8s.io/", "k8s.io/"} {
			assert.False(t, strings.HasPrefix(p, unwanted), p)
		}
	}
}
