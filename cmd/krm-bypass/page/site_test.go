package page_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// emptyTree has no workload.
type emptyTree struct{}

func (emptyTree) Spec() (page.SpecFile, error) {
	return page.SpecFile{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {}\n")}, nil
}
func (emptyTree) See(context.Context, []byte) (*page.Seen, error) {
	return &page.Seen{}, nil
}
func (emptyTree) Changes(context.Context, []byte, []byte) (*page.Changes, error) {
	return &page.Changes{}, nil
}
func (emptyTree) State() string          { return "" }
func (emptyTree) Save(_, _ []byte) error { return page.ErrChanged }

func TestEveryViewIsThere(t *testing.T) {
	site := page.New(emptyTree{}, page.Options{})
	for _, url := range []string{"/", "/workload?of=x", "/connection", "/findings", "/rules", "/rules/edit?of=spec.global", "/effect", "/save", "/assets/page.css", "/assets/page.js"} {
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, url, nil))
		require.Equal(t, http.StatusOK, answer.Code, "%s: %s", url, answer.Body)
	}
}
