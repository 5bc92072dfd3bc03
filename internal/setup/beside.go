package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// What a chart renders to depends on the release, and so does the namespace of its objects,
// by which rules find them. Helm takes neither of these names as it stands.
const (
	release   = "RELEASE"
	namespace = "NAMESPACE"
)

// filledIn says what to write in their places.
const filledIn = "write the name of your release for " + release + ", and its namespace for " + namespace + ": without --namespace, rules for namespaces do not find what a chart renders to"

// templated is the command that prints what a chart renders to.
func templated(chart string) string {
	return fmt.Sprintf("helm template %s %s --namespace %s", release, chart, namespace)
}

// piped has a command of krm-bypass read what a chart renders to.
func piped(chart, command, spec string) string {
	return fmt.Sprintf("%s | krm-bypass %s - --spec %s --namespace %s", templated(chart), command, spec, namespace)
}

// charts are the folders of charts that stand in no other one.
func (f *Folder) charts() (all []string) {
	for _, file := range f.Files {
		if dir := path.Dir(file.Path); path.Base(file.Path) == "Chart.yaml" && !slices.ContainsFunc(all, func(chart string) bool { return isIn(dir, chart) }) {
			all = append(slices.DeleteFunc(all, func(chart string) bool { return isIn(chart, dir) }), dir)
		}
	}
	return all
}

// isIn reports whether a path is that of a folder, or in it.
func isIn(at, folder string) bool {
	return folder == "." || at == folder || strings.HasPrefix(at, folder+"/")
}

// loose are the folders, and the files at the top, with workloads that stand in no chart
// and in no kustomization's folder, and that none lists.
func (f *Folder) loose() (all []string) {
	taken, listed := f.charts(), map[string]bool{}
	for _, file := range f.Files {
		if !kustomization.Is(file.Path) {
			continue
		}
		dir := path.Dir(file.Path)
		taken = append(taken, dir)
		names, _ := kustomization.Names(file.Text) // of one that cannot be read, whoever reads it says so
		for _, name := range names {
			listed[path.Join(dir, name.Path)] = true
		}
	}
	return f.outside(taken, listed)
}

// apart is what to name in the place of the folder where charts stand in it, whose templates
// nothing but Helm reads; nil where none does.
func (f *Folder) apart() []string {
	charts := f.charts()
	if len(charts) == 0 {
		return nil
	}
	return f.outside(charts, nil)
}

// outside are the folders, and the files at the top, with workloads that stand outside of
// some folders and are not listed.
func (f *Folder) outside(taken []string, listed map[string]bool) (all []string) {
	for _, file := range f.Files {
		isTaken := slices.ContainsFunc(taken, func(dir string) bool { return isIn(file.Path, dir) })
		if isTaken || listed[file.Path] || len(f.documents(file, transform.IsKnown)) == 0 {
			continue
		}
		at := file.Path
		isBuilt := func(dir string) bool { _, is := f.kustomizationIn(dir); return is } // who names it has it built
		for dir := path.Dir(at); dir != "." && !isBuilt(dir) && !slices.ContainsFunc(taken, func(t string) bool { return isIn(t, dir) }); dir = path.Dir(dir) {
			at = dir
		}
		all = append(all, at)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// beside says of what no kustomization lists how to render that, so that nobody takes it
// for done.
func (f *Folder) beside(spec string) (left []string) {
	for _, at := range f.loose() {
		left = append(left, fmt.Sprintf("%[1]s is in no kustomization, and stays without rules: to render it, krm-bypass render --in-place %[1]s --spec %[2]s", f.at(at), spec))
	}
	return append(left, f.besideCharts(spec)...)
}

// besideCharts does so of charts.
func (f *Folder) besideCharts(spec string) (left []string) {
	for _, at := range f.charts() {
		left = append(left, fmt.Sprintf("%s is a Helm chart, and stays without rules: to render it, %s", f.at(at), piped(f.at(at), "render", spec)))
	}
	if len(left) > 0 {
		left = append(left, filledIn)
	}
	return left
}

// errIfChartsOnly refuses a folder that holds nothing but charts.
func (f *Folder) errIfChartsOnly() error {
	charts := f.charts()
	if len(charts) == 0 || len(f.loose()) > 0 {
		return nil
	}
	var commands []string
	for _, chart := range charts {
		commands = append(commands, "krm-bypass init "+f.at(chart))
	}
	holds := "the Helm chart"
	if len(charts) > 1 {
		holds = "the Helm charts"
	}
	return fmt.Errorf("%s has no manifests of its own, and holds %s %s: name it, as in %s", f.Path, holds, strings.Join(charts, ", "), strings.Join(commands, ", or "))
}
