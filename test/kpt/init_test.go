package kpt

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// TestWhatInitAddsToAPackageIsRendered takes the spec out of a package and its function
// out of the Kptfile, and lets init put both there.
func TestWhatInitAddsToAPackageIsRendered(t *testing.T) {
	p := checkOut(t, "kpt-exec")
	require.NoError(t, os.Remove(p.folder+"/bypass.yaml"))
	without := regexp.MustCompile(`(?s)\npipeline:.*`).ReplaceAllString(p.read("Kptfile"), "\n")
	p.write("Kptfile", without)
	p.commit()

	begin := exec.Command("krm-bypass", "init", "--write", p.folder)
	said, err := begin.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Equal(t, []string{"Kptfile", "bypass.yaml"}, p.changed())

	p.write("bypass.yaml", regexp.MustCompile(`(?m)^  # (global:|  reason: Prom|  excludeInboundPorts: \[9090\])`).ReplaceAllString(p.read("bypass.yaml"), "  $1"))
	p.render()
	assert.Contains(t, p.read("cart.yaml"), `traffic.sidecar.istio.io/excludeInboundPorts: "9090"`)
	assert.NotContains(t, p.read("cart.yaml"), "krm-bypass-init")
}

// TestWhatInitPrintsForAPackageRuns pastes it, as far as kpt is not needed.
func TestWhatInitPrintsForAPackageRuns(t *testing.T) {
	p := checkOut(t, "kpt-exec")
	require.NoError(t, os.Remove(p.folder+"/bypass.yaml"))
	p.write("Kptfile", regexp.MustCompile(`(?s)\npipeline:.*`).ReplaceAllString(p.read("Kptfile"), "\n"))
	p.commit()
	const kpt = "kpt fn render --allow-exec kpt-exec"
	prints := []string{"krm-bypass init --write kpt-exec", "krm-bypass suggest kpt-exec --spec kpt-exec/bypass.yaml", kpt}
	assert.Equal(t, prints, ways.RunWhatInitPrints(t, p.folder, func(command string) bool {
		if command == kpt {
			p.render()
		}
		return command == kpt
	}))
}
