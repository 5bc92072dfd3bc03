package page_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// TestTooManyPagesWatch opens events until no more are given, and one again after one
// was closed.
func TestTooManyPagesWatch(t *testing.T) {
	server := httptest.NewServer(page.New(emptyTree{}, page.Options{}))
	t.Cleanup(server.Close) // after those who watch
	watch := func() (int, context.CancelFunc) {
		ctx, stop := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer.StatusCode, stop
	}
	var last context.CancelFunc
	for range 32 {
		status, stop := watch()
		require.Equal(t, http.StatusOK, status)
		t.Cleanup(stop)
		last = stop
	}
	status, stop := watch()
	stop()
	require.Equal(t, http.StatusServiceUnavailable, status)
	last()
	require.Eventually(t, func() bool {
		status, stop := watch()
		defer stop()
		return status == http.StatusOK
	}, 5e9, 5e7)
}
