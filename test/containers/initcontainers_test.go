package containers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forInitContainers gives a Deployment that lets its init containers reach port 8200
// without the sidecar, with the two init containers of ours.
func forInitContainers(t *testing.T) (deployment, first, last object) {
	t.Helper()
	deployment = renderedFrom(t, func(spec object) {
		spec["global"].(object)["forInitContainers"] = object{"excludeOutboundPorts": []any{8200}}
	})
	containers := podSpec(deployment)["initContainers"].([]any)
	require.Len(t, containers, 2)
	first, last = containers[0].(object), containers[1].(object)
	require.Equal(t, []any{"krm-bypass-init", "krm-bypass-close"}, []any{first["name"], last["name"]})
	return deployment, first, last
}

// dials is an init container of the user's that has to reach something.
var dials = object{"name": "migrate", "image": standinImage, "args": []any{"ask", "192.0.2.1:8200"}}

// TestInitContainersReachMore plays a workload whose init container reaches what its
// application does not.
func TestInitContainersReachMore(t *testing.T) {
	outside := world(t)
	deployment, first, last := forInitContainers(t)
	// As behind one that goes on: what the other has left in the kernel is enough to end.
	last["args"] = append(last["args"].([]any), "--end-connections")
	inject(deployment, istioInit(), first, dials, last)
	require.NoError(t, play(t, deployment))
	ask := func() string {
		return mustPodman(t, "exec", podName+"-application", "/standin", "ask", "192.0.2.1:8200")
	}
	assert.Equal(t, "192.0.2.1:8200=outside\n", logOf(t, "migrate"))
	assert.Equal(t, "192.0.2.1:8200=outbound proxy\n", ask())
	assert.Equal(t, whatIsBypassed, look(t, outside))
	assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" backend=nftables [^\n]+\n$`, logOf(t, "krm-bypass-init"))
	assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" ended=1 backend=nftables [^\n]+\n$`, logOf(t, "krm-bypass-close"))
	// All of them run again, in a namespace that is new.
	mustPodman(t, "pod", "stop", "--time", "0", podName)
	mustPodman(t, "pod", "start", podName)
	assert.Equal(t, "192.0.2.1:8200=outbound proxy\n", ask())
	assert.Equal(t, 2, strings.Count(logOf(t, "migrate"), "=outside\n"), logOf(t, "migrate"))
}

// ends are ways in which the pair of init containers does not come to its end. exit is
// what the container comes to that ends first.
var ends = []struct {
	name      string
	change    func(first, last object) []object
	container string
	exit      string
}{
	{"what stands between is killed", func(first, last object) []object {
		go func() {
			for range 600 {
				time.Sleep(50 * time.Millisecond)
				if _, err := podman("kill", podName+"-migrate"); err == nil {
					return
				}
			}
		}()
		return []object{first, {"name": "migrate", "image": standinImage, "args": []any{"serve", "migration=9999"}}, last}
	}, "migrate", "137"},
	{"the last fails", func(first, last object) []object {
		delete(last["securityContext"].(object)["capabilities"].(object), "add")
		return []object{first, last}
	}, "krm-bypass-close", "1"},
	{"the last fails, with a flag to go on", func(first, last object) []object {
		last["args"] = append(last["args"].([]any), "--on-failure=continue", "--backend=iptables")
		return []object{first, last}
	}, "krm-bypass-close", "1"},
	{"the last has too little memory", func(first, last object) []object {
		last["resources"] = object{"limits": object{"memory": "6Mi"}}
		var ranges []string
		for i := range 8000 {
			ranges = append(ranges, fmt.Sprintf("10.%d.%d.0/25", i/250, i%250))
		}
		last["args"] = append(last["args"].([]any), "--exclude-outbound-ip-ranges="+strings.Join(ranges, ","))
		return []object{first, last}
	}, "krm-bypass-close", "137"},
}

// TestNoApplicationStartsInBetween shows that an application starts only behind a last that
// succeeded.
func TestNoApplicationStartsInBetween(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			deployment, first, last := forInitContainers(t)
			inject(deployment, end.change(first, last)...)
			require.ErrorContains(t, play(t, deployment), "exited with code "+end.exit)
			inspected := mustPodman(t, "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}",
				podName+"-"+end.container, podName+"-application", podName+"-istio-proxy")
			assert.Equal(t, "exited "+end.exit+"\ncreated 0\ncreated 0\n", inspected)
		})
	}
}
