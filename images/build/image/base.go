package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Base is what images are built on. The zero Base is empty.
type Base struct {
	// given is what the user called it.
	given string
	// reference is its name in a registry, nil if it came from disk.
	reference name.Reference
	images    []Variant
}

// FindBase finds a base by its name. A name that begins with "." or "/" is a path on
// disk: the folder of an OCI layout, or an archive from docker save or podman save.
// Any other is the reference of an image in a registry, which FindBase asks with the
// user's own credentials.
func FindBase(ctx context.Context, given string) (b Base, err error) {
	defer wrap(&err, "finding the base image "+given)
	b.given = given
	if strings.HasPrefix(given, ".") || strings.HasPrefix(given, "/") {
		b.images, err = onDisk(given)
	} else {
		b.reference, b.images, err = inRegistry(ctx, given)
	}
	return b, err
}

func inRegistry(ctx context.Context, given string) (ref name.Reference, images []Variant, err error) {
	if ref, err = name.ParseReference(given); err != nil {
		return nil, nil, fmt.Errorf("%w (a path on disk begins with ./ or /)", err)
	}
	found, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	switch {
	case err != nil:
	case found.MediaType.IsIndex():
		images, err = ofIndex(found.ImageIndex())
	default:
		images, err = ofImage(nil)(found.Image())
	}
	return ref, images, err
}

func onDisk(path string) (images []Variant, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		defer wrap(&err, "reading an archive of one image")
		return ofImage(nil)(tarball.ImageFromPath(path, nil))
	}
	defer wrap(&err, "reading an OCI layout")
	if _, err = os.Stat(filepath.Join(path, "oci-layout")); err != nil {
		return nil, err
	}
	return ofIndex(layout.ImageIndexFromPath(path))
}

// ofIndex gives the images of an index that was read, at any depth, without what is
// attached to them, such as signatures.
func ofIndex(index v1.ImageIndex, err error) ([]Variant, error) {
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var images []Variant
	for _, m := range manifest.Manifests {
		var more []Variant
		switch {
		case m.MediaType.IsIndex():
			more, err = ofIndex(index.ImageIndex(m.Digest))
		case m.MediaType.IsImage():
			more, err = ofImage(m.Platform)(index.Image(m.Digest))
		}
		if err != nil {
			return nil, err
		}
		images = append(images, more...)
	}
	return images, nil
}

// ofImage gives an image that was read, for the platform that its index states or, with
// nil, the image itself; nothing for what is attached to another.
func ofImage(platform *v1.Platform) func(v1.Image, error) ([]Variant, error) {
	return func(image v1.Image, err error) ([]Variant, error) {
		if err != nil {
			return nil, err
		}
		manifest, err := image.Manifest()
		if err != nil || manifest.Subject != nil {
			return nil, err
		}
		if platform == nil {
			config, err := image.ConfigFile()
			if err != nil {
				return nil, err
			}
			if platform = config.Platform(); platform == nil {
				return nil, errors.New("the image does not say for which platform it is")
			}
		}
		return []Variant{{*platform, image}}, nil
	}
}

// On gives the base for a platform.
func (b Base) On(platform v1.Platform) (v1.Image, error) {
	if b.given == "" {
		return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), nil
	}
	var has []string
	var fit []v1.Image
	for _, v := range b.images {
		if v.Platform.OS == "unknown" {
			continue // an attestation of BuildKit's
		}
		has = append(has, v.Platform.String())
		if v.Platform.Satisfies(platform) {
			fit = append(fit, v.Image)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, fmt.Errorf("taking the base image %s: it is for %s, and not for %s", b.given, strings.Join(has, ", "), platform)
	case len(fit) > 1:
		return nil, fmt.Errorf("taking the base image %s: it holds %d images for %s, and one is needed", b.given, len(fit), platform)
	}
	return fit[0], nil
}

// digest gives the annotations that say what an image was built on, none if on nothing
// (github.com/opencontainers/image-spec annotations.md).
func (b Base) digest(under v1.Image) (map[string]string, error) {
	if b.given == "" {
		return nil, nil
	}
	digest, err := under.Digest()
	if err != nil {
		return nil, fmt.Errorf("reading the digest of the base image %s: %w", b.given, err)
	}
	annotations := map[string]string{"org.opencontainers.image.base.digest": digest.String()}
	if b.reference != nil {
		annotations["org.opencontainers.image.base.name"] = b.reference.Name()
	}
	return annotations, nil
}

// Missing gives the programs that are in none of the folders where a container looks
// for them.
func Missing(image v1.Image, programs []string) ([]string, error) {
	files := mutate.Extract(image)
	defer files.Close() //nolint:errcheck // reading only
	var found []string
	for archive := tar.NewReader(files); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("looking into an image: %w", err)
		}
		folder, file := path.Split(path.Clean("/" + header.Name))
		if slices.Contains(searched, folder) {
			found = append(found, file)
		}
	}
	return slices.DeleteFunc(slices.Clone(programs), func(p string) bool { return slices.Contains(found, p) }), nil
}

// Path is where container runtimes look for programs unless an image says otherwise.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

var searched = strings.Split(strings.ReplaceAll(Path, ":", "/:")+"/", ":")

// Repository is where the base is published, "" if it came from disk.
func (b Base) Repository() string {
	if b.reference == nil {
		return ""
	}
	return b.reference.Context().Name()
}
