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

// Tree is a repository's tree at a revision, checked out.
type Tree struct {
	// Revision is as it was asked for.
	Revision string
	// repository is the top of the worktree, tree where the revision's files are,
	// both without links.
	repository, tree string
	folder           string
}

// Checkout checks out the tree of the repository that holds a path. Close it when
// it is not needed any more.
func Checkout(ctx context.Context, path, revision string) (*Tree, error) {
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	top, err := git(ctx, dir, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("finding the git repository of %s: %w", path, err)
	}
	// A revision is never taken for an option, nor for a path.
	id, err := git(ctx, top, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{tree}")
	if err != nil {
		return nil, fmt.Errorf("%q is neither a file or folder nor a revision of the git repository %s", revision, top)
	}
	folder, err := os.MkdirTemp("", "krm-bypass-")
	if err != nil {
		return nil, fmt.Errorf("checking out %s: %w", revision, err)
	}
	t := &Tree{Revision: revision, folder: folder}
	// Into an index of its own, from which the files are written: the
	// repository's stays as it is.
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

// ErrAbsent says that a path was not there at the revision.
var ErrAbsent = errors.New("was not there")

// Path gives the path at which a path of the worktree stands in the tree; the
// error is ErrAbsent where it does not.
func (t *Tree) Path(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		// Of a path that is not there any more, the folder counts.
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
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		return "", fmt.Errorf("%s is not in the git repository %s, so that %s says nothing of it", path, t.repository, t.Revision)
	}
	then := filepath.Join(t.tree, inside)
	if _, err := os.Stat(then); err != nil {
		return "", fmt.Errorf("%s %w at %s", path, ErrAbsent, t.Revision)
	}
	return then, nil
}

// Name gives a path in the tree as git names it: REVISION:PATH, the path being
// relative to the top of the repository.
func (t *Tree) Name(path string) string {
	inside, err := filepath.Rel(t.tree, path)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		return path
	}
	return t.Revision + ":" + inside
}

// Named gives a text with the paths in it as Name gives them.
func (t *Tree) Named(text string) string {
	return strings.ReplaceAll(text, t.tree+"/", t.Revision+":")
}

// Close takes the checked out files away.
func (t *Tree) Close() error { return os.RemoveAll(t.folder) }

func git(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	// Nothing that a repository's configuration names is to run because
	// somebody looked at it: no hook, no monitor of its files.
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
