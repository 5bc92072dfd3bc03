package interceptor

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// InitContainer is one of a mesh that reads its pod's annotations.
type InitContainer interface {
	Run(pod *lab.Host, annotations map[string]string) error
}

// ByInit is what an init container does in a pod with annotations.
func ByInit(name string, proxy Proxy, init InitContainer, annotations map[string]string) Interceptor {
	return Interceptor{
		Name:      name,
		Proxy:     proxy,
		Annotated: func(annotations map[string]string) Interceptor { return ByInit(name, proxy, init, annotations) },
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			run := func() error { return init.Run(pod, annotations) }
			if only, is := init.(interface{ once() once }); is {
				only.once().do(t, pod, run)
				return
			}
			require.NoError(t, run())
		},
	}
}

// once tells how an init container fails where it ran before.
type once struct {
	backend Backend
	chain   string // of iptables, that it left
	failure string // what its error has in it
}

// do has it run, and fail where it has to.
func (o once) do(t lab.TB, pod *lab.Host, run func() error) {
	t.Helper()
	ran := strings.Contains(pod.Run(t, string(o.backend)+"-save", "-t", "nat"), ":"+o.chain+" ")
	if err := run(); ran {
		require.ErrorContains(t, err, o.failure)
	} else {
		require.NoError(t, err)
	}
}
