package e2e_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/sidecar"
)

// TestProbe has krm-bypass probe look at what the documentation of DCE 5.0 has
// its readers look at by hand: the header that the sidecar leaves is there, is
// gone with passthrough, and is there again when that is switched off.
func TestProbe(t *testing.T) {
	stages := []struct{ name, example, expect, contrary string }{
		{"before-passthrough", "dce-helloworld/base", "intercepted", "bypassed"},
		{"passthrough", "dce-helloworld/overlays/passthrough", "bypassed", "intercepted"},
		{"after-switching-off", "dce-helloworld/overlays/switched-off", "intercepted", "bypassed"},
	}
	places := []struct {
		name string
		by   func(pod) *lab.Host
		to   place
		port uint16
	}{
		{"inbound", func(p pod) *lab.Host { return p.outside }, lab.PodAddress, helloworldPort},
		{"outbound-port", inPod, somewhereElse, helloworldOutwardsTo},
		{"outbound-range", inPod, passthroughRange, 80},
	}
	mesh := istioVariants[0]
	for _, order := range orders {
		for _, family := range mesh.Families {
			for _, stage := range stages {
				t.Run(order.name+"/"+family.Name+"/"+stage.name, func(t *testing.T) {
					arguments, history := rendered(stage.example, "Deployment/helloworld")(t), order
					if len(arguments) == 0 {
						history = meshAlone
					} else if family.IPv6 {
						arguments = append(arguments, twinOfPassthrough...)
					}
					pod := newPod(t, mesh, history, family, arguments)
					for _, place := range places {
						url := "http://" + netip.AddrPortFrom(family.Of(place.to), place.port).String() + "/"
						code, said := probe(t, place.by(pod), "--expect", stage.expect, url)
						assert.Zero(t, code, "%s: %s", place.name, said)
						code, said = probe(t, place.by(pod), "--expect", stage.contrary, url)
						assert.Equal(t, 1, code, "%s: %s", place.name, said)
						assert.Contains(t, said, "NOT AS EXPECTED")
						assert.Equal(t, stage.expect == "intercepted", strings.Contains(said, "server: "+sidecar.Server), "%s: %s", place.name, said)
					}
				})
			}
		}
	}
}

// probe runs krm-bypass probe in a host and gives its exit code and what it said.
func probe(t *testing.T, host *lab.Host, arguments ...string) (code int, said string) {
	t.Helper()
	said, err := host.Try(exec.Command(lab.Binary(probeProgram.Name), append([]string{"probe"}, arguments...)...))
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), said
	}
	require.NoError(t, err)
	return 0, said
}
