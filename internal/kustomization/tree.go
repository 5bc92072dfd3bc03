package kustomization

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// layer is a kustomization of the tree: the root, a base or a component.
type layer struct {
	// dir is its folder, absolute and without links, file its kustomization file.
	dir, file string
	// fields is what it says, in its normal form; entries is what it loads.
	fields  types.Kustomization
	entries []entry
	// transformers are its entries as kustomize is to read them from now on, in the
	// order in which it runs them, "" for one that is taken out.
	transformers []string
	// patches are what specs among the transformers come to, by their turn and by
	// the resource that is patched.
	patches  map[int]map[string]string
	prepared bool
	// made are the specs that it comes to, once somebody has asked for them.
	made []Spec
	cost
}

// read reads the kustomization of a folder and of all folders that it names,
// each once. way leads to it from the root, and by is the entry that names it.
func (b *builder) read(dir, by string, way []*layer) (*layer, error) {
	// kustomize reads from there what the kustomization names.
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if err := b.errIfCycle(dir, way); err != nil {
		return nil, fmt.Errorf("%s%w", by, err)
	}
	if known := b.layers[dir]; known != nil {
		return known, nil
	}
	l := &layer{dir: dir, patches: map[int]map[string]string{}}
	if l.file, err = b.fileIn(dir); err != nil {
		return nil, fmt.Errorf("%s%w", by, err)
	}
	text, err := b.files.load(l.file, true)
	if err == nil {
		err = l.fields.Unmarshal(text)
	}
	if err != nil {
		return nil, b.unread(l.file, text, err)
	}
	if l.fields.CheckEmpty() != nil {
		return nil, fmt.Errorf("reading %s: it is empty: list something under resources", b.name(l.file))
	}
	l.cost = cost{depth: 1, visits: 1, bytes: len(text)}
	was := inTurn(l.fields.Transformers)
	l.entries = entries(&l.fields)
	// Transformers first: what to write in the place of an entry that is refused depends
	// on whether a spec is among them.
	for _, first := range []bool{true, false} {
		for i := range l.entries {
			e := &l.entries[i]
			if (e.list == transformersField) != first {
				continue
			}
			if first {
				e.turn, e.index = e.index, was[e.index]
			}
			if err := b.load(l, e, append(slices.Clip(way), l)); err != nil {
				return nil, err
			}
		}
		if first && len(l.fields.HelmCharts)+len(l.fields.HelmChartInflationGenerator) > 0 {
			return nil, fmt.Errorf("%s: helmCharts: rendering a chart runs helm, and a build here runs nothing: %s. For the chart alone, write helm template CHART | krm-bypass %s", b.name(l.file), b.pipe("--enable-helm "), b.into())
		}
	}
	if err := l.errIfTooMuch(len(b.layers)); err != nil {
		return nil, fmt.Errorf("%s: %w", b.name(l.file), err)
	}
	b.layers[dir] = l
	l.transformers = slices.Clone(l.fields.Transformers)
	return l, b.hold(l, l.fields)
}

// load judges an entry and reads what it names.
func (b *builder) load(l *layer, e *entry, way []*layer) (err error) {
	at := fmt.Sprintf("%s: %s: ", b.name(l.file), e)
	text, err := b.normal(l, e)
	if err != nil {
		return fmt.Errorf("%s%w", at, err)
	}
	if !e.isFolder {
		l.bytes += len(text)
		b.findSpecs(l, e, text)
		b.built.Listed = b.built.Listed || e.list == transformersField && e.isSpec()
		return e.errIfNoTransformer(at)
	}
	if e.base, err = b.read(e.path, at, way); err != nil {
		return err
	}
	if err := e.errIfNoTransformer(at); err != nil {
		return err
	}
	b.built.Listed = b.built.Listed || e.list == transformersField && e.base.hasSpec()
	l.add(e.base.cost)
	return nil
}

func (b *builder) errIfCycle(dir string, way []*layer) error {
	at := slices.IndexFunc(way, func(l *layer) bool { return l.dir == dir })
	if at < 0 {
		return nil
	}
	names := each.As(way[at:], func(l *layer) string { return b.name(l.dir) })
	via := ""
	if between := names[1:]; len(between) > 0 {
		via = " by way of " + strings.Join(between, ", ")
	}
	return fmt.Errorf("a cycle: %s includes itself%s: remove the entry that leads back to it", b.name(dir), via)
}

// fileIn gives the kustomization file of a folder, if it is one that kustomize
// reads.
func (b *builder) fileIn(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s holds no kustomization: it needs a file %s", b.name(dir), konfig.DefaultKustomizationFileName())
	case 1:
		real, err := filepath.EvalSymlinks(found[0])
		if err == nil && !within(dir, real) {
			err = fmt.Errorf("%s is a link to %s, and kustomize reads none that leads out of the folder: put a copy in its place", b.name(found[0]), b.name(real))
		}
		return found[0], err
	}
	return "", fmt.Errorf("%s holds several kustomizations, of which kustomize reads none: keep one of %s and %s", b.name(dir), filepath.Base(found[0]), filepath.Base(found[1]))
}

// hold has kustomize read this in the place of a kustomization file.
func (b *builder) hold(l *layer, fields types.Kustomization) error {
	if len(fields.Transformers) > 0 {
		fields.Transformers = slices.DeleteFunc(slices.Clone(fields.Transformers), func(entry string) bool { return entry == "" })
	}
	if fields.MetaData == nil {
		// kustomize refuses one in which nothing is said
		// (api/types/kustomization.go, CheckEmpty).
		fields.MetaData = &types.ObjectMeta{Name: "without-the-specs"}
	}
	text, err := sigsyaml.Marshal(fields)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", b.name(l.file), err)
	}
	b.files.held[l.file] = text
	return nil
}
