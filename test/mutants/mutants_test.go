package mutants

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
	"go.yaml.in/yaml/v3"
)

const (
	root = "../.."
	// unconfirmed is what is said in place of asking yaml/v3.
	unconfirmed = "the second reader does not confirm it"
)

// alone takes the fallback to yaml/v3 away.
var alone = mutant{"internal/edit/document.go", "	got, err := node.Parse(text.Readable())\n", "	return errors.New(\"" + unconfirmed + "\")\n	got, err := node.Parse(text.Readable())\n", "no fallback"}

type outcome struct{ Text, Error string }

func TestTheSecondReaderFindsThem(t *testing.T) {
	right := outcomes(t, alone)
	written := 0
	var unknown []string
	for name, o := range right {
		if o.Error == "" {
			written++
		} else if strings.Contains(o.Error, unconfirmed) {
			unknown = append(unknown, name)
		}
	}
	require.Empty(t, unknown, "where the second reader knows nothing, this shows nothing")
	require.Greater(t, written, 1500, "cases")
	for _, m := range mutants {
		t.Run(m.what, func(t *testing.T) {
			t.Parallel()
			refused, harmless := 0, 0
			for name, o := range outcomes(t, alone, m) {
				want := right[name]
				switch {
				case want.Error != "":
				case strings.Contains(o.Error, unconfirmed):
					refused++
				case o.Error != "" || o.Text == want.Text: // something else refused it, or it is right
				default:
					assert.Equal(t, said(t, want.Text), said(t, o.Text), "%s: nobody found %q", name, o.Text)
					harmless++
				}
			}
			assert.NotZero(t, refused, "the second reader refused nothing")
			t.Logf("mutants: %q: the second reader refused %d of %d, %d others say the same", m.what, refused, written, harmless)
		})
	}
}

// outcomes are those of the cases with mutants in the code.
func outcomes(t *testing.T, all ...mutant) map[string]outcome {
	t.Helper()
	replaced := map[string]string{}
	for _, m := range all {
		path, err := filepath.Abs(filepath.Join(root, m.file))
		require.NoError(t, err)
		from := path
		if already, is := replaced[path]; is {
			from = already
		}
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), m.old), "the mutant %q no longer applies to %s: it needs %q once", m.what, m.file, m.old)
		to := filepath.Join(t.TempDir(), filepath.Base(path))
		require.NoError(t, os.WriteFile(to, []byte(strings.Replace(string(text), m.old, m.now, 1)), 0o644))
		replaced[path] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o644))
	program := filepath.Join(folder, "cases")
	build := exec.Command("go", "build", "-overlay", filepath.Join(folder, "overlay.json"), "-ldflags=-s -w", "-o", program, "./cases")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "building a mutant: %s", said)
	said, err = exec.Command(program).Output()
	require.NoError(t, err)
	var outcomes map[string]outcome
	require.NoError(t, json.Unmarshal(said, &outcomes))
	return outcomes
}

// said is what yaml/v3 reads in a text: kinds, tags, values, anchors and aliases.
func said(t *testing.T, text string) string {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var b strings.Builder
	var list func(n *yaml.Node)
	list = func(n *yaml.Node) {
		b.WriteString(n.ShortTag() + " &" + n.Anchor + " " + n.Value + " (\n")
		for _, child := range n.Content {
			list(child)
		}
		b.WriteString(")")
	}
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			return err.Error()
		}
		list(&document)
	}
}
