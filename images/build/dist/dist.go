package dist

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
	"github.com/krm-bypass/krm-bypass/images/build/sbom"
)

// Home is where the project is published.
const Home = "https://github.com/krm-bypass/krm-bypass"

// Checksums is the file with the digests of all others, as sha256sum reads it.
const Checksums = "SHA256SUMS"

// programs are in every archive.
var programs = []string{"krm-bypass", "krm-bypass-fn"}

// Platform is what an archive is for.
type Platform struct{ OS, Arch string }

// Platforms are those of a release. Makefile compiles for the same.
var Platforms = []Platform{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// folder is the one folder in the archive of a platform.
func (p Platform) folder(version string) string {
	return strings.Join([]string{name, version, p.OS, p.Arch}, "-")
}

func (p Platform) extension() string {
	if p.OS == "windows" {
		return ".zip"
	}
	return ".tar.gz"
}

// exe is what names of programs end in.
func (p Platform) exe() string {
	if p.OS == "windows" {
		return ".exe"
	}
	return ""
}

// Files gives the names of all that a release offers.
func Files(version string) []string {
	files := []string{Checksums}
	for _, p := range Platforms {
		files = append(files, p.folder(version)+p.extension(), p.folder(version)+p.extension()+billOf)
	}
	for _, t := range templates.Templates() {
		files = append(files, strings.TrimSuffix(t.Name(), ".tmpl"))
	}
	slices.Sort(files)
	return files
}

// CheckVersion refuses what is no version.
func CheckVersion(version string) error {
	if !isVersion.MatchString(version) {
		return fmt.Errorf("reading the version: %q is none: write it as v0.1.0", version)
	}
	return nil
}

// Release is one run of make dist.
type Release struct {
	// Programs holds a folder for each platform, as linux-amd64. Shipped is a folder
	// with what goes into every archive, and Licences a page that does.
	Programs, Shipped, Licences string
	Output                      string
	Version                     string
	// Created is the one time in the archives.
	Created time.Time
}

// archive is one that was made.
type archive struct {
	Platform
	Name, Digest string
	// bill is the digest of its bill of materials.
	bill string
}

// billOf is what the name of an archive's bill of materials ends in.
const billOf = ".spdx.json"

// URL is where a release offers it.
func (a archive) url(version string) string {
	return Home + "/releases/download/" + version + "/" + a.Name
}

// isVersion is a version as tags of Go modules have it (golang.org/ref/mod, "Versions").
var isVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// Make writes the release into its folder, and prints the checksums.
func (r Release) Make(out io.Writer) error {
	if err := CheckVersion(r.Version); err != nil {
		return err
	}
	shared, err := r.shared()
	if err != nil {
		return fmt.Errorf("reading what goes into every archive: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(r.Output), 0o755); err != nil {
		return fmt.Errorf("making the folder of the archives: %w", err)
	}
	var sums string
	err = pack.Replace(r.Output, Checksums, func(folder string) error {
		archives := make([]archive, len(Platforms))
		var making errgroup.Group
		for i, platform := range Platforms {
			making.Go(func() (err error) {
				archives[i], err = r.archive(folder, platform, shared)
				return err
			})
		}
		if err := making.Wait(); err != nil {
			return err
		}
		for _, a := range archives {
			sums += a.Digest + "  " + a.Name + "\n" + a.bill + "  " + a.Name + billOf + "\n"
		}
		manifests, err := r.manifests(archives)
		if err != nil {
			return err
		}
		return errors.Join(manifests.write(folder), write(folder, Checksums, []byte(sums)))
	})
	if err != nil {
		return fmt.Errorf("writing the release %s: %w", r.Output, err)
	}
	fmt.Fprint(out, sums)
	return nil
}

// shared gives the files that every archive has, by paths within it.
func (r Release) shared() ([]pack.File, error) {
	licences, err := os.ReadFile(r.Licences)
	if err != nil {
		return nil, err
	}
	files := []pack.File{{Path: "licences.md", Mode: 0o644, Content: licences}}
	found := os.DirFS(r.Shipped)
	err = fs.WalkDir(found, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(found, name)
		files = append(files, pack.File{Path: name, Mode: 0o644, Content: content})
		return err
	})
	return files, err
}

// archive writes the archive of one platform.
func (r Release) archive(folder string, platform Platform, shared []pack.File) (made archive, err error) {
	top, extension := platform.folder(r.Version), platform.extension()
	packed, exe := tarball, platform.exe()
	if extension == ".zip" {
		packed = pack.Zip
	}
	var files []pack.File
	var held []sbom.Program
	for _, name := range programs {
		program, err := os.ReadFile(filepath.Join(r.Programs, platform.OS+"-"+platform.Arch, name+exe))
		if err != nil {
			return made, fmt.Errorf("reading a program: %w", err)
		}
		files = append(files, pack.File{Path: path.Join("/", top, name+exe), Mode: 0o755, Content: program})
		held = append(held, sbom.Program{Name: name, Content: program})
	}
	for _, f := range shared {
		f.Path = path.Join("/", top, f.Path)
		files = append(files, f)
	}
	var text bytes.Buffer
	if err := packed(&text, files, r.Created); err != nil {
		return made, fmt.Errorf("packing %s: %w", top, err)
	}
	made = archive{Platform: platform, Name: top + extension, Digest: fmt.Sprintf("%x", sha256.Sum256(text.Bytes()))}
	bill, err := sbom.DocumentOfArchive(sbom.Archive{Name: made.Name, URL: made.url(r.Version), Version: r.Version, Digest: made.Digest, Created: r.Created, Programs: held})
	if err != nil {
		return made, err
	}
	made.bill = fmt.Sprintf("%x", sha256.Sum256(bill))
	return made, errors.Join(write(folder, made.Name, text.Bytes()), write(folder, made.Name+billOf, bill))
}

// write writes a file for everybody to read.
func write(folder, name string, text []byte) error {
	return os.WriteFile(filepath.Join(folder, name), text, 0o644) //nolint:gosec // for everybody to read
}

// tarball writes a tar archive compressed. Without a name and a time in its header,
// gzip's bytes follow from what it compresses.
func tarball(to io.Writer, files []pack.File, created time.Time) error {
	compressed := gzip.NewWriter(to)
	return errors.Join(pack.Tar(compressed, files, created), compressed.Close())
}
