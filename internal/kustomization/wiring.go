package kustomization

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/fn/runtime/runtimeutil"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Spec is a file that IsSpec has accepted.
type Spec struct {
	yamltext.File
	// Astray says why the kustomize CLI would not apply it where it stands; nil
	// if it would.
	Astray *Astray
	// Flags are those that kustomize build needs to apply it.
	Flags string
}

// Astray is an entry of a kustomization at which kustomize applies no spec: where
// that is, what kustomize does instead, and what to do about it.
type Astray struct {
	File  string
	Line  int
	Field string
	// Refuses says that kustomize builds nothing at all.
	Refuses bool
	Does    string
	Mend    string
}

// What kustomize build needs to execute a function, and to run one in a container.
const (
	pluginFlags = "--enable-alpha-plugins"
	execFlags   = pluginFlags + " --enable-exec"
)

const annotate = "annotate it with config.kubernetes.io/function, as in \"exec: {path: krm-bypass}\""

// wired gives the specs of an entry, each with what kustomize would do with it.
func (b *builder) wired(l *layer, e *entry) []Spec {
	specs := slices.Clone(e.specs)
	for i := range specs {
		does, mend := "", ""
		if specs[i].Flags = execFlags; e.list == transformersField {
			does, mend = b.asTransformer(l, e, &specs[i])
		} else {
			does, mend = "only takes it for a resource, and lets nothing bypass", "list it under transformers, and "+annotate
		}
		if does != "" {
			specs[i].Astray = &Astray{File: b.name(l.file), Line: b.lineOf(l, e), Field: e.String(), Refuses: strings.HasPrefix(does, "refuses"), Does: does, Mend: mend}
		}
	}
	return specs
}

// asTransformer says what keeps kustomize from applying a spec that is listed under
// transformers; "" if nothing does (kubernetes-sigs/kustomize
// api/internal/plugins/loader/loader.go, loadPlugin; kyaml/runfn/runfn.go, ffp).
func (b *builder) asTransformer(l *layer, e *entry, spec *Spec) (does, mend string) {
	object, err := yaml.Parse(string(spec.Text))
	if err != nil {
		return "", "" // what cannot be read is told by whoever applies it
	}
	called, err := runtimeutil.GetFunctionSpec(object)
	id := resid.FromRNode(object)
	real, _ := filepath.EvalSymlinks(e.path)
	switch {
	case e.path != "" && !e.isFolder && !within(l.dir, real):
		return fmt.Sprintf("refuses it, because %s is outside of %s", b.name(real), b.name(l.dir)), b.folderFor(l, real)
	case object.GetName() == "":
		return "refuses it, because it has no metadata.name", "give it one"
	case twin(l, e, spec, id) != nil && twin(l, e, spec, id).path == e.path && e.path != "":
		return fmt.Sprintf("refuses it, because %s lists it too", twin(l, e, spec, id)), "remove one of the two"
	case twin(l, e, spec, id) != nil:
		return fmt.Sprintf("refuses it, because %s is called %s too", twin(l, e, spec, id), id.Name), "give it another metadata.name"
	case err != nil:
		return fmt.Sprintf("refuses it, because its annotation cannot be read (%v)", err), annotate
	case called == nil:
		return "refuses it, because it has no function annotation", annotate
	case called.Container.Image != "":
		spec.Flags = pluginFlags
		return misnamed(called.Container.Image)
	case called.Exec.Path != "":
		return misnamed(called.Exec.Path)
	}
	return "skips it and says nothing, because its function annotation names neither exec.path nor container.image", annotate
}

// folderFor says how to list a spec that is outside of a kustomization's folder: by a
// folder, which kustomize takes from anywhere but from above.
func (b *builder) folderFor(l *layer, file string) string {
	folder, do := filepath.Dir(file), fmt.Sprintf("put a %s beside it that says \"resources: [%s]\"", konfig.DefaultKustomizationFileName(), filepath.Base(file))
	switch {
	case within(folder, l.dir):
		folder = filepath.Join(folder, "bypass")
		do = fmt.Sprintf("move it into a folder of its own, such as %s, with a %s beside it that says \"resources: [%s]\"", b.name(folder), konfig.DefaultKustomizationFileName(), filepath.Base(file))
	case File(folder) != "":
		do = fmt.Sprintf("list it under resources of %s", b.name(File(folder)))
	}
	relative, err := filepath.Rel(l.dir, folder)
	if err != nil {
		relative = folder
	}
	return fmt.Sprintf("%s, and list that folder here: %q", do, relative)
}

// misnamed tells of a program or an image by whose name nobody would know it for
// this function.
func misnamed(program string) (does, mend string) {
	name, _, _ := strings.Cut(path.Base(program), ":")
	if strings.Contains(name, "bypass") {
		return "", ""
	}
	return fmt.Sprintf("runs %q with it, which by its name is not krm-bypass", program), "name krm-bypass there, or give the program a name with bypass in it"
}

// twin gives the earlier of the transformers of a kustomization that goes by the id
// of a spec: kustomize takes one of a name. It is nil if there is none.
func twin(l *layer, at *entry, spec *Spec, id resid.ResId) *entry {
	for i := range l.entries {
		e := &l.entries[i]
		if e.list != transformersField {
			continue
		}
		for _, other := range e.specs {
			if e == at && bytes.Equal(other.Text, spec.Text) {
				return nil
			}
			if object, err := yaml.Parse(string(other.Text)); err == nil && resid.FromRNode(object).Equals(id) {
				return e
			}
		}
	}
	return nil
}

// lineOf gives the line of an entry in its kustomization, 0 if it is not known.
func (b *builder) lineOf(l *layer, e *entry) int {
	text, err := b.files.load(l.file, true)
	if err != nil {
		return 0
	}
	document, err := node.Parse(text)
	if err != nil {
		return 0
	}
	at := node.Of(document).Entry(e.list)
	if item := at.Item(e.index); item.Exists() {
		at = item
	}
	return at.Line()
}

// note notes a spec that is listed where it is no object, such as a file of a
// ConfigMap.
func (b *builder) note(l *layer, e *entry, text []byte) {
	if specs, _, err := b.specsIn(yamltext.File{Text: text}); err == nil && len(specs) > 0 {
		b.built.Elsewhere = append(b.built.Elsewhere, fmt.Sprintf("%s: %s", b.name(l.file), e))
	}
}

// errIfNobody refuses a spec where there are no resources to give to the function:
// kustomize gives it its own configuration then (kubernetes-sigs/kustomize
// api/internal/plugins/fnplugin/fnplugin.go, invokePlugin), which the function
// refuses.
func (b *builder) errIfNobody(l *layer, e *entry, resources int) error {
	if resources > 0 || b.root.hasLocal() {
		return nil
	}
	mend := fmt.Sprintf("list the spec in a kustomization that has the workloads, or make %s a component (kind: %s) and list it there under %s", b.name(l.dir), types.ComponentKind, componentsField)
	if l.fields.Kind == types.ComponentKind {
		mend = fmt.Sprintf("list %s under %s of a kustomization that has the workloads, behind the components that bring some", b.name(l.dir), componentsField)
	}
	return fmt.Errorf("%s: %s: there are no resources here to apply the spec to, and the kustomize CLI refuses the build: %s", b.name(l.file), e, mend)
}

// errIfNoTransformer refuses a spec where kustomize gives a function no resources,
// or takes nothing from it.
func (e *entry) errIfNoTransformer(at string) error {
	if len(e.specs) == 0 && (e.base == nil || !e.base.hasSpec()) {
		return nil
	}
	switch e.list {
	case "generators":
		return fmt.Errorf("%skustomize gives a function no resources here, so that nothing would bypass: list the spec under %s", at, transformersField)
	case "validators":
		return fmt.Errorf("%skustomize takes no change from a function here, and refuses the build: list the spec under %s", at, transformersField)
	}
	return nil
}
