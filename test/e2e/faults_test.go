package e2e_test

import (
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// program returns a call of krm-bypass-init.
func program(arguments ...string) *exec.Cmd {
	return exec.Command(lab.Binary(bypassProgram.Name), arguments...)
}

// with calls for the bypass of these tests.
func (b backend) with(command string) *exec.Cmd { return program(b.call(command, bypass...)...) }

// fault is something that goes wrong, or happens again, in a pod of the mesh.
type fault struct {
	name   string
	happen func(*testing.T, *lab.Host, variant)
	// bypasses reports whether the pod bypasses afterwards.
	bypasses bool
}

var faults = []fault{
	{name: "applied-by-many-at-once", bypasses: true, happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		var running sync.WaitGroup
		for range 8 {
			running.Go(func() {
				_, err := pod.Try(mesh.ours.with("apply"))
				assert.NoError(t, err)
			})
		}
		running.Wait()
	}},
	{name: "beside-the-mesh-at-the-same-moment", bypasses: true, happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		applying := make(chan error)
		go func() {
			_, err := pod.Try(mesh.ours.with("apply"))
			applying <- err
		}()
		mesh.Install(t, pod)
		require.NoError(t, <-applying)
	}},
	{name: "the-mesh-applied-its-rules-again", bypasses: true, happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		mesh.ours.apply(t, pod, bypass...)
		mesh.Install(t, pod)
		_, err := pod.Try(mesh.ours.with("verify"))
		assert.NoError(t, err)
	}},
	{name: "flushed-and-applied-again", bypasses: true, happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		mesh.ours.apply(t, pod, bypass...)
		pod.Run(t, mesh.ours.flush...)
		_, err := pod.Try(mesh.ours.with("verify"))
		assert.ErrorContains(t, err, "exit status 1")
		mesh.ours.apply(t, pod, bypass...)
	}},
	{name: "shown-and-loaded-by-hand", bypasses: true, happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		ruleset, err := mesh.ours.with("show").Output()
		require.NoError(t, err)
		for _, load := range mesh.ours.load {
			pod.Feed(t, string(ruleset), load...)
		}
		_, err = pod.Try(mesh.ours.with("verify"))
		assert.NoError(t, err)
	}},
	{name: "without-the-capability-NET_ADMIN", happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		unprivileged := mesh.ours.with("apply")
		unprivileged.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: lab.Application, Gid: lab.Application}}
		_, err := pod.Try(unprivileged)
		assert.ErrorContains(t, err, "exit status 1")
		assert.ErrorContains(t, err, "NET_ADMIN")
	}},
	{name: "in-a-namespace-that-looks-like-a-nodes", happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		pod.Run(t, "iptables", "-t", "mangle", "-N", "KUBE-KUBELET-CANARY")
		_, err := pod.Try(mesh.ours.with("apply"))
		assert.ErrorContains(t, err, "exit status 1")
		assert.ErrorContains(t, err, "hostNetwork")
	}},
	{name: "cleaned", happen: func(t *testing.T, pod *lab.Host, mesh variant) {
		mesh.Install(t, pod)
		mesh.ours.apply(t, pod, bypass...)
		_, err := pod.Try(program("clean"))
		assert.NoError(t, err)
	}},
}

// Whatever happens, a pod bypasses all that it should or nothing at all.
func TestFaults(t *testing.T) {
	for _, mesh := range istioVariants[:3] {
		for _, fault := range faults {
			t.Run(mesh.Name+"/"+fault.name, func(t *testing.T) {
				inside, outside := lab.NewPod(t, mesh.PodHas(lab.IPv4))
				fault.happen(t, inside, mesh)
				pod := inhabit(t, inside, outside, mesh, lab.IPv4)
				history := meshAlone
				if fault.bypasses {
					history = orders[0]
				}
				for _, neighbour := range neighbours {
					neighbour.under(mesh, history, lab.IPv4).run(t, pod)
				}
			})
		}
	}
}
