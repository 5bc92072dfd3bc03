package image

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Contents is what an image adds to its base.
type Contents struct {
	// Files go into one layer. The folders above them need not be listed; a
	// folder of the base keeps its mode only if it is not.
	Files []File
	// Entrypoint replaces the base's entrypoint and command.
	Entrypoint []string
	// Env holds NAME=VALUE entries, which go before those of the base.
	Env []string
	// User is a numeric "UID:GID", so that a cluster can tell it from root
	// without looking into the image; "" for the base's.
	User string
	// Annotations stand in the manifest and, since docker inspect shows no
	// annotations, as labels in the configuration.
	Annotations map[string]string
	// Created is the time of the image and of all files that it adds.
	Created time.Time
}

// File is a file or a folder, owned by root.
type File struct {
	// Path is absolute.
	Path string
	// Mode holds the permission bits and, as in tar, the sticky bit.
	Mode int64
	// Content is nil for a folder.
	Content []byte
}

// Folder is a folder with a mode of its own.
func Folder(path string, mode int64) File { return File{Path: path, Mode: mode} }

const (
	ordinaryFolder = 0o755
	// sticky is tar's bit for what chmod calls +t (archive/tar, c_ISVTX).
	sticky = 0o1000
	// EveryonesFolder is the mode of /tmp.
	EveryonesFolder = sticky | 0o777
)

// On gives the image for a platform.
func (c Contents) On(base Base, platform v1.Platform) (v1.Image, error) {
	under, err := base.On(platform)
	if err != nil {
		return nil, err
	}
	layer, err := c.layer(under)
	if err != nil {
		return nil, err
	}
	built, err := mutate.Append(under, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: c.Created}, CreatedBy: strings.Join(c.Entrypoint, " "), Comment: c.Annotations["org.opencontainers.image.source"]},
	})
	if err != nil {
		return nil, fmt.Errorf("adding a layer: %w", err)
	}
	config, err := built.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if built, err = mutate.ConfigFile(built, c.configure(config.DeepCopy(), platform)); err != nil {
		return nil, fmt.Errorf("configuring the image: %w", err)
	}
	digest, err := base.digest(under)
	if err != nil {
		return nil, err
	}
	annotations := maps.Clone(c.Annotations)
	maps.Copy(annotations, digest)
	return mutate.Annotations(built, annotations).(v1.Image), nil
}

func (c Contents) configure(config *v1.ConfigFile, platform v1.Platform) *v1.ConfigFile {
	config.OS, config.Architecture, config.Variant = platform.OS, platform.Architecture, platform.Variant
	config.Created = v1.Time{Time: c.Created}
	config.Config.Entrypoint, config.Config.Cmd = c.Entrypoint, nil
	config.Config.Env = merged(c.Env, config.Config.Env)
	if c.User != "" {
		config.Config.User = c.User
	}
	if config.Config.Labels == nil {
		config.Config.Labels = map[string]string{}
	}
	maps.Copy(config.Config.Labels, c.Annotations)
	return config
}

// merged gives the first's entries, and the second's for names that the first lacks.
func merged(first, second []string) []string {
	said := slices.Clone(first)
	for _, entry := range second {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.ContainsFunc(first, func(one string) bool { return strings.HasPrefix(one, name+"=") }) {
			said = append(said, entry)
		}
	}
	return said
}

// layer gives the files as a layer, with a media type that fits the base's manifest.
func (c Contents) layer(under v1.Image) (layer v1.Layer, err error) {
	defer wrap(&err, "making a layer")
	var archive bytes.Buffer
	if err := c.archive(&archive); err != nil {
		return nil, err
	}
	mediaType := types.OCILayer
	if of, err := under.MediaType(); err != nil {
		return nil, fmt.Errorf("reading the base's media type: %w", err)
	} else if of == types.DockerManifestSchema2 {
		mediaType = types.DockerLayer
	}
	return tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil },
		tarball.WithMediaType(mediaType), tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
}

func (c Contents) archive(to io.Writer) error {
	w := tar.NewWriter(to)
	for _, f := range c.withFolders() {
		// Everything that a file system would put there is fixed, so that
		// neither the builder's umask nor its clock is in the image.
		header := &tar.Header{
			Name:     strings.TrimPrefix(f.Path, "/"),
			Mode:     f.Mode,
			Size:     int64(len(f.Content)),
			ModTime:  c.Created,
			Typeflag: tar.TypeReg,
			Format:   tar.FormatUSTAR,
		}
		if f.Content == nil {
			header.Typeflag = tar.TypeDir
			header.Name += "/"
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(f.Content); err != nil {
			return err
		}
	}
	return w.Close()
}

// withFolders gives the files in the order of their paths, each folder before
// what is in it.
func (c Contents) withFolders() []File {
	files := slices.Clone(c.Files)
	given := map[string]bool{"/": true}
	for _, f := range files {
		given[f.Path] = true
	}
	for _, f := range c.Files {
		for folder := path.Dir(f.Path); !given[folder]; folder = path.Dir(folder) {
			given[folder] = true
			files = append(files, Folder(folder, ordinaryFolder))
		}
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}

// Variant is an image of an index.
type Variant struct {
	Platform v1.Platform
	Image    v1.Image
}

// Index gives one image for several platforms.
func Index(annotations map[string]string, variants ...Variant) v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, v := range variants {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: v.Image, Descriptor: v1.Descriptor{Platform: &v.Platform}})
	}
	return mutate.Annotations(index, annotations).(v1.ImageIndex)
}
