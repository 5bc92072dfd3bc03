package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Program is a command that tests run inside the lab.
type Program struct {
	Name      string // of the binary
	Directory string // of its main package, from the repository's root
	Borrows   *Borrowed
}

// insideKey marks the second life of the test binary, in namespaces of its own;
// its value is the directory of the built programs.
const insideKey = "KRM_BYPASS_LAB"

// Main is a TestMain: it runs the tests where Enter leads.
func Main(m *testing.M, programs ...Program) {
	Enter(programs...)
	os.Exit(m.Run())
}

// Enter builds the programs, then goes on in a mount and a network namespace of
// its own. It does so by running the program that calls it anew, so that it
// returns only in there. Without the means to do so it says on stderr what is
// missing and exits with 1.
func Enter(programs ...Program) {
	enter := func() error { return outside(programs) }
	if os.Getenv(insideKey) != "" {
		enter = prepare
	}
	if err := enter(); err != nil {
		fmt.Fprintf(os.Stderr, "lab: %v\n", err)
		os.Exit(1)
	}
}

// Binary returns the path of a program that Main built.
func Binary(name string) string { return filepath.Join(os.Getenv(insideKey), name) }

// outside never returns without an error.
func outside(programs []Program) error {
	// Where an ordinary user's PATH does not reach: ip, nft, iptables.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return fmt.Errorf("setting PATH: %w", err)
	}
	if err := requireCommands(); err != nil {
		return err
	}
	unshare := unshareCommand(os.Geteuid())
	if err := tryUnshare(unshare); err != nil {
		return err
	}
	// Built out here, because in there is no network to fetch modules by.
	directory, err := build(programs)
	if err != nil {
		return err
	}
	status, err := runInside(unshare, directory)
	os.RemoveAll(directory)
	if err != nil {
		return err
	}
	os.Exit(status)
	return nil
}

// unshareCommand is how this user gets namespaces in which it may do what a
// pod's init container may. An ordinary user's namespace needs more ids than
// its own: rules match the proxy's uid, and the kernel refuses an unmapped one.
func unshareCommand(uid int) []string {
	if uid == 0 {
		return []string{"unshare", "--mount", "--net"}
	}
	return []string{"unshare", "--map-auto", "--map-root-user", "--mount", "--net"}
}

func tryUnshare(unshare []string) error {
	output, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput()
	if err == nil {
		return nil
	}
	remedy := "the tests need the capability SYS_ADMIN"
	if os.Geteuid() != 0 {
		remedy = "the tests need root, or user namespaces with subordinate ids: newuidmap from the package uidmap, " +
			"util-linux 2.38 or later, and a line for this user in /etc/subuid and in /etc/subgid " +
			"(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)"
	}
	return fmt.Errorf("running %q: %w: %s; %s", strings.Join(unshare, " "), err, bytes.TrimSpace(output), remedy)
}

func runInside(unshare []string, directory string) (int, error) {
	command := exec.Command(unshare[0], append(unshare[1:], os.Args...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), insideKey+"="+directory)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return 0, err
	}
	// What is meant for the tests goes to them; we only wait.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM)
	go func() {
		for s := range signals {
			_ = command.Process.Signal(s) // it may be gone already
		}
	}()
	err := command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func prepare() error {
	// iptables keeps its lock in /run, which an ordinary user could not write.
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mounting a tmpfs on /run: %w", err)
	}
	return requireIDs()
}

// requireIDs finds out early when the user namespace maps too few ids, which
// would show as iptables refusing --uid-owner.
func requireIDs() error {
	const highest = ConsulInit
	return onThread(func() error {
		if err := becomeUser(highest); err != nil {
			return fmt.Errorf("%w; /etc/subuid must give this user at least %d ids", err, highest+1)
		}
		return nil
	})
}

// build returns a new directory that holds the programs.
func build(programs []Program) (string, error) {
	root, err := RepositoryRoot()
	if err != nil {
		return "", err
	}
	directory, err := os.MkdirTemp("", "krm-bypass-lab-")
	if err != nil {
		return "", err
	}
	// Tests run programs as other users of a pod too.
	if err := os.Chmod(directory, 0o755); err != nil {
		return "", err
	}
	kept := filepath.Join(root, ".cache", "lab")
	for _, program := range programs {
		if err := program.build(root, kept, directory); err != nil {
			os.RemoveAll(directory)
			return "", err
		}
	}
	return directory, nil
}

// build puts the program into a directory. It makes it in a folder that is kept: go
// build links one anew only where it has changed.
func (p Program) build(root, kept, directory string) error {
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(kept, p.Name+".lock")) // the tests of two packages run side by side
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	source := filepath.Join(root, p.Directory)
	arguments := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(kept, p.Name)}
	if p.Borrows != nil {
		overlay, err := p.Borrows.overlay(source, filepath.Join(kept, p.Name+".borrowed"))
		if err != nil {
			return fmt.Errorf("borrowing for %s: %w", p.Name, err)
		}
		arguments = append(arguments, overlay...)
	}
	command := exec.Command("go", append(arguments, ".")...)
	command.Dir = source
	// The init container is static, and so is what is measured beside it.
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s in %s: %w\n%s", p.Name, p.Directory, err, output)
	}
	content, err := os.ReadFile(filepath.Join(kept, p.Name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, p.Name), content, 0o755)
}

// RepositoryRoot returns the repository's root: where the project's go.mod is.
func RepositoryRoot() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; directory != "/"; directory = filepath.Dir(directory) {
		content, err := os.ReadFile(filepath.Join(directory, "go.mod"))
		if err == nil && bytes.HasPrefix(content, []byte("module github.com/krm-bypass/krm-bypass\n")) {
			return directory, nil
		}
	}
	return "", errors.New("finding the repository's root: no go.mod of the project above the working directory")
}
