package readers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/krm-bypass/krm-bypass/test/built"
)

// earlierKubectl reads as kubectl did before 1.33, which decided by the first bytes of a
// stream for all of it (kubernetes/kubernetes v1.32.0
// staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go, YAMLOrJSONDecoder.Decode).
type earlierKubectl struct{}

func (earlierKubectl) Name() string { return "kubectl before 1.33" }

func (earlierKubectl) Read(text []byte) (reading Reading) {
	var decoder interface{ Decode(into any) error }
	stream, _, isJSON := yaml.GuessJSONStream(bytes.NewReader(text), 4096)
	if decoder = yaml.NewYAMLToJSONDecoder(stream); isJSON {
		decoder = json.NewDecoder(stream)
	}
	for {
		var object map[string]any
		switch err := decoder.Decode(&object); {
		case errors.Is(err, io.EOF):
			return reading
		case err != nil:
			reading.Err = err
			return reading
		}
		if t, ok := templateOf(object); ok {
			reading.Templates = append(reading.Templates, t)
		}
	}
}

// TestPrintedStreams has render print files so that every tool reads all of them.
func TestPrintedStreams(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, built.Into(bin, "krm-bypass"))
	const comment = "# nobody's\n"
	for name, test := range map[string]struct {
		files []string
		want  string // "" for the text of the one file
	}{
		"JSON":                                  {files: []string{webJSON + "\n"}},
		"YAML":                                  {files: []string{web + "---\n" + db}},
		"JSON, then YAML":                       {[]string{webJSON + "\n", db}, "---\n" + webJSON + "\n---\n" + db},
		"JSON, then JSON":                       {[]string{webJSON, dbJSON}, "---\n" + webJSON + "\n---\n" + dbJSON},
		"JSON behind JSON":                      {[]string{webJSON + "\n" + dbJSON + "\n"}, "---\n" + webJSON + "\n---\n" + dbJSON + "\n"},
		"JSON with --- between":                 {[]string{webJSON + "\n---\n" + dbJSON + "\n"}, "---\n" + webJSON + "\n---\n" + dbJSON + "\n"},
		"JSON with a byte order mark":           {[]string{"\ufeff" + webJSON, "\ufeff" + db}, "---\n" + webJSON + "\n---\n" + db},
		"JSON behind ---":                       {files: []string{"---\n" + webJSON + "\n---\n" + dbJSON + "\n"}},
		"YAML, then JSON":                       {files: []string{web + "---\n" + dbJSON + "\n"}},
		"JSON and ... between YAML":             {files: []string{config + "---\n" + webJSON + "\n...\n---\n" + db}},
		"JSON and ... at the end":               {files: []string{config + "---\n" + webJSON + "\n...\n"}},
		"JSON, a comment and ...":               {files: []string{config + "---\n" + webJSON + " " + comment + "...\n" + comment}},
		"JSON and ..., then YAML without ---":   {[]string{config + "---\n" + webJSON + "\n...\n" + db}, config + "---\n" + webJSON + "\n...\n---\n" + db},
		"JSON and ... in a file, then another":  {[]string{webJSON + "\n...\n", db}, "---\n" + webJSON + "\n...\n---\n" + db},
		"an object in braces that is not JSON":  {[]string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n", webJSON}, "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}\n---\n" + webJSON},
		"JSON that a marker ends, with CR LF":   {files: []string{"---\r\n" + webJSON + "\r\n...\r\n---\r\n" + dbJSON + "\r\n"}},
		"JSON over lines, ended by two markers": {files: []string{config + "---\n" + strings.Replace(webJSON, ",", ",\n", 1) + "\n...\n...\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			var want []string
			for i, text := range test.files {
				require.NoError(t, os.WriteFile(filepath.Join(folder, string(rune('a'+i))+".yaml"), []byte(text), 0o600))
				read, err := run(silent, []byte(text))
				require.NoError(t, err)
				want = append(want, krmBypass{}.Read(read).keys()...)
			}
			require.NoError(t, os.WriteFile(filepath.Join(bin, "spec.yaml"), []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {enforcement: {mode: AnnotationsOnly}}\n"), 0o600))
			var told bytes.Buffer
			render := exec.Command(filepath.Join(bin, "krm-bypass"), "render", "--spec", filepath.Join(bin, "spec.yaml"), folder)
			render.Stderr = &told
			printed, err := render.Output()
			require.NoError(t, err, told.String())
			if test.want == "" {
				test.want = test.files[0]
			}
			assert.Equal(t, test.want, string(printed))
			for _, reader := range []Reader{kubectl{}, earlierKubectl{}, newKustomize(), argoCD{}, argoCDFolder{}, krmBypass{}} {
				reading := reader.Read(printed)
				require.NoError(t, reading.Err, reader.Name())
				assert.ElementsMatch(t, want, reading.keys(), reader.Name())
			}
		})
	}
}
