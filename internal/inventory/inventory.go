package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Inventory is what was found.
type Inventory struct {
	// Mesh is whose settings they are.
	Mesh *mesh.Mesh
	// Warnings tell what is not imported, and why.
	Warnings Problems

	spec []byte
	// takes are the annotations that are in the spec now.
	takes []annotated
	// adopts are the workloads of which some are, and templates the annotations of all pod
	// templates.
	adopts    []*workload
	templates map[string]map[string]string
	uses      map[string]transform.Use
	all       []*document
	files     []File
}

// TakeMade finds the bypass settings in the files. made gives for those that kustomize
// made, by their paths, from which file it made each document. named is the mesh to which
// the settings belong; "" to find it out from the files. uses are what kustomizations make
// of the files, by their paths. The error is Problems where something is in the way, all of
// it at once; the Inventory then has only the warnings.
func TakeMade(files []File, made map[string]func(document int) *pass.Source, named string, uses map[string]transform.Use) (*Inventory, error) {
	s := &survey{uses: uses, made: made, templates: map[string]map[string]string{}, configMaps: map[[2]string]bool{}}
	for _, f := range files {
		for _, d := range s.documents(f) {
			s.look(d)
		}
	}
	if s.running > 0 {
		s.warn(Problem{File: s.runningIn, Message: fmt.Sprintf("%d objects from a cluster are not read: controllers made them, or a mesh's injector wrote into them", s.running)})
	}
	s.withoutFirst()
	s.overridden()
	s.elsewhere()
	m, err := s.choose(named)
	if err != nil {
		s.unread()
		s.unimportable()
	}
	s.warnings = append(s.warnings, s.beside...)
	if err != nil {
		return s.warned(), append(s.problems, Problem{Message: err.Error()}).inOrder()
	}
	s.mesh, s.policy = m, &transform.Policy{Mesh: m}
	defaults, from := s.configured()
	s.common(s.policy)
	s.judge()
	if len(s.problems) == 0 {
		s.agree()
		s.target(defaults)
		s.unite()
	}
	if len(s.problems) > 0 {
		return s.warned(), s.problems.inOrder()
	}
	a := s.arrange()
	a.defaults = rule{layer: s.defaults, from: distinct(from)}
	s.verify(a)
	if len(s.problems) > 0 {
		return s.warned(), s.problems.inOrder()
	}
	told := s.warnings.inOrder()
	return &Inventory{Mesh: m, Warnings: told, spec: a.render(told), takes: s.takings(), adopts: s.adoptable(), templates: s.templates, uses: uses, all: s.all, files: files}, nil
}

// warned is an Inventory of warnings alone.
func (s *survey) warned() *Inventory { return &Inventory{Warnings: s.warnings.inOrder()} }

// Spec is the ClusterBypass, as YAML with comments that say where each rule
// comes from.
func (i *Inventory) Spec() []byte { return i.spec }

// survey is what is known of the files so far.
type survey struct {
	problems, warnings Problems
	uses               map[string]transform.Use
	made               map[string]func(document int) *pass.Source
	// running counts what was read from a cluster and nobody wrote, in its first file.
	running   int
	runningIn string
	// beside tells of annotations that are not imported for where they stand.
	beside Problems

	all        []*document
	stated     []statement
	workloads  []*workload
	namespaces []*namespace
	// others are objects that may say something for many pods.
	others []resource
	// releases are the HelmReleases, and configMaps the ConfigMaps by namespace and name.
	releases   []resource
	configMaps map[[2]string]bool
	// scoped are namespaces of which the mesh's own configuration speaks.
	scoped []*namespace

	// templates are the annotations of all pod templates as they are.
	templates map[string]map[string]string
	// planes are the Namespaces that put their pods into another data plane than Sidecar.
	planes []*namespace
	// policy knows the kinds and the mesh, and of rules those for these.
	policy *transform.Policy
	mesh   *mesh.Mesh
	// raw is what the mesh's own configuration says; defaults is the same by
	// the decision of traffic.Settings, without what says nothing.
	raw, defaults traffic.Layer
}

func (s *survey) fail(p Problem) { s.problems = append(s.problems, p) }
func (s *survey) warn(p Problem) { s.warnings = append(s.warnings, p) }

// look notes what a document holds.
func (s *survey) look(d *document) {
	s.all = append(s.all, d)
	object.Each(d.text.Nodes, func(object.Type) bool { return false }, func(one object.Object) {
		metadata := one.Entry("metadata")
		o := resource{one, d, object.Group(one.APIVersion), metadata.Entry("namespace").Text(), metadata.Entry("name").Text()}
		before := len(s.stated)
		s.statements(o)
		if why := d.isPatch(); why != "" && len(s.stated) > before {
			s.stated = s.stated[:before+1] // of one object it is told once
			s.stated[before].why = why
		}
		s.lookBeside(o)
		if slices.ContainsFunc(mesh.All(), func(m *mesh.Mesh) bool { may, _ := m.MayBeCommon(o.group, o.Kind); return may }) {
			s.others = append(s.others, o)
		}
		if o.Kind == "Namespace" && o.group == "" {
			s.namespaces = append(s.namespaces, &namespace{resource: o, annotated: annotatedAt(d, o.id(), o.path("metadata", "annotations"), o.Below("metadata", "annotations").Strings())})
		}
		if o.Kind == "ClusterBypass" {
			s.warn(d.problem(o.id(), o.path("kind"), "this file holds a ClusterBypass already, which import does not read: merge the two by hand"))
		}
	})
	kinds := &transform.Policy{Mesh: &mesh.Mesh{}}
	workloads, problems := kinds.Workloads(transform.Document{Nodes: d.text.Nodes, Source: d.text.Source, Line: d.line})
	for _, err := range problems {
		s.malformed(d, err)
	}
	for _, w := range workloads {
		if isRunning(d, w) {
			s.running++
			s.runningIn = cmp.Or(s.runningIn, d.file)
			continue
		}
		w.Use = d.use
		one := &workload{Workload: w, annotated: annotatedAt(d, w.ID(), w.TemplatePath("metadata", "annotations"), w.TemplateAnnotations)}
		one.makes = w.Makes
		s.templates[templateOf(w)] = w.TemplateAnnotations
		one.beneath = one.annotations
		one.beneath.path, one.beneath.values = w.Beneath()
		s.workloads = append(s.workloads, one)
	}
}

// evidence gives the files in which each mesh's settings are, each once, sorted.
func (s *survey) evidence() map[*mesh.Mesh][]string {
	seen := map[*mesh.Mesh][]string{}
	for _, st := range s.stated {
		if st.why != "" {
			continue
		}
		seen[st.mesh] = append(seen[st.mesh], st.in.file)
	}
	for _, m := range mesh.All() {
		for _, w := range s.workloads {
			if len(w.read(m)) > 0 || len(w.beneath.read(m)) > 0 {
				seen[m] = append(seen[m], w.in.file)
			}
		}
		for _, n := range s.namespaces {
			if m.NamespaceKeys != "" && len(n.read(m)) > 0 || n.places(m) {
				seen[m] = append(seen[m], n.in.file)
			}
		}
		seen[m] = distinct(seen[m])
	}
	return seen
}

// choose finds the mesh whose settings are there.
func (s *survey) choose(named string) (*mesh.Mesh, error) {
	evidence := s.evidence()
	found := slices.DeleteFunc(slices.Clone(mesh.All()), func(m *mesh.Mesh) bool { return len(evidence[m]) == 0 })
	others := ""
	if len(found) > 0 {
		others = " (the files hold settings of " + strings.Join(each.As(found, func(m *mesh.Mesh) string { return m.Name + " in " + listed(evidence[m]) }), ", of ") + ")"
	}
	switch {
	case named != "":
		m, known := mesh.ByName(named)
		if !known {
			return nil, fmt.Errorf("--mesh: %s", mesh.Refusal(named))
		}
		if len(evidence[m]) == 0 {
			return nil, fmt.Errorf("nothing to import: none of the files has a setting that bypasses the sidecars of %s%s", m.Name, others)
		}
		for _, other := range found {
			files, hold := evidence[other], "hold"
			if len(files) == 1 {
				hold = "holds"
			}
			if other != m {
				s.warn(Problem{File: files[0], Message: fmt.Sprintf("%s %s settings of %s, which are not imported: run it again with --mesh %s", listed(files), hold, other.Name, other.Name)})
			}
		}
		return m, nil
	case len(found) == 0:
		return nil, errors.New("nothing to import: none of the files has a setting that bypasses the sidecars of a mesh")
	case len(found) == 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("the files hold settings of several meshes%s: say with --mesh which to import", others)
}

// listed names files, not too many of them.
func listed(files []string) string {
	const most = 3
	if len(files) <= most {
		return strings.Join(files, ", ")
	}
	return fmt.Sprintf("%s and %d more files", strings.Join(files[:most], ", "), len(files)-most)
}

// distinct gives each text once, sorted.
func distinct(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}
