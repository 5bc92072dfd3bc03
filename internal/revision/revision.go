package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tree is a checked out copy of a repository at a revision.
type Tree struct {
	// Revision is what the caller asked for.
	Revision string
	// repository is the top of the worktree, and tree is where the revision's
	// files are, both without links.
	repository, tree string
	folder           string
}

// Checkout checks out the repository that holds a path. Close the tree when you are
// done with it.
func Checkout(ctx context.Context, path, revision string) (*Tree, error) {
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	top, err := git(ctx, dir, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("finding the git repository of %s: %w", path, err)
	}
	// git must not take a revision for an option or a path.
	id, err := git(ctx, top, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{tree}")
	if err != nil {
		return nil, fmt.Errorf("%q is neither a file or folder nor a revision of the git repository %s", revision, top)
	}
	folder, err := os.MkdirTemp("", "krm-bypass-")
	if err != nil {
		return nil, fmt.Errorf("checking out %s: %w", revision, err)
	}
	t := &Tree{Revision: revision, folder: folder}
	// An index of our own, from which git writes the files: the repository's
	// stays as it is.
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(folder, "index")}
	_, err = git(ctx, top, index, "read-tree", id)
	if err == nil {
		_, err = git(ctx, top, index, "checkout-index", "--all", "--prefix="+filepath.Join(folder, "tree")+"/")
	}
	if err == nil {
		err = os.MkdirAll(filepath.Join(folder, "tree"), 0o700) // an empty tree has none
	}
	if err == nil {
		t.tree, err = filepath.EvalSymlinks(filepath.Join(folder, "tree"))
	}
	if err == nil {
		t.repository, err = filepath.EvalSymlinks(top)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("checking out %s: %w", revision, err), t.Close())
	}
	return t, nil
}

// Path gives the path in the tree for one in the worktree, "" if it was not there yet.
func (t *Tree) Path(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		// If the path is gone from the worktree, its folder counts.
		if real, linked := filepath.EvalSymlinks(absolute); linked == nil {
			absolute = real
		} else if real, linked := filepath.EvalSymlinks(filepath.Dir(absolute)); linked == nil {
			absolute = filepath.Join(real, filepath.Base(absolute))
		}
	}
	var inside string
	if err == nil {
		inside, err = filepath.Rel(t.repository, absolute)
	}
	if err != nil || !filepath.IsLocal(inside) {
		return "", fmt.Errorf("%s is outside the git repository %s, so %s says nothing about it", path, t.repository, t.Revision)
	}
	then := filepath.Join(t.tree, inside)
	if _, err := os.Stat(then); err != nil {
		return "", nil //nolint:nilerr // that says it
	}
	return then, nil
}

// Name gives a path in the tree git's name, REVISION:PATH, with the path relative to
// the top of the repository.
func (t *Tree) Name(path string) string {
	inside, err := filepath.Rel(t.tree, path)
	if err != nil || !filepath.IsLocal(inside) {
		return path
	}
	return t.Revision + ":" + inside
}

// Named gives every path in a text the name that Name gives it.
func (t *Tree) Named(text string) string {
	return strings.ReplaceAll(text, t.tree+"/", t.Revision+":")
}

// Close removes the checked out files.
func (t *Tree) Close() error { return os.RemoveAll(t.folder) }

func git(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	// Looking at a repository must not run what its configuration names: no
	// hook, no monitor of its files.
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("git is not installed: install it, or give the earlier state as a folder")
		}
		if said := strings.TrimSpace(errOut.String()); said != "" {
			return "", fmt.Errorf("git %s: %s", args[0], said)
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
