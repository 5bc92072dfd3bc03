package kpt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/fn/runtime/runtimeutil"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	function = "krm-bypass"
	image    = "registry.example.com/mesh/krm-bypass:"

	// kpt's own annotation: the absolute path of the package that an object is of.
	packagePath = "internal.config.kubernetes.io/package-path"
)

// manifests are the files that kpt reads.
var manifests = append([]string{kptfileName}, kio.MatchAll...)

// rendering is one kpt fn render of a package, in place.
type rendering struct {
	root  string
	steps []stepResult
	files map[string]bool // that were read, by their path in the package
}

// errFailed says that a function failed; what it said is in the steps.
var errFailed = errors.New("a function failed")

// render renders the package in a folder as kpt fn render does
// (kptdev/kpt pkg/lib/kptops/render_executor.go): subpackages first, in place,
// with nothing written but the status where a function fails.
func render(root string) ([]stepResult, error) {
	r := &rendering{root: root, files: map[string]bool{}}
	nodes, err := r.hydrate(root)
	switch {
	case errors.Is(err, errFailed):
		return r.steps, errors.Join(err, record(root, r.failure()))
	case err != nil:
		return nil, err
	}
	if err := r.write(nodes); err != nil {
		return nil, err
	}
	return r.steps, record(root, r.success())
}

// evaluate runs one function over all manifests of a folder as kpt fn eval does
// (kptdev/kpt thirdparty/kyaml/runfn/runfn.go): no pipeline runs, and nothing is
// recorded.
func evaluate(root string, s step) error {
	r := &rendering{root: root, files: map[string]bool{}}
	reader := r.reader(root)
	reader.IncludeSubpackages, reader.SetAnnotations = true, nil
	nodes, err := r.read(reader)
	if err != nil {
		return err
	}
	if nodes, err = r.mutate(root, s, nodes); err != nil {
		return err
	}
	return r.write(nodes)
}

// reader reads the objects of a package without those of its subpackages.
func (r *rendering) reader(folder string) kio.LocalPackageReader {
	return kio.LocalPackageReader{
		PackagePath: folder, PackageFileName: kptfileName, MatchFilesGlob: manifests,
		PreserveSeqIndent: true, WrapBareSeqNode: true,
		SetAnnotations: map[string]string{packagePath: folder},
	}
}

// read reads objects and remembers their files.
func (r *rendering) read(reader kio.LocalPackageReader) ([]*yaml.RNode, error) {
	nodes, err := reader.Read()
	if err != nil {
		return nil, err
	}
	for _, node := range nodes {
		path, err := r.pathFromRoot(node)
		if err != nil {
			return nil, err
		}
		r.files[path] = true
	}
	return nodes, nil
}

// hydrate gives the objects of a package and of its subpackages, after their
// pipelines.
func (r *rendering) hydrate(folder string) ([]*yaml.RNode, error) {
	k, err := readKptfile(folder)
	if err != nil {
		return nil, err
	}
	nodes, err := r.read(r.reader(folder))
	if err != nil {
		return nil, err
	}
	subpackages, err := filepath.Glob(filepath.Join(folder, "*", kptfileName))
	if err != nil {
		return nil, err
	}
	for _, kptfile := range subpackages {
		below, err := r.hydrate(filepath.Dir(kptfile))
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, below...)
	}
	for _, s := range k.Pipeline.Mutators {
		if nodes, err = r.mutate(folder, s, nodes); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// mutate runs one function of a package's pipeline.
func (r *rendering) mutate(folder string, s step, nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	config, err := configOf(folder, s, nodes)
	if err != nil {
		return nil, err
	}
	command, err := commandOf(s)
	if err != nil {
		return nil, err
	}
	done := stepResult{Image: s.Image, Exec: s.Exec}
	filter := &runtimeutil.FunctionFilter{
		FunctionConfig: config,
		GlobalScope:    true,
		Run: func(in io.Reader, out io.Writer) error {
			var stderr bytes.Buffer
			command.Stdin, command.Stdout, command.Stderr = in, out, &stderr
			err := command.Run()
			done.Stderr = stderr.String()
			return err
		},
	}
	var out kio.PackageBuffer
	err = kio.Pipeline{
		Inputs:  []kio.Reader{&kio.PackageBuffer{Nodes: nodes}},
		Filters: []kio.Filter{filter},
		Outputs: []kio.Writer{&out},
	}.Execute()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		done.ExitCode = exit.ExitCode()
		err = errFailed
	} else if err != nil {
		return nil, err
	}
	if filter.Results != nil {
		if err := filter.Results.YNode().Decode(&done.Results); err != nil {
			return nil, fmt.Errorf("reading the results: %w", err)
		}
	}
	for _, one := range done.Results {
		if one.Severity == "error" {
			done.ErrorResults = append(done.ErrorResults, one)
		}
	}
	r.steps = append(r.steps, done)
	if err != nil {
		return nil, err
	}
	return out.Nodes, invariants(out.Nodes)
}

// configOf is the functionConfig: the very object that is among the items too,
// with its annotations of path and package, or a ConfigMap of kpt's own.
func configOf(folder string, s step, nodes []*yaml.RNode) (*yaml.RNode, error) {
	if s.ConfigPath == "" {
		if len(s.ConfigMap) == 0 {
			return nil, nil
		}
		return configMap(s.ConfigMap)
	}
	for _, node := range nodes {
		path, _, err := kioutil.GetFileAnnotations(node)
		if err != nil {
			return nil, err
		}
		if node.GetAnnotations()[packagePath] == folder && path == s.ConfigPath {
			return node, nil
		}
	}
	return nil, fmt.Errorf("there is no functionConfig %q in the package", s.ConfigPath)
}

// configMap is the functionConfig that kpt makes of values. kpt's has them in
// any order, another at every run.
func configMap(values map[string]string) (*yaml.RNode, error) {
	config := yaml.MustParse("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: function-input\ndata: {}\n")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := config.PipeE(yaml.Lookup("data"), yaml.SetField(key, yaml.NewStringRNode(values[key]))); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// commandOf is what a step executes. In place of an image it is what the image
// holds, which kpt starts without arguments and without the user's environment.
func commandOf(s step) (*exec.Cmd, error) {
	if s.Image == "" {
		words := strings.Fields(s.Exec)
		return exec.Command(words[0], words[1:]...), nil
	}
	if !strings.HasPrefix(s.Image, image) {
		return nil, fmt.Errorf("the image %s is not the project's own, %s", s.Image, image)
	}
	command := exec.Command(function)
	command.Env = []string{}
	return command, nil
}

// invariants holds a function's output to what kpt demands of it
// (kptdev/kpt pkg/fn/runtime/runner.go).
func invariants(nodes []*yaml.RNode) error {
	type object struct{ folder, path, index string }
	taken := map[object]bool{}
	for _, node := range nodes {
		meta, err := node.GetMeta()
		if err != nil {
			return err
		}
		if meta.APIVersion == "" || meta.Kind == "" || meta.Name == "" {
			return fmt.Errorf("the function returned an object without apiVersion, kind or name:\n%s", node.MustString())
		}
		path, index, err := kioutil.GetFileAnnotations(node)
		if err != nil {
			return err
		}
		at := object{meta.Annotations[packagePath], filepath.Clean(path), index}
		if taken[at] {
			return fmt.Errorf("the function returned two objects for %+v", at)
		}
		taken[at] = true
	}
	return nil
}

func (r *rendering) pathFromRoot(node *yaml.RNode) (string, error) {
	path, _, err := kioutil.GetFileAnnotations(node)
	if err != nil {
		return "", err
	}
	folder, known := node.GetAnnotations()[packagePath]
	if !known {
		return path, nil
	}
	below, err := filepath.Rel(r.root, folder)
	return filepath.Join(below, path), err
}

// write puts the objects where they came from, and takes away the files that no
// object is left of.
func (r *rendering) write(nodes []*yaml.RNode) error {
	kept := map[string]bool{}
	for _, node := range nodes {
		path, err := r.pathFromRoot(node)
		if err != nil {
			return err
		}
		kept[path] = true
		for _, change := range []yaml.Filter{
			yaml.SetAnnotation(kioutil.PathAnnotation, path),
			yaml.SetAnnotation(kioutil.LegacyPathAnnotation, path), //nolint:staticcheck // kyaml refuses one without the other
			yaml.ClearAnnotation(packagePath),
		} {
			if err := node.PipeE(change); err != nil {
				return err
			}
		}
	}
	err := (&kio.LocalPackageReadWriter{
		PackagePath: r.root, PackageFileName: kptfileName, MatchFilesGlob: manifests,
		IncludeSubpackages: true, PreserveSeqIndent: true, WrapBareSeqNode: true,
	}).Write(nodes)
	for path := range r.files {
		if !kept[path] {
			err = errors.Join(err, os.Remove(filepath.Join(r.root, path)))
		}
	}
	return err
}

func (r *rendering) success() *status {
	return &status{
		Conditions:   []condition{{Type: "Rendered", Status: "True", Reason: "RenderSuccess"}},
		RenderStatus: r.renderStatus(),
	}
}

func (r *rendering) failure() *status {
	return &status{
		Conditions: []condition{{Type: "Rendered", Status: "False", Reason: "RenderFailed",
			// kpt names the package as seen from where it runs: here the folder around it.
			Message: "pkg.render: pkg " + filepath.Base(r.root) + ":\n\tpipeline.run: already handled error"}},
		RenderStatus: r.renderStatus(),
	}
}

func (r *rendering) renderStatus() *renderStatus {
	if len(r.steps) == 0 {
		return nil
	}
	s := &renderStatus{MutationSteps: r.steps}
	var failed []string
	for _, one := range r.steps {
		if one.ExitCode != 0 {
			failed = append(failed, fmt.Sprintf("%s: exit code %d", one.Image+one.Exec, one.ExitCode))
		}
	}
	s.ErrorSummary = strings.Join(failed, "\n")
	return s
}

// packages are the folders of examples/ that kpt's end-to-end runner would take
// for its cases.
func packages() ([]string, error) {
	expected, err := fs.Glob(os.DirFS(examples), "*/.expected")
	var folders []string
	for _, path := range expected {
		folders = append(folders, filepath.Dir(path))
	}
	return folders, err
}
