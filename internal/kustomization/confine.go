package kustomization

import (
	"fmt"
	"net/http"
	"os"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
)

// confine takes away what kustomize would leave the machine's files by: it
// clones with the git in PATH, and fetches by HTTP with the default transport
// (api/internal/git/gitrunner.go, api/internal/loader/fileloader.go). Neither
// can be given to it. normal leaves nothing that would need them; this holds where
// normal is wrong.
func confine() (restore func()) {
	path, given := os.LookupEnv("PATH")
	transport := http.DefaultTransport
	_ = os.Setenv("PATH", "") // fails for names that are none alone
	http.DefaultTransport = refusal{}
	return func() {
		http.DefaultTransport = transport
		if given {
			_ = os.Setenv("PATH", path)
		} else {
			_ = os.Unsetenv("PATH")
		}
	}
}

type refusal struct{}

func (refusal) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s is remote, and what is remote is not fetched: put a copy of it beside the kustomization", r.URL)
}

// repositories names the entries that kustomize takes for repositories to clone,
// in the kustomizations that it has read.
func (b *builder) repositories() []string {
	var all []string
	for _, file := range b.files.read {
		var k types.Kustomization
		text, err := b.files.ReadFile(file)
		if err != nil || k.Unmarshal(text) != nil {
			continue
		}
		for _, e := range entries(&k) {
			if (&resource.Origin{}).Append(e.value).Repo != "" {
				all = append(all, fmt.Sprintf("%s: %s: %s", b.name(file), e, quoted(e.value)))
			}
		}
	}
	return all
}
