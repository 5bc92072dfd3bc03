package page_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
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

// slowTree is read when somebody closes read.
type slowTree struct {
	*seenTree
	read chan struct{}
}

func (s *slowTree) See(ctx context.Context, text []byte) (*page.Seen, error) {
	select {
	case <-s.read:
		return s.seenTree.See(ctx, text)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// slowChanges are known when somebody closes known.
type slowChanges struct {
	*oneFile
	known chan struct{}
}

func (s *slowChanges) Changes(ctx context.Context, _, _ []byte) (*page.Changes, error) {
	<-s.known
	return &page.Changes{Explanation: report.Explanation{Comparison: &report.Comparison{Changed: 4711}}}, nil
}

// TestWhatAChangeDoesIsAwaited shows a person without a script the whole of it, and the
// script where to ask.
func TestWhatAChangeDoesIsAwaited(t *testing.T) {
	const link = "Show which workloads change"
	tree := &slowChanges{&oneFile{text: shop}, make(chan struct{})}
	b := browse(t, tree, page.Options{})
	r := httptest.NewRequest(http.MethodPost, edit("spec.workloads[0]"), strings.NewReader("reason=mine&do=save"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	b.site.ServeHTTP(answer, r)
	saves := answer.Header().Get("Location")
	for _, at := range []string{saves, strings.Replace(saves, "/save?", "/rules/edit?of=spec.workloads[0]&", 1)} {
		r = httptest.NewRequest(http.MethodGet, at, nil)
		r.Header.Set("Sec-Fetch-Mode", "cors")
		b.ask(r)
		assert.Contains(t, b.says(), link, "the script")
	}
	time.AfterFunc(200*time.Millisecond, func() { close(tree.known) })
	for _, at := range []string{saves, strings.Replace(saves, "/save?", "/rules/edit?of=spec.workloads[0]&", 1)} {
		b.open(at)
		assert.Contains(t, b.says(), "4711")
		assert.NotContains(t, b.says(), link)
		assert.Equal(t, 1, strings.Count(b.body, "<html"))
	}
}

// TestThePageBeginsBeforeTheManifestsAreRead shows a person what goes on, and the script
// nothing but the answer.
func TestThePageBeginsBeforeTheManifestsAreRead(t *testing.T) {
	const waits = "Reading the manifests"
	for _, view := range []struct{ path, title string }{{"/", "Workloads"}, {"/findings", "Findings"}, {"/connection", "Connection"}} {
		t.Run(view.title, func(t *testing.T) {
			tree := &slowTree{see(t, seeSpec, seeManifests), make(chan struct{})}
			server := httptest.NewServer(page.New(tree, page.Options{}))
			defer server.Close()
			answer, err := server.Client().Get(server.URL + view.path)
			require.NoError(t, err)
			defer func() { _ = answer.Body.Close() }()
			var text strings.Builder
			for some := make([]byte, 512); !strings.Contains(text.String(), waits); {
				n, err := answer.Body.Read(some)
				require.NoError(t, err, text.String())
				text.Write(some[:n])
			}
			assert.Contains(t, text.String(), "<title>"+view.title)
			assert.Contains(t, text.String(), `<span class="mesh">Istio</span>`)
			assert.NotContains(t, text.String(), "<h1>")

			close(tree.read)
			_, err = io.Copy(&text, answer.Body)
			require.NoError(t, err)
			b := browse(t, tree, page.Options{})
			b.open(view.path)
			assert.NotContains(t, b.body, waits, "nobody waited")
			whole := regexp.MustCompile(`(?m)^<p class="waiting">.*\n`).ReplaceAllString(text.String(), "")
			assert.Equal(t, b.body, whole)
		})
	}
	t.Run("the script", func(t *testing.T) {
		tree := &slowTree{see(t, seeSpec, seeManifests), make(chan struct{})}
		time.AfterFunc(200*time.Millisecond, func() { close(tree.read) })
		b := browse(t, tree, page.Options{})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Sec-Fetch-Mode", "cors")
		b.ask(r)
		assert.Contains(t, b.body, "<h1>Workloads</h1>")
		assert.NotContains(t, b.body, waits)
	})
}
