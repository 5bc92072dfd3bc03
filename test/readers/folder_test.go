package readers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/restmapper"

	"github.com/krm-bypass/krm-bypass/test/built"
)

// kubectlFolder gives the names of the objects that kubectl apply -f reads in a
// folder.
func kubectlFolder(folder string) (names []string, err error) {
	infos, err := resource.NewFakeBuilder(
		func(schema.GroupVersion) (resource.RESTClient, error) { return nil, nil },
		func() (meta.RESTMapper, error) { return everyKind{}, nil },
		func() (restmapper.CategoryExpander, error) { return nil, nil },
	).Unstructured().FilenameParam(false, &resource.FilenameOptions{Filenames: []string{folder}}).ContinueOnError().Flatten().Do().Infos()
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return names, err
}

// TestFolders has folders of which render prints all that kubectl would apply, or
// nothing.
func TestFolders(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, built.Into(bin, "krm-bypass"))
	program := filepath.Join(bin, "krm-bypass")

	for name, test := range map[string]struct {
		// files hold an object of the name they map to; of links, they map to
		// what they lead to.
		files, links map[string]string
		kubectl      []string
		fails        bool // kubectl does
		refused      bool // by us
	}{
		"hidden files":             {files: map[string]string{"d/a.yaml": "a", "d/.b.yaml": "b", "d/.c.yml": "c", "d/.d.json": "d", "d/.yaml": "e"}, kubectl: []string{"a", "b", "c", "d", "e"}},
		"a hidden folder":          {files: map[string]string{"d/a.yaml": "a", "d/.git/b.yaml": "b"}, kubectl: []string{"a"}},
		"other files":              {files: map[string]string{"d/a.yaml": "a", "d/b.txt": "b", "d/yaml": "c"}, kubectl: []string{"a"}},
		"a link within":            {files: map[string]string{"d/a.yaml": "a", "d/b.txt": "b"}, links: map[string]string{"d/c.yaml": "b.txt"}, kubectl: []string{"a", "b"}},
		"a link that leads out":    {files: map[string]string{"d/a.yaml": "a", "out/b.yaml": "b"}, links: map[string]string{"d/b.yaml": "../out/b.yaml"}, kubectl: []string{"a", "b"}, refused: true},
		"a link to nowhere":        {files: map[string]string{"d/a.yaml": "a"}, links: map[string]string{"d/b.yaml": "c.yaml"}, kubectl: []string{"a"}, fails: true, refused: true},
		"a link to a folder":       {files: map[string]string{"d/a.yaml": "a", "out/b.yaml": "b"}, links: map[string]string{"d/b": "../out"}, kubectl: []string{"a"}},
		"a link to a folder, .yml": {files: map[string]string{"d/a.yaml": "a", "out/b.yaml": "b"}, links: map[string]string{"d/b.yml": "../out"}, kubectl: []string{"a"}, fails: true},
		"a folder without any":     {files: map[string]string{"d/a.txt": "a"}, fails: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write := func(path, text string) {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(folder, path), []byte(text), 0o600))
			}
			for path, name := range test.files {
				write(path, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "`+name+`"}}`)
			}
			for path, target := range test.links {
				require.NoError(t, os.Symlink(target, filepath.Join(folder, path)))
			}
			write("spec.yaml", "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}}\n")

			names, err := kubectlFolder(filepath.Join(folder, "d"))
			assert.ElementsMatch(t, test.kubectl, names)
			assert.Equal(t, test.fails, err != nil, "%v", err)

			render := exec.Command(program, "render", "--spec", "spec.yaml", "d")
			render.Dir = folder
			printed, err := render.Output()
			if test.refused {
				assert.Error(t, err)
				assert.Empty(t, printed)
				return
			}
			require.NoError(t, err)
			assert.ElementsMatch(t, test.kubectl, kubectlNames(t, printed))
		})
	}
}

// kubectlNames gives the names of the objects that kubectl reads in a stream.
func kubectlNames(t *testing.T, stream []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d", "stream.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, stream, 0o600))
	names, err := kubectlFolder(filepath.Dir(path))
	require.NoError(t, err)
	return names
}
