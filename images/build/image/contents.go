package image

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

// Contents is what an image adds to its base.
type Contents struct {
	// Files go into one layer. The folders above them need not be listed; a
	// folder of the base keeps its mode only if it is not.
	Files []pack.File
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
	if err := pack.Tar(&archive, c.Files, c.Created); err != nil {
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
