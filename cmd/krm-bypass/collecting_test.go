package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCollectingFollowsTheHeap collects seldom while little is in use, and as usual when
// much is.
func TestCollectingFollowsTheHeap(t *testing.T) {
	becomes := func(want uint64) {
		t.Helper()
		require.Eventually(t, func() bool {
			runtime.GC()
			is := []metrics.Sample{{Name: "/gc/gogc:percent"}}
			metrics.Read(is)
			return is[0].Value.Uint64() == want
		}, 10*time.Second, time.Millisecond)
	}
	collectSeldom()
	becomes(seldom)
	much := make([]byte, smallHeap+1)
	becomes(asUsual)
	runtime.KeepAlive(much)
	becomes(seldom)
}
