package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packageList says which Debian package brings which command that the tests run.
// A line is who needs it, the package, a command of it, and what for; every test
// in the lab needs what make test does.
const (
	packageList = "hack/packages.txt"
	everyTest   = "test"
)

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
		if len(words) < 3 || words[0] != everyTest {
			continue
		}
		if _, err := exec.LookPath(words[2]); err != nil {
			missing = append(missing, fmt.Sprintf("%s (package %s)", words[2], words[1]))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing commands: %s; apt-get install the packages", strings.Join(missing, ", "))
	}
	return nil
}
