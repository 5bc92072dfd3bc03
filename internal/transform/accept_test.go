package transform

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// TestAcceptancesAreFound among very many by whom they may speak of, and by the kind of
// finding.
func TestAcceptancesAreFound(t *testing.T) {
	p := &Policy{}
	accept := func(path string, kind *finding.Kind, m Match) {
		p.Acceptances = append(p.Acceptances, Acceptance{Path: path, Kind: kind, Match: &m})
	}
	accept("first", finding.PodPrivilege, Match{Names: []string{"web"}})
	for i := range 1000 {
		accept("other", finding.PodPrivilege, Match{Names: []string{fmt.Sprint("other-", i)}, Namespaces: []string{"shop"}})
		accept("other", finding.StrictMTLS, Match{Names: []string{"web"}})
	}
	accept("namespace", finding.PodPrivilege, Match{Namespaces: []string{"shop"}})
	accept("elsewhere", finding.PodPrivilege, Match{Namespaces: []string{"bank"}})
	accept("glob", finding.PodPrivilege, Match{Names: []string{"we?"}})
	p.Index()
	paths := func(namespace string) (found []string) {
		for _, a := range p.acceptable(finding.PodPrivilege, "web", namespace) {
			found = append(found, a.Path)
		}
		return found
	}
	assert.Equal(t, []string{"first", "namespace", "glob"}, paths("shop"))
	assert.Equal(t, []string{"first", "namespace", "elsewhere", "glob"}, paths(""), "of an unknown namespace")
	assert.Empty(t, p.acceptable(finding.AutoMTLS, "web", "shop"))
}
