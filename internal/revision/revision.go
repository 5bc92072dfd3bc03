package revision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
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
}

// Checkout checks out the repository that holds a path. Close the tree when you are
// done with it.
func Checkout(ctx context.Context, path, revision string) (*Tree, error) {
	top, err := worktreeOf(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("finding the git repository of %s: %w", path, err)
	}
	id, err := commitOf(ctx, top, revision)
	if err != nil {
		why := ""
		if shallow, _ := answer(ctx, top, "rev-parse", "--is-shallow-repository"); shallow == "true" {
			why = ", which is a shallow clone: git fetch --unshallow gets all revisions, and git fetch --depth=1 origin BRANCH:refs/remotes/origin/BRANCH the last one of a branch"
		}
		return nil, fmt.Errorf("%q is neither a file or folder nor a revision of the git repository %s%s", revision, top, why)
	}
	folder, err := os.MkdirTemp("", "krm-bypass-")
	t := &Tree{revision, top, folder}
	if err == nil {
		t.tree, err = filepath.EvalSymlinks(folder)
	}
	if err == nil {
		err = t.write(ctx, id)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("checking out %s: %w", revision, err), os.RemoveAll(folder))
	}
	return t, nil
}

// commitOf gives the id of a revision's commit.
func commitOf(ctx context.Context, top, revision string) (id string, err error) {
	// git must not take a revision for an option or a path.
	return answer(ctx, top, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
}

// Commit gives the id of the commit that a revision is now, "" where the repository that
// holds a path knows no such revision.
func Commit(ctx context.Context, path, revision string) string {
	_, id := known(ctx, path, revision)
	return id
}

// known gives that id and the worktree, nothing where there is none.
func known(ctx context.Context, path, revision string) (top, id string) {
	top, err := worktreeOf(ctx, path)
	if err == nil {
		id, err = commitOf(ctx, top, revision)
	}
	if err != nil {
		return "", ""
	}
	return top, id
}

// FullName gives a name of a revision that none of the files here has: that of the
// reference, as in refs/heads/main, or the id of the commit. It is "" where the repository
// that holds a path knows no such revision.
func FullName(ctx context.Context, path, revision string) string {
	top, id := known(ctx, path, revision)
	if id == "" {
		return ""
	}
	full, _ := answer(ctx, top, "rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", revision)
	return cmp.Or(full, id) // an id has no other name
}

// Holds reports whether a revision has something at a path.
func Holds(ctx context.Context, revision, path string) bool {
	top, err := worktreeOf(ctx, path)
	if err != nil {
		return false
	}
	absolute, err := resolved(path)
	if err != nil {
		return false
	}
	inside, err := filepath.Rel(top, absolute)
	if err != nil || !filepath.IsLocal(inside) {
		return false
	}
	_, err = answer(ctx, top, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}:"+filepath.ToSlash(inside))
	return err == nil
}

// worktreeOf gives the top of the worktree that holds a path: where an entry is
// named .git, as no commit can hold one. git's own search would take a folder for
// a repository that a commit made to look like one.
func worktreeOf(ctx context.Context, path string) (string, error) {
	top, err := resolved(path)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(top); err != nil || !info.IsDir() {
		top = filepath.Dir(top)
	}
	for {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			break
		}
		above := filepath.Dir(top)
		if above == top {
			return "", errors.New("neither its folder nor one above holds .git: name a folder with the earlier state instead")
		}
		top = above
	}
	// git has its say too: whom the repository must belong to, and whether its
	// worktree is here.
	said, err := answer(ctx, top, "rev-parse", "--is-inside-work-tree", "--show-prefix")
	if err == nil && strings.TrimSpace(said) != "true" {
		err = fmt.Errorf("%s says that the worktree is not %s: look at core.worktree and core.bare", filepath.Join(top, ".git"), top)
	}
	return top, err
}

// resolved gives an absolute path without links. If nothing is there any more, the nearest
// folder that is counts.
func resolved(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	gone := ""
	for at := absolute; ; at = filepath.Dir(at) {
		if found, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(found, gone), nil
		} else if at == filepath.Dir(at) {
			return "", err
		}
		gone = filepath.Join(filepath.Base(at), gone)
	}
}

// ErrOutside says that a path is in none of the repository's folders.
var ErrOutside = errors.New("outside the git repository")

// Path gives the path in the tree for one in the worktree, "" if it was not there yet.
func (t *Tree) Path(path string) (string, error) {
	absolute, err := resolved(path)
	var inside string
	if err == nil {
		inside, err = filepath.Rel(t.repository, absolute)
	}
	if err != nil || !filepath.IsLocal(inside) {
		return "", fmt.Errorf("%s is %w %s, so %s says nothing about it", path, ErrOutside, t.repository, t.Revision)
	}
	then := filepath.Join(t.tree, inside)
	real, err := filepath.EvalSymlinks(then)
	if err != nil {
		return "", nil //nolint:nilerr // that says it
	}
	if within, err := filepath.Rel(t.tree, real); err != nil || !filepath.IsLocal(within) {
		return "", fmt.Errorf("%s is a link there that leads out of the repository, to what is not of that revision", t.Name(then))
	}
	return then, nil
}

// Name gives a path in the tree git's name, REVISION:PATH, with the path relative to
// the top of the repository.
func (t *Tree) Name(path string) string {
	absolute, err := filepath.Abs(path) // a kustomization names its files as seen from here
	if err != nil {
		return path
	}
	inside, err := filepath.Rel(t.tree, absolute)
	if err != nil || !filepath.IsLocal(inside) {
		return path
	}
	return t.Revision + ":" + inside
}

// Named gives every path in a text the name that Name gives it.
func (t *Tree) Named(text string) string {
	folders := []string{t.tree}
	if here, err := filepath.Abs("."); err == nil {
		if relative, err := filepath.Rel(here, t.tree); err == nil {
			folders = append(folders, relative)
		}
	}
	for _, folder := range folders {
		text = strings.NewReplacer(folder+"/", t.Revision+":", folder, t.Revision+":").Replace(text)
	}
	return text
}

// NamedIn gives the paths in an error's message the names that Name gives them.
func (t *Tree) NamedIn(err error) error {
	if err == nil || t.Named(err.Error()) == err.Error() {
		return err
	}
	return &named{t.Named(err.Error()), err}
}

type named struct {
	text string
	error
}

func (n *named) Error() string { return n.text }

func (n *named) Unwrap() error { return n.error }

// Close removes the checked out files.
func (t *Tree) Close() error { return os.RemoveAll(t.tree) }
