package kustomization

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// remedies say what to do about errors of kustomize's that do not, by a part of what
// it says (sigs.k8s.io/kustomize/api). %s is the command line of the kustomize CLI.
var remedies = []struct{ said, flags, remedy string }{
	{"unable to load external plugin 'ConfigMap'", "", "if it is for krm-bypass, " + annotate},
	{"unable to load external plugin 'ClusterBypass'", "", "krm-bypass applies a spec as it stands in a file, and not one within a List: list a file under transformers that holds the ClusterBypass itself"},
	{"external plugins disabled", execFlags + " ", "only kustomize's builtin plugins run here, nothing that the repository holds: %s. Without --enable-exec, kustomize skips a function that names a program, and says nothing"},
	{"must specify --enable-helm", "--enable-helm ", "rendering a chart runs helm, and a build here runs nothing: %s"},
	{"; file '", "--load-restrictor LoadRestrictionsNone ", "a file must be below the folder that names it: move it there, or %s"},
	{"already registered id", "", "two resources have this kind, namespace and name: remove one"},
	{"missing Resource metadata", "", "a resource needs apiVersion, kind and metadata.name: add them, or take the file out of resources"},
	{"no matches for Id", "", "no resource has the kind and name that the patch has: correct them"},
	{"invalid map key", "", "a file under resources looks like a template of a Helm chart: render the chart first, as in helm template DIR"},
	{"invalid literal source", "", "write each as key=value"},
}

// told gives kustomize's error in as many words as help, and a remedy.
func (b *builder) told(dir string, err error) error {
	said := err.Error()
	// It tries a file as a folder too, and says that this failed.
	if _, file, both := strings.Cut(said, "accumulation err='"); both {
		if file, _, both = strings.Cut(file, "': must build at directory"); both {
			said = file
		}
	}
	said = strings.TrimPrefix(said, "accumulating resources: ")
	if strings.Contains(said, "no 'git' program on path") {
		return fmt.Errorf("building %s: %s; git is not run, and what is remote is not fetched: put a copy beside the kustomization of %s", b.name(dir), said, strings.Join(b.repositories(), ", "))
	}
	if strings.Contains(said, "no matches for Id") && len(b.built.Elsewhere) > 0 {
		return fmt.Errorf("building %s: %s; %s holds a spec, which is no patch: list it under %s, and %s", b.name(dir), said, strings.Join(b.built.Elsewhere, ", "), transformersField, annotate)
	}
	if at := b.malformed(); at != "" && strings.Contains(said, "yaml: ") {
		return fmt.Errorf("building %s: %s", b.name(dir), at)
	}
	for _, r := range remedies {
		if !strings.Contains(err.Error(), r.said) {
			continue
		}
		if r.flags != "" {
			r.remedy = fmt.Sprintf(r.remedy, b.pipe(r.flags))
		}
		return fmt.Errorf("building %s: %s; %s", b.name(dir), said, r.remedy)
	}
	return fmt.Errorf("building %s: %s", b.name(dir), said)
}

// malformed says where a file that an entry names is no YAML, "" if all are.
func (b *builder) malformed() string {
	for _, dir := range slices.Sorted(maps.Keys(b.layers)) {
		for _, e := range b.layers[dir].entries {
			if e.path == "" || e.isFolder {
				continue
			}
			real, err := filepath.EvalSymlinks(e.path)
			if err != nil {
				continue
			}
			for _, d := range object.Documents(b.files.held[real]) {
				if _, err := object.Decode(d.Fragment()); errors.Is(err, yamltext.ErrSyntax) {
					line, problem := yamltext.Located(err)
					return fmt.Sprintf("%s:%d: reading the document: %s", b.name(e.path), d.Line-1+max(line, 1), problem)
				}
			}
		}
	}
	return ""
}

// pipe is the command line that does what a build here does not.
func (b *builder) pipe(flags string) string {
	if b.built.Listed {
		return fmt.Sprintf("write kustomize build %s %s%s, which runs the function too", execFlags, strings.TrimPrefix(flags, execFlags+" "), b.name(b.top))
	}
	return fmt.Sprintf("write kustomize build %s%s | krm-bypass %s", flags, b.name(b.top), b.into())
}

// into is how krm-bypass takes what another program builds.
func (b *builder) into() string { return cmp.Or(b.options.Into, "render - --spec FILE") }

// unread says why a kustomization cannot be read.
func (b *builder) unread(file string, text []byte, err error) error {
	document, broken := object.Decode(yamltext.Fragment{Text: text})
	if errors.Is(broken, yamltext.ErrSyntax) {
		line, problem := yamltext.Located(broken)
		return fmt.Errorf("reading %s:%d: %s", b.name(file), max(line, 1), problem)
	}
	if found := node.Of(document); found.Exists() && !found.IsMapping() {
		return fmt.Errorf("reading %s: expected fields such as resources, but found %s", b.name(file), found.Describe())
	}
	if _, name, is := strings.Cut(err.Error(), "json: unknown field "); is {
		name = strings.Trim(name, `"`)
		near := cmp.Or(spelling.DidYouMean(name, fields()), "kustomize does not read it: remove it")
		return fmt.Errorf("reading %s: unknown field %q: %s", b.name(file), name, near)
	}
	return fmt.Errorf("reading %s: %w", b.name(file), err)
}

// fields are those of a kustomization.
func fields() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[types.Kustomization]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
