package setup

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// application is an Application of Argo CD among the files.
type application struct {
	file     yamltext.File
	document stream.Document
	name     string
	// folder is the one that it renders, relative to the folder of init. chart says
	// that it is one.
	folder string
	chart  bool
	// why says why init leaves the Application as it is, "" where it does not.
	why string
}

// Which files change the rendered manifests (argoproj/argo-cd
// util/app/path/path.go, GetAppRefreshPaths).
const refreshPaths = "argocd.argoproj.io/manifest-generate-paths"

func (f *Folder) applications() []application {
	var found []application
	for _, file := range f.Files {
		for _, d := range f.documents(file, func(t object.Type) bool {
			return (t.Kind == "Application" || t.Kind == "ApplicationSet") && object.Group(t.APIVersion) == "argoproj.io"
		}) {
			if document, err := object.Decode(d.Fragment()); err == nil {
				found = append(found, f.application(file, d, node.Of(document)))
			}
		}
	}
	return found
}

func (f *Folder) application(file yamltext.File, d stream.Document, root node.Value) application {
	a := application{file: file, document: d, name: root.Entry("kind").Text() + " " + root.At("metadata", "name").Text()}
	source := root.At("spec", "source")
	where := source.Entry("path").Text()
	inside := false
	a.folder, inside = f.below(where)
	_, a.chart = f.file(path.Join(a.folder, "Chart.yaml"))
	switch plugin := source.At("plugin", "name").Text(); {
	case root.Entry("kind").Text() == "ApplicationSet":
		a.why = "name the plugin in its spec.template.spec.source, as docs/argocd.md says"
	case root.At("spec", "sources").Exists():
		a.why = "it has several sources, and a plugin can render only one"
	case where == "":
		a.why = "its source is no folder of a repository"
	case a.tool(source) != "":
		a.why = fmt.Sprintf("Argo CD refuses a plugin beside spec.source.%s: take that away first; docs/argocd.md says where to write what it says", a.tool(source))
	case source.Entry("plugin").Exists() && plugin == "":
		a.why = fmt.Sprintf("its spec.source.plugin has no name, so Argo CD looks for a plugin that discovers it, and krm-bypass does not: for krm-bypass write name: %s there", a.plugin())
	case plugin != "" && plugin != a.plugin():
		a.why = fmt.Sprintf("the plugin %q renders it", plugin)
	case !inside || !slices.ContainsFunc(f.Files, func(file yamltext.File) bool {
		return a.folder == "." || strings.HasPrefix(file.Path, a.folder+"/")
	}):
		a.why = fmt.Sprintf("the folder %s that it renders is not among these files: name the top of its repository", where)
	}
	return a
}

// tool names what the source says to another tool than a plugin. Argo CD takes one
// (argoproj/argo-cd pkg/apis/application/v1alpha1/types.go, ExplicitType).
func (a application) tool(source node.Value) string {
	for _, tool := range []string{"helm", "kustomize", "directory"} {
		if source.Entry(tool).Exists() {
			return tool
		}
	}
	return ""
}

func (a application) plugin() string {
	if a.chart {
		return "krm-bypass-helm"
	}
	return "krm-bypass"
}

// spec is the spec's file as the Application has to name it: relative to its folder.
func (a application) spec() string {
	relative, err := filepath.Rel(a.folder, SpecFile)
	if err != nil {
		return SpecFile
	}
	return filepath.ToSlash(relative)
}

func (a application) edits(root node.Value) ([]edit.Edit, error) {
	plugin := root.At("spec", "source", "plugin")
	for _, p := range plugin.Entry("parameters").Items() {
		if p.Entry("name").Text() == "spec" {
			return nil, nil
		}
	}
	spec := node.Map(node.Str("name"), node.Str("spec"), node.Str("string"), node.Str(a.spec()))
	parameters := edit.Path{"spec", "source", "plugin", "parameters"}
	edits := []edit.Edit{{Op: edit.Insert, Path: append(slices.Clone(parameters), plugin.Entry("parameters").Len()), Value: spec}}
	if !plugin.Exists() {
		edits = []edit.Edit{{Op: edit.Set, Path: parameters[:3:3], Value: node.Map(node.Str("name"), node.Str(a.plugin()), node.Str("parameters"), node.Seq(spec))}}
	}
	refreshed := root.At("metadata", "annotations", refreshPaths)
	if refreshed.Exists() && !slices.Contains(strings.Split(refreshed.Text(), ";"), a.spec()) {
		edits = append(edits, edit.Edit{Op: edit.Set, Path: edit.Path{"metadata", "annotations", refreshPaths}, Value: node.Str(refreshed.Text() + ";" + a.spec())})
	}
	return edits, nil
}

func (a application) command(f *Folder) string {
	folder, spec := f.at(a.folder), f.at(SpecFile)
	if a.chart {
		return fmt.Sprintf("helm template %s | krm-bypass render - --spec %s", folder, spec)
	}
	return fmt.Sprintf("krm-bypass render %s --spec %s", folder, spec)
}

// plugged names the plugin in all Applications that it can render.
func (f *Folder) plugged() (changes []Change, left []string, err error) {
	texts := map[string][]byte{}
	for _, a := range slices.Backward(f.applications()) { // what comes first in a file keeps its place
		if a.why != "" {
			left = append([]string{fmt.Sprintf("%s:%d: %s is left as it is: %s", f.named(a.file), a.document.Line, a.name, a.why)}, left...)
			continue
		}
		text := a.file
		if changed, there := texts[a.file.Path]; there {
			text.Text = changed
		}
		is, err := f.changed(text, a.document, a.edits)
		if err != nil {
			return nil, nil, err
		}
		if is != nil {
			texts[a.file.Path] = is
		}
	}
	for _, file := range f.Files {
		if is, there := texts[file.Path]; there {
			changes = append(changes, Change{file.Path, file.Text, is})
		}
	}
	return changes, left, nil
}
