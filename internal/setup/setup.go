package setup

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Choice is what the user says.
type Choice struct {
	// Way is the tool, Mesh the mesh; "" finds out. Image is that of the init
	// container, "" for none.
	Way, Mesh, Image string
}

// Plan is what is to be done in a folder.
type Plan struct {
	// Title says what the folder is.
	Title string
	// File is where the spec is, and Spec its text; nil where one is there already,
	// which stays.
	File string
	Spec []byte
	// There is the text of the one that is there already.
	There []byte
	// Lists is a kustomization to be written that lists the spec; without a path where
	// there is none to write.
	Lists yamltext.File
	// Changes are other files with the entry for the spec.
	Changes []Change
	// Left says what is left to the user, Commands what renders the folder, and Suggest
	// what proposes rules for it.
	Left, Commands []string
	Suggest        string
	// More says for what else the commands are, "" for nothing.
	More string
}

// Done reports whether everything is there already.
func (p *Plan) Done() bool { return len(p.New())+len(p.Changes) == 0 }

// New are the files to be written that are not there yet.
func (p *Plan) New() []yamltext.File {
	var all []yamltext.File
	if p.Spec != nil {
		all = append(all, yamltext.File{Path: p.File, Text: p.Spec})
	}
	if p.Lists.Path != "" {
		all = append(all, p.Lists)
	}
	return all
}

// Of plans what is to be done.
func Of(f *Folder, choice Choice) (*Plan, error) {
	w, err := f.wayOf(choice.Way)
	if err != nil {
		return nil, err
	}
	if !imageName.Matches(choice.Image) {
		return nil, fmt.Errorf("--image: %q is not the name of an image: write one such as registry.example.com/mesh/init:v0.1.0", choice.Image)
	}
	plan := &Plan{Title: w.title, File: cmp.Or(w.spec, SpecFile), Commands: w.commands(f), More: w.moreOf(f)}
	plan.Suggest = w.reading(f, "suggest", f.at(plan.File))
	specs := f.specs()
	for _, at := range specs {
		if at != plan.File {
			return nil, fmt.Errorf("%s has a ClusterBypass already, and one is enough: add rules to it, or name a folder without one", path.Join(f.Path, at))
		}
	}
	if len(specs) == 0 {
		if err := f.errIfSpecified(w); err != nil {
			return nil, err
		}
	}
	if there, is := f.file(plan.File); !is {
		var ambient string
		if plan.Spec, ambient, err = f.spec(choice); err != nil {
			return nil, err
		}
		if ambient != "" {
			plan.Left = append(plan.Left, fmt.Sprintf("%s: these pods are in ambient mode, without a sidecar: write dataPlane: Ambient in the rules for them; they take an image of the init container, under enforcement", path.Join(f.Path, ambient)))
		}
	} else if plan.There = there.Text; len(specs) == 0 {
		return nil, fmt.Errorf("%s is there already and holds no ClusterBypass: rename it, init writes over nothing", path.Join(f.Path, there.Path))
	}
	if w.lists != nil {
		plan.Lists = w.lists(f)
	}
	if w.changes != nil {
		var left []string
		plan.Changes, left, err = w.changes(f)
		plan.Left = append(plan.Left, left...)
	}
	if w.beware != nil {
		plan.Left = append(plan.Left, w.beware(f)...)
	}
	return plan, err
}

var imageName = pattern.Of(`^([a-zA-Z0-9][a-zA-Z0-9._/:@-]*)?$`)

// spec writes the spec, and says where pods are in Ambient.
func (f *Folder) spec(choice Choice) (text []byte, ambient string, err error) {
	name, why, err := Mesh(f.Files, choice.Mesh)
	if err != nil {
		return nil, "", err
	}
	enforcement := byAnnotations
	if choice.Image != "" {
		enforcement = fmt.Sprintf(byInitContainer, choice.Image)
	}
	if why == "" && choice.Mesh == "" {
		why = "no file here names a mesh: check this"
	}
	planes := ""
	if ambient = f.ambient(name); ambient != "" {
		planes = fmt.Sprintf(inAmbient, ambient)
	}
	return []byte(spec.Opening("cluster", "krm-bypass") + fmt.Sprintf(body, strings.TrimSuffix(name+" # "+why, " # "), planes) + enforcement), ambient, nil
}

// Mesh finds out which mesh it is, and by what file: "" where the user has chosen, or
// where none speaks of one.
func Mesh(files []yamltext.File, chosen string) (name, why string, err error) {
	if chosen != "" {
		m, known := mesh.ByName(chosen)
		if !known {
			return "", "", fmt.Errorf("--mesh: %s", mesh.Refusal(chosen))
		}
		return m.Name, "", nil
	}
	signs := signs(files)
	switch len(signs) {
	case 0:
		return spec.DefaultMesh, "", nil
	case 1:
		return signs[0].Mesh.Name, fmt.Sprintf("as %s:%d says", signs[0].File, signs[0].Line), nil
	}
	var said, names []string
	for _, s := range signs {
		said = append(said, fmt.Sprintf("%s:%d of %s", s.File, s.Line, s.Mesh.Name))
		names = append(names, s.Mesh.Name)
	}
	return "", "", fmt.Errorf("the files speak of %d meshes (%s): choose with --mesh %s; each mesh needs a specification of its own (docs/running.md, Several specifications)",
		len(signs), strings.Join(said, ", "), strings.Join(names, " or --mesh "))
}

// Lines that begin with a small letter, or with "- ", are rules without their comment
// mark.
const body = `  mesh: %s
  # What more than one scope says adds up. With Override the narrower one replaces it.
  merge: Union
%s
  # Uncomment what you need. Each rule says why it is there.
  # Every workload in the mesh:
  # global:
  #   reason: Prometheus is outside the mesh and scrapes this port.
  #   excludeInboundPorts: [9090]

  # All workloads of some namespaces:
  # namespaces:
  # - match: {names: [shop, "team-*"]}
  #   reason: The database speaks first, and TLS of its own.
  #   excludeOutboundPorts: [3306]

  # Single workloads:
  # workloads:
  # - match:
  #     kinds: [Deployment]
  #     names: [webhook]
  #     namespaces: [platform]
  #   reason: The API server calls it, and has no sidecar.
  #   excludeInboundPorts: [8443]

`

const inAmbient = `
  # Pods in ambient mode, as %s has them: say so in each rule for them, and put an image below.
  #   dataPlane: Ambient
`

// The mode stands last: what is added behind it comes behind all of this.
const byAnnotations = `  # The annotations of the mesh carry the rules. With an image, krm-bypass also puts an
  # init container into each pod, which holds the rules in the kernel, and can do what
  # annotations cannot say. make push REGISTRY=... in the repository of krm-bypass builds
  # one, and prints the line to put here.
  enforcement:
    # image: registry.example.com/mesh/init:v0.1.0
    # mode: InitContainer # in place of the next line
    mode: AnnotationsOnly
`

const byInitContainer = `  # An init container holds the rules in each pod, beside the annotations of the mesh.
  enforcement:
    image: %s
`
