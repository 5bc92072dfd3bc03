package lab

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// commands are what the tests run, by the Debian package that brings them.
// test/e2e/packages.txt lists the packages for an installation.
var commands = []struct{ command, pkg string }{
	{"ip", "iproute2"},
	{"iptables-nft", "iptables"},
	{"iptables-restore", "iptables"},
	{"newuidmap", "uidmap"},
	{"nft", "nftables"},
	{"unshare", "util-linux"},
}

func requireCommands() error {
	// An ordinary user's PATH leaves out where these are.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return fmt.Errorf("setting PATH: %w", err)
	}
	var missing []string
	for _, needed := range commands {
		if _, err := exec.LookPath(needed.command); err != nil {
			missing = append(missing, fmt.Sprintf("%s (package %s)", needed.command, needed.pkg))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing commands: %s; install them with apt-get install", strings.Join(missing, ", "))
	}
	return nil
}

// Packages returns the Debian packages that the tests need beyond the
// essential ones.
func Packages() []string {
	var packages []string
	for _, needed := range commands {
		if !slices.Contains(packages, needed.pkg) && needed.pkg != "util-linux" {
			packages = append(packages, needed.pkg)
		}
	}
	return packages
}
