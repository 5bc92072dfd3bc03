package ready

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Release is what the texts may speak of.
type Release struct {
	Version string
	// Files are those that can be downloaded.
	Files []string
}

// Finding is a place where a text is wrong.
type Finding struct {
	File string
	Line int
	// Text is what stands there, and Remedy what to write.
	Text, Remedy string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Text, f.Remedy)
}

// rule finds pieces of a line and says what to write in their place, "" if nothing is
// wrong with the piece.
type rule struct {
	pieces *regexp.Regexp
	judge  func(r Release, piece []string) string
}

var rules = []rule{
	{regexp.MustCompile(`github\.com/krm-bypass/krm-bypass[^\s"'` + "`" + `)]*\?ref=([\w./-]+)`), func(r Release, piece []string) string {
		return other(r, piece[1], "?ref="+r.Version)
	}},
	{regexp.MustCompile(`uses: *["']?krm-bypass/krm-bypass[\w/.-]*@([\w./-]+)`), func(r Release, piece []string) string {
		return other(r, piece[1], "@"+r.Version)
	}},
	{regexp.MustCompile(`github\.com/krm-bypass/krm-bypass[\w/.-]*@(v[\w.-]+)`), func(r Release, piece []string) string {
		return other(r, piece[1], "@"+r.Version)
	}},
	{regexp.MustCompile(`ghcr\.io/krm-bypass/(?:init|krm-bypass)(:[\w][\w.-]*)?(@sha256:[^\s"'` + "`" + `),|\\]*)?`), image},
	{regexp.MustCompile(`image: *["']?(ghcr\.io/krm-bypass/[\w-]+)["']?(?: *#.*)?$`), func(r Release, piece []string) string {
		return "it names no version: write " + pinned(piece[1], r.Version)
	}},
	{regexp.MustCompile(`[\w.-]*\bexample(?:\.(?:com|org|net))?/[\w./-]*krm-bypass[\w./:@-]*`), func(Release, []string) string {
		return "the host is a placeholder: write where this is published, under ghcr.io/krm-bypass or github.com/krm-bypass"
	}},
	{regexp.MustCompile(`YOUR-[A-Z-]+/krm-bypass[\w/.-]*(@[\w.-]+)?`), func(r Release, piece []string) string {
		if piece[1] == "" {
			return "it is a placeholder: write krm-bypass/krm-bypass"
		}
		return "it is a placeholder: write krm-bypass/krm-bypass@" + r.Version
	}},
	{regexp.MustCompile(`github\.com/krm-bypass/krm-bypass/releases/(?:tag|download)/([\w.-]+)(?:/([\w.-]+))?`), func(r Release, piece []string) string {
		if piece[1] != r.Version {
			return other(r, piece[1], r.Version)
		}
		if piece[2] != "" && !slices.Contains(r.Files, piece[2]) {
			return "no release offers this file: name one of " + strings.Join(r.Files, ", ")
		}
		return ""
	}},
	{regexp.MustCompile(`(?i)\b(?:nothing is|not) (?:published|released) yet\b|\bno release yet\b`), func(r Release, _ []string) string {
		return "say where " + r.Version + " is"
	}},
}

// other says what to write in place of another version.
func other(r Release, version, write string) string {
	if version == r.Version {
		return ""
	}
	return "it names another version: write " + write
}

var wholeDigest = regexp.MustCompile(`^@sha256:[0-9a-f]{64}$`)

// image judges a reference to an image. A name alone is no reference.
func image(r Release, piece []string) string {
	reference, tag, digest := piece[0], piece[1], piece[2]
	repository := strings.TrimSuffix(strings.TrimSuffix(reference, digest), tag)
	version := strings.TrimSuffix(strings.TrimPrefix(tag, ":"), "-iptables")
	switch {
	case tag == "" && digest == "":
		return ""
	case tag != "" && version != r.Version:
		return "it names another version: write " + pinned(repository, r.Version)
	case digest == "":
		return "it names no digest: write " + pinned(repository, strings.TrimPrefix(tag, ":"))
	case !wholeDigest.MatchString(digest):
		return "the digest is no whole one: write " + pinned(repository, strings.TrimPrefix(tag, ":"))
	}
	return ""
}

// pinned is how an image of a release is written.
func pinned(repository, tag string) string {
	if tag != "" {
		tag = ":" + tag
	}
	return repository + tag + "@sha256: and the digest that make images prints"
}

// Text finds what is wrong in a text.
func (r Release) Text(file, text string) (found []Finding) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		for _, rule := range rules {
			for _, piece := range rule.pieces.FindAllStringSubmatch(line, -1) {
				if remedy := rule.judge(r, piece); remedy != "" {
					found = append(found, Finding{file, number, strings.TrimSpace(piece[0]), remedy})
				}
			}
		}
	}
	return found
}

// read says which files people copy from: pages, examples and workflows.
func read(file string) bool {
	top, _, below := strings.Cut(file, "/")
	switch {
	case !below:
		return path.Ext(file) == ".md" || file == "action.yaml" || file == "action.yml"
	case top == "docs":
		return path.Ext(file) == ".md"
	case top == "examples":
		return true
	}
	return path.Dir(file) == ".github/workflows"
}

// Tree finds what is wrong in the files of the repository.
func (r Release) Tree(root fs.FS) (found []Finding, err error) {
	err = fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (file == ".git" || file == ".cache" || file == "bin") {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || !read(file) {
			return nil
		}
		text, err := fs.ReadFile(root, file)
		found = append(found, r.Text(file, string(text))...)
		return err
	})
	return found, err
}
