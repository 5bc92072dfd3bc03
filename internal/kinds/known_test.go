package kinds_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
)

// own are the groups of Kubernetes itself, whose kinds need no source.
var own = []string{"", "apps", "batch"}

var (
	repository = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	commit     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	lines      = regexp.MustCompile(`^([1-9][0-9]*)-([1-9][0-9]*)$`)
)

// TestKnown holds each row of the table to what the fields of a row mean.
func TestKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kinds.Known() {
		t.Run(k.Kind+"."+k.Group, func(t *testing.T) {
			assert.False(t, seen[k.Group+"/"+k.Kind], "it stands there twice")
			seen[k.Group+"/"+k.Kind] = true
			assert.Equal(t, k.Left == "", len(k.Templates) > 0, "templates, or why there are none")
			var places []string
			for _, template := range k.Templates {
				for _, problem := range wrong(template) {
					t.Errorf("%s: %s", template.Place(), problem)
				}
				assert.NotContains(t, places, template.Place().String())
				places = append(places, template.Place().String())
			}
			assert.Equal(t, plural(k.Kind), served(k))
			found, is := kinds.Find(k.Group, k.Kind)
			assert.True(t, is, "Find takes its group for one of Kubernetes' own")
			assert.Equal(t, k.FullName(), found.FullName())
			assert.True(t, len(k.Sources) > 0 || slices.Contains(own, k.Group), "nobody says where it was read")
			for _, s := range k.Sources {
				for _, problem := range incomplete(s) {
					t.Errorf("source %q: %s", s.Says, problem)
				}
			}
		})
	}
}

// wrong lists what of a template contradicts itself.
func wrong(t kinds.Template) (problems []string) {
	complain := func(is bool, problem string) {
		if is {
			problems = append(problems, problem)
		}
	}
	from := t.Path
	if t.Annotations != nil {
		from = t.Annotations
	}
	for name, path := range map[string]kinds.Path{"path": t.Path, "annotations": t.Annotations, "initContainers": t.InitContainers, "pullSecrets": t.PullSecrets, "needs": t.Needs, "over": t.Over} {
		if len(path) == 0 {
			continue
		}
		read, err := kinds.ParsePath(path.String())
		complain(err != nil || !slices.Equal(read, path), name+" is not read as it is written")
	}
	complain(t.Path != nil && t.Annotations != nil, "a whole template has its annotations")
	complain(t.InitContainers != nil && t.Annotations == nil, "init containers of their own without annotations of their own")
	complain(t.PullSecrets != nil && t.InitContainers == nil, "nothing of ours is pulled")
	complain(len(t.Needs) > len(from) || !slices.Equal(t.Needs, from[:len(t.Needs)]), "needs is no beginning of the path")
	complain(t.Create && t.Needs == nil, "what is absent is made, but from where on")
	if t.Create && t.Needs != nil {
		complain(slices.ContainsFunc(from[min(len(t.Needs), len(from)):], kinds.Step.Many), "an item of a list that is not there cannot be made")
	}
	if t.InitContainers != nil {
		last := func(p kinds.Path) int {
			for i := len(p) - 1; i >= 0; i-- {
				if p[i].Many() {
					return i + 1
				}
			}
			return 0
		}
		complain(!slices.Equal(from[:last(from)], t.InitContainers[:last(t.InitContainers)]), "annotations and init containers stand in different lists")
	}
	return problems
}

// incomplete lists what a reader of a source would miss.
func incomplete(s kinds.Source) (problems []string) {
	complain := func(is bool, problem string) {
		if is {
			problems = append(problems, problem)
		}
	}
	complain(!repository.MatchString(s.Repository()), fmt.Sprintf("%q is no owner/name", s.Repository()))
	complain(!commit.MatchString(s.Commit()), fmt.Sprintf("%q is no whole commit", s.Commit()))
	complain(s.Path == "" || strings.HasPrefix(s.Path, "/"), fmt.Sprintf("%q is no path in a repository", s.Path))
	complain(s.Says == "" || strings.HasSuffix(s.Says, "."), "it says nothing, or ends with a stop, which the page adds")
	found := lines.FindStringSubmatch(s.Lines)
	if found == nil {
		return append(problems, fmt.Sprintf("%q are no lines: first-last", s.Lines))
	}
	var first, last int
	_, _ = fmt.Sscanf(s.Lines, "%d-%d", &first, &last)
	complain(first > last, fmt.Sprintf("%s ends before it begins", s.Lines))
	return problems
}

func served(k kinds.Kind) string {
	if k.Plural != "" {
		return k.Plural
	}
	return strings.ToLower(k.Kind) + "s"
}

// unlike are the plurals that follow no rule (the CRDs' spec.names.plural).
var unlike = map[string]string{
	"EventBus": "eventbus", "Jenkins": "jenkins", "MongoDBCommunity": "mongodbcommunity", "Redis": "redis",
}

// plural gives what the generators of CRDs make of a kind's name, which is how an English
// plural is made.
func plural(kind string) string {
	if is, has := unlike[kind]; has {
		return is
	}
	name := strings.ToLower(kind)
	end := len(name) - 1
	switch {
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"), strings.HasSuffix(name, "sh"):
		return name + "es"
	case name[end] == 'y' && !strings.ContainsRune("aeiou", rune(name[end-1])):
		return name[:end] + "ies"
	}
	return name + "s"
}

// TestWrong shows that the rules of TestKnown can be broken.
func TestWrong(t *testing.T) {
	at := func(text string) kinds.Path {
		path, err := kinds.ParsePath(text)
		assert.NoError(t, err)
		return path
	}
	for problem, template := range map[string]kinds.Template{
		"a whole template has its annotations":                          {Path: at("spec.template"), Annotations: at("spec.annotations")},
		"init containers of their own without annotations of their own": {Path: at("spec.template"), InitContainers: at("spec.initContainers")},
		"nothing of ours is pulled":                                     {Annotations: at("spec.annotations"), PullSecrets: at("spec.imagePullSecrets")},
		"needs is no beginning of the path":                             {Path: at("spec.template"), Needs: at("template")},
		"what is absent is made, but from where on":                     {Annotations: at("spec.annotations"), Create: true},
		"an item of a list that is not there cannot be made":            {Annotations: at("spec.sets[*].annotations"), Create: true, Needs: at("spec.sets")},
		"annotations and init containers stand in different lists":      {Annotations: at("spec.sets[*].annotations"), InitContainers: at("spec.others[*].initContainers")},
		"path is not read as it is written":                             {Path: kinds.Path{{Key: "a.b"}}},
	} {
		assert.Equal(t, []string{problem}, wrong(template))
	}
	assert.Empty(t, wrong(kinds.Template{Annotations: at("spec.sets[*].annotations"), InitContainers: at("spec.sets[*].initContainers"), Create: true, Needs: at("spec.sets[*]")}))
	whole := kinds.Source{Checkout: kinds.Checkout("owner/name@" + strings.Repeat("a0", 20)), Path: "a/b.go", Lines: "3-4", Says: "says"}
	assert.Empty(t, incomplete(whole))
	for _, spoil := range []func(*kinds.Source){
		func(s *kinds.Source) { s.Checkout = "https://github.com/" + s.Checkout },
		func(s *kinds.Source) { s.Path = "" },
		func(s *kinds.Source) { s.Checkout = "owner/name@main" },
		func(s *kinds.Source) { s.Lines = "34" },
		func(s *kinds.Source) { s.Lines = "9-4" },
		func(s *kinds.Source) { s.Says = "" },
	} {
		broken := whole
		spoil(&broken)
		assert.Len(t, incomplete(broken), 1)
	}
}
