package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Change is a file and the text with the entry in it.
type Change struct {
	Path    string
	Was, Is []byte
}

// way is a tool that renders folders.
type way struct {
	// name is what a user chooses it by, title what the folder is then.
	name, title string
	// spec is where the spec goes; "" for SpecFile.
	spec string
	// isLast says that the folder is only taken for it where it has no tool's file itself.
	isLast bool
	// is reports whether the folder has the tool's file.
	is func(*Folder) bool
	// changes gives files with the entry for the spec, and what could not be done.
	changes func(*Folder) ([]Change, []string, error)
	// lists gives a kustomization that lists the spec and is still to be written.
	lists func(*Folder) yamltext.File
	// reads has a command of krm-bypass read the manifests, where they do not stand in files.
	reads func(f *Folder, command, spec string) string
	// deployed is what to name in the folder's place, where that is not deployed itself.
	deployed func(*Folder) string
	// commands render the folder, and beware is what a user should know.
	commands func(*Folder) []string
	beware   func(*Folder) []string
	// more counts what the commands leave out.
	more func(*Folder) int
}

// ways are those that init knows. A plain folder is what is left.
var ways = []way{
	{
		name: "kustomize", title: "a kustomization",
		is: func(f *Folder) bool { _, is := f.kustomization(); return is },
		changes: func(f *Folder) ([]Change, []string, error) {
			file, _ := f.kustomization()
			if f.isShared(file) {
				return nil, nil, fmt.Errorf("%s lists %s as a resource, for other kustomizations to list its folder: name the folder that holds those, as in krm-bypass init %s", f.named(file), SpecFile, f.at(".."))
			}
			changes, _, err := f.added(file, entry{list: []any{"transformers"}, item: SpecFile, what: "a list of files"})
			return changes, f.uncalled(SpecFile), err
		},
		commands: func(f *Folder) []string {
			return []string{"krm-bypass render " + f.Shown(f.Path), "kustomize build --enable-alpha-plugins --enable-exec " + f.Shown(f.Path)}
		},
	},
	{
		name: "kpt", title: "a kpt package",
		is: func(f *Folder) bool { _, is := f.file("Kptfile"); return is },
		changes: func(f *Folder) ([]Change, []string, error) {
			file, _ := f.file("Kptfile")
			return f.added(file, entry{list: []any{"pipeline", "mutators"}, key: "configPath", item: SpecFile, beside: [][2]string{{"exec", "krm-bypass"}}, what: "a list of functions"})
		},
		commands: func(f *Folder) []string { return []string{"kpt fn render --allow-exec " + f.Shown(f.Path)} },
	},
	{
		name: "helm", title: "a Helm chart",
		is:    func(f *Folder) bool { _, is := f.file("Chart.yaml"); return is },
		reads: func(f *Folder, command, spec string) string { return piped(f.Shown(f.Path), command, spec) },
		commands: func(f *Folder) []string {
			return []string{piped(f.Shown(f.Path), "render", f.at(SpecFile))}
		},
		beware: func(*Folder) []string { return []string{filledIn} },
	},
	{
		name: "argocd", title: "a folder of Argo CD Applications",
		is:      func(f *Folder) bool { return len(f.applications()) > 0 },
		changes: func(f *Folder) ([]Change, []string, error) { return f.plugged() },
		commands: func(f *Folder) []string {
			var commands []string
			for _, a := range f.applications() {
				if a.why == "" {
					commands = append(commands, a.command(f))
				}
			}
			return slices.Compact(commands)
		},
	},
	{
		name: "overlays", title: "a folder of several kustomizations",
		spec: SharedSpec, isLast: true,
		is:      func(f *Folder) bool { return len(f.kustomizations()) > 1 },
		lists:   func(f *Folder) yamltext.File { return f.listing() },
		changes: func(f *Folder) ([]Change, []string, error) { return f.shared() },
		deployed: func(f *Folder) string {
			return strings.Join(each.As(slices.Concat(f.kustomizations(), f.loose()), f.at), " ")
		},
		commands: func(f *Folder) []string {
			var commands []string
			for _, call := range []string{"krm-bypass render ", "kustomize build --enable-alpha-plugins --enable-exec "} {
				for _, dir := range f.kustomizations()[:len(f.kustomizations())-f.unnamed()] {
					commands = append(commands, call+f.at(dir))
				}
			}
			return commands
		},
		beware: func(f *Folder) []string { return f.beside(f.at(SharedSpec)) },
		more:   (*Folder).unnamed,
	},
	{
		name: "folder", title: "a folder of manifests", isLast: true,
		is: func(*Folder) bool { return true },
		deployed: func(f *Folder) string {
			if apart := f.apart(); len(apart) > 0 {
				return strings.Join(each.As(apart, f.at), " ")
			}
			return f.Shown(f.Path)
		},
		commands: func(f *Folder) []string {
			what := f.Shown(f.Path)
			if apart := f.apart(); len(apart) > 0 {
				what = strings.Join(each.As(apart, f.at), " ") + " --spec " + f.at(SpecFile)
			}
			return []string{"krm-bypass render --diff " + what, "krm-bypass render --in-place " + what}
		},
		beware: func(f *Folder) []string {
			return append(f.besideCharts(f.at(SpecFile)), fmt.Sprintf("an API server knows no ClusterBypass: where all of the folder is applied, as by kubectl apply -f %[1]s, move %[2]s out of it and add --spec to the commands below, as in krm-bypass render --in-place %[1]s --spec FOLDER/%[2]s", f.Shown(f.Path), SpecFile))
		},
	},
}

// mostNamed is for how many kustomizations commands are printed.
const mostNamed = 3

// unnamed counts the kustomizations for which none are printed.
func (f *Folder) unnamed() int { return max(0, len(f.kustomizations())-mostNamed) }

func (w way) moreOf(f *Folder) string {
	if w.more == nil || w.more(f) == 0 {
		return ""
	}
	return fmt.Sprintf("the same for the kustomizations that are not named here: %d", w.more(f))
}

// Ways are the names by which a user chooses.
func Ways() []string {
	return each.As(ways, way.named)
}

// kustomization is the file of the kustomization that the folder is.
func (f *Folder) kustomization() (yamltext.File, bool) {
	return f.kustomizationIn(".")
}

func (f *Folder) kustomizationFiles() []string {
	var names []string
	for _, file := range f.Files {
		if slices.Contains(kustomization.FileNames(), file.Path) {
			names = append(names, file.Path)
		}
	}
	return names
}

// reading is a command of krm-bypass that reads the manifests.
func (w way) reading(f *Folder, command, spec string) string {
	if w.reads != nil {
		return w.reads(f, command, spec)
	}
	named := f.Shown(f.Path)
	if w.deployed != nil {
		named = w.deployed(f)
	}
	return fmt.Sprintf("krm-bypass %s %s --spec %s", command, named, spec)
}

// wayOf finds out which tool renders the folder. By name it is the one that the user
// chose.
func (f *Folder) wayOf(name string) (way, error) {
	var found []way
	for _, w := range ways {
		switch {
		case w.name == name && w.is(f):
			return w, nil
		case w.name == name:
			return way{}, fmt.Errorf("--for %s: %s is no such folder: it is %s", name, f.Path, f.title())
		case name == "" && w.is(f) && !w.isLast:
			found = append(found, w)
		}
	}
	if names := f.kustomizationFiles(); len(names) > 1 {
		return way{}, fmt.Errorf("%s holds several kustomizations, of which kustomize reads none: keep one of %s", f.Path, strings.Join(names, " and "))
	}
	below := f.kustomizations()
	switch {
	case name != "":
		return way{}, fmt.Errorf("--for %s: write one of %s", name, strings.Join(Ways(), ", "))
	case len(found) > 1 && !within(found):
		return way{}, fmt.Errorf("%s is %s: choose with --for %s", f.Path, strings.Join(each.As(found, way.titled), " and "), strings.Join(each.As(found, way.named), " or --for "))
	case len(found) > 0:
		return found[0], nil
	case len(below) == 1:
		return way{}, fmt.Errorf("%s has no kustomization of its own, and holds that of %s: name it, as in %s; for a folder whose files are applied as they are: --for folder",
			f.Path, below[0], "krm-bypass init "+f.at(below[0]))
	}
	if len(below) == 0 {
		if err := f.errIfChartsOnly(); err != nil {
			return way{}, err
		}
	}
	return ways[slices.IndexFunc(ways, func(w way) bool { return w.isLast && w.is(f) })], nil
}

// within reports whether the first way is a tool's own folder and the rest are
// Applications that stand in it, which say nothing of the folder.
func within(found []way) bool {
	return len(found) == 2 && found[1].name == "argocd"
}

// title says what the folder is, for who chose otherwise.
func (f *Folder) title() string {
	for _, w := range ways {
		if w.is(f) {
			return w.title
		}
	}
	return ""
}

func (w way) named() string { return w.name }

func (w way) titled() string { return w.title }

// below gives a path of the repository as one relative to the folder.
func (f *Folder) below(repository string) (string, bool) {
	if f.Below == "." {
		return path.Clean(repository), true
	}
	rest, is := strings.CutPrefix(path.Clean(repository)+"/", f.Below+"/")
	return path.Clean(rest), is
}
