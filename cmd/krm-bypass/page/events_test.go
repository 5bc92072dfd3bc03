package page_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// watchedTree has a state.
type watchedTree struct{ emptyTree }

func (watchedTree) State() string { return "7" }

// watchers open /events of a site.
func watchers(t *testing.T) (watch func(lastEvent string) (lines *bufio.Scanner, stop context.CancelFunc)) {
	server := httptest.NewServer(page.New(watchedTree{}, page.Options{}))
	t.Cleanup(server.Close) // after those who watch
	return func(lastEvent string) (*bufio.Scanner, context.CancelFunc) {
		ctx, stop := context.WithCancel(t.Context())
		t.Cleanup(stop)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events?since=old", nil)
		require.NoError(t, err)
		if lastEvent != "" {
			r.Header.Set("Last-Event-ID", lastEvent)
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		require.Equal(t, http.StatusOK, answer.StatusCode)
		lines := bufio.NewScanner(answer.Body)
		require.True(t, lines.Scan())
		require.Equal(t, "retry: 2000", lines.Text(), "when to come again")
		return lines, stop
	}
}

// TestManyPagesWatch has pages take turns: each is told what it missed.
func TestManyPagesWatch(t *testing.T) {
	watch := watchers(t)
	first, _ := watch("")
	var told []string
	for len(told) < 4 {
		require.True(t, first.Scan())
		told = append(told, first.Text())
	}
	assert.Equal(t, []string{"", "event: changed", "id: 7", "data: 7"}, told)
	for range 20 {
		watch("")
	}
	for first.Scan() {
	}
	require.NoError(t, first.Err(), "the answer ends as one that is whole")

	again, stop := watch("7")
	stop()
	for again.Scan() {
		assert.Empty(t, again.Text(), "nothing has changed since")
	}
}
