package ways

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Example is the folder of the tree, seen from the top of the repository.
const Example = "examples/every-way"

// Repository is the top of the repository: the folder around the working directory that
// holds this package. What is built with -trimpath does not know its file.
func Repository() string {
	folder, err := os.Getwd()
	for err == nil && folder != "/" {
		if _, err := os.Stat(filepath.Join(folder, "test/ways")); err == nil {
			return folder
		}
		folder = filepath.Dir(folder)
	}
	panic("the working directory is in no clone of the repository")
}

// printed is a line of init with a command to run next.
var printed = regexp.MustCompile(`(?m)^info: (?:next|then), to [^:]*: (.+)$`)

// RunWhatInitPrints has init begin in a folder, as somebody who names it from the folder
// above, and runs the commands that it prints, each as it is printed, with what is in
// PATH, and with shop for what it says to fill in. It gives the commands. instead runs one that this machine has no program for; it
// reports whether it has.
func RunWhatInitPrints(t *testing.T, folder string, instead func(command string) bool) (commands []string) {
	t.Helper()
	shell := func(command string) string {
		run := exec.Command("bash", "-o", "pipefail", "-c", command)
		run.Dir = filepath.Dir(folder)
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		return string(out)
	}
	for _, found := range printed.FindAllStringSubmatch(shell("krm-bypass init "+filepath.Base(folder)), -1) {
		commands = append(commands, found[1])
		if !instead(found[1]) {
			shell(strings.NewReplacer("RELEASE", "shop", "NAMESPACE", "shop").Replace(found[1]))
		}
	}
	return commands
}

// Compare holds what a way of running has made of the tree, a stream of
// documents, to what has to come out. Objects may stand in any order and style.
func Compare(t *testing.T, stream []byte) {
	t.Helper()
	expected, err := os.ReadFile(filepath.Join(Repository(), "test/ways/testdata/expected.yaml"))
	require.NoError(t, err)
	want, err := objects(expected)
	require.NoError(t, err)
	got, err := objects(stream)
	require.NoError(t, err, "%s", stream)
	assert.Equal(t, want, got)
}

// objects gives the objects of a stream by kind and name. What is for the tools
// alone is left out.
func objects(stream []byte) (map[string]any, error) {
	found := map[string]any{}
	decoder := yaml.NewDecoder(bytes.NewReader(stream))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		var head struct {
			Kind     string
			Metadata struct {
				Name, Namespace string
				Annotations     map[string]string
			}
		}
		var object any
		if err := errors.Join(node.Decode(&head), node.Decode(&object)); err != nil {
			return nil, err
		}
		if object == nil || head.Metadata.Annotations["config.kubernetes.io/local-config"] != "" {
			continue
		}
		name := fmt.Sprintf("%s %s/%s", head.Kind, head.Metadata.Namespace, head.Metadata.Name)
		if found[name] != nil {
			return nil, fmt.Errorf("there are two of %s", name)
		}
		found[name] = object
	}
}
