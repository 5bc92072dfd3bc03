package revision

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// lacking is said of what a partial clone left on the server.
const lacking = "this clone does not hold it, and nothing is fetched here: if it was cloned with --filter, git fetch --refetch --no-filter gets the rest"

// write writes the files of a commit as the repository holds them. git converts
// none of them, so no filter that .gitattributes names is run.
func (t *Tree) write(ctx context.Context, commit string) error {
	listed, err := answer(ctx, t.repository, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return err
	}
	// A tree that somebody made by hand can name files outside.
	root, err := os.OpenRoot(t.tree)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // reading the folder only
	type file struct{ mode, name string }
	var files []file
	var ids strings.Builder
	for entry := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		about, name, _ := strings.Cut(entry, "\t")
		var mode, kind, id string
		_, _ = fmt.Sscan(about, &mode, &kind, &id) // nothing, if the commit holds no file
		switch {
		case kind == "commit": // a submodule
			if err := root.MkdirAll(name, 0o700); err != nil {
				return err
			}
		case kind == "blob":
			files = append(files, file{mode, name})
			ids.WriteString(id + "\n")
		}
	}
	return git(ctx, t.repository, ids.String(), func(blobs *bufio.Reader) error {
		for _, file := range files {
			if err := writeFile(root, file.mode, file.name, blobs); err != nil {
				return fmt.Errorf("%s: %w", file.name, err)
			}
		}
		return nil
	}, "cat-file", "--batch", "--buffer")
}

// writeFile writes the next blob that git cat-file --batch gives.
func writeFile(root *os.Root, mode, name string, blobs *bufio.Reader) error {
	head, err := blobs.ReadString('\n')
	if err != nil {
		return err
	}
	if strings.HasSuffix(head, " missing\n") {
		return errors.New(lacking)
	}
	var id string
	var size int64
	if _, err := fmt.Sscanf(head, "%s blob %d\n", &id, &size); err != nil {
		return fmt.Errorf("reading git's answer %q: %w", head, err)
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	content := io.LimitReader(blobs, size)
	if mode == "120000" { // a link
		var to []byte
		if to, err = io.ReadAll(content); err == nil {
			err = root.Symlink(string(to), name)
		}
	} else {
		var file *os.File
		if file, err = root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_, err = io.Copy(file, content)
			err = errors.Join(err, file.Close())
		}
	}
	if err == nil {
		_, err = blobs.ReadByte() // the newline behind it; if git was cut short, it is missing too
	}
	return err
}

// mostAnswered is how many bytes git may answer: the names of more than half a million
// files. A few trees, each many times in the next, name any number.
const mostAnswered = 64 << 20

// answer gives what git writes.
func answer(ctx context.Context, top string, args ...string) (text string, err error) {
	err = git(ctx, top, "", func(out *bufio.Reader) error {
		all, err := io.ReadAll(io.LimitReader(out, mostAnswered+1))
		if len(all) > mostAnswered {
			return fmt.Errorf("git %s answers with more than %d MiB", args[0], mostAnswered>>20)
		}
		text = strings.TrimSuffix(string(all), "\n")
		return err
	}, args...)
	return text, err
}

// git runs git at the top of a worktree, where it takes the entry .git for the
// repository and nothing else. A repository's configuration can name programs.
// rev-parse, ls-tree and cat-file run none of them, as long as no object is fetched
// that a partial clone lacks.
func git(ctx context.Context, top, input string, read func(*bufio.Reader) error, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-pager", "-C", top, "-c", "safe.bareRepository=explicit", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"}, args...)...)
	cmd.Env = append(environment(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(top),
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var errOut bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &errOut
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("git is not installed: install it, or give the earlier state as a folder")
	}
	if err != nil {
		return fmt.Errorf("git %s: %w", args[0], err)
	}
	unread := read(bufio.NewReader(out))
	_ = out.Close() // git ends if it has more
	err = cmd.Wait()
	said := strings.TrimSpace(errOut.String())
	if strings.Contains(said, "promisor") {
		said += ": " + lacking
	}
	switch {
	case unread != nil && !errors.Is(unread, io.EOF):
		return unread
	case err != nil && said != "":
		return fmt.Errorf("git %s: %s", args[0], said)
	case err != nil:
		return fmt.Errorf("git %s: %w", args[0], err)
	}
	return unread
}

// environment is the caller's without the variables that lead git elsewhere, to
// another repository or to programs. Those of its configuration stay, as they say
// safe.directory.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "GIT_") && !strings.HasPrefix(variable, "GIT_CONFIG_")
	})
}
