package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packageList says which Debian package brings which command that the tests
// run: a line is a package, a command of it, and what for.
const packageList = "hack/packages.txt"

func requireCommands() error {
	root, err := RepositoryRoot()
	if err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(root, packageList))
	if err != nil {
		return fmt.Errorf("reading which commands the tests need: %w", err)
	}
	var missing []string
	for line := range bytes.Lines(list) {
		words := strings.Fields(string(line))
		if len(words) < 2 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if _, err := exec.LookPath(words[1]); err != nil {
			missing = append(missing, fmt.Sprintf("%s (package %s)", words[1], words[0]))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing commands: %s; apt-get install the packages", strings.Join(missing, ", "))
	}
	return nil
}
