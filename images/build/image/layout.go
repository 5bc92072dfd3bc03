package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
)

// The annotations by which tools find an image in a layout: the tag alone
// (github.com/opencontainers/image-spec annotations.md), and the whole reference,
// which containerd takes (containerd/containerd core/images/annotations.go).
const (
	refName   = "org.opencontainers.image.ref.name"
	imageName = "io.containerd.image.name"
)

// wrap says what failed with an error, if one did.
func wrap(err *error, doing string) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", doing, *err)
	}
}

// WriteLayout writes an index, and what is attached to its images, as an OCI layout
// into a folder of its own. It deletes the folder's former content only when the new
// one is complete.
func WriteLayout(folder string, tag name.Tag, index v1.ImageIndex, attachments []v1.Image) (err error) {
	defer wrap(&err, "writing the OCI layout "+folder)
	return pack.Replace(folder, "oci-layout", func(temporary string) error {
		to, err := layout.Write(temporary, empty.Index)
		if err != nil {
			return err
		}
		if err := to.AppendIndex(index, layout.WithAnnotations(map[string]string{refName: tag.TagStr(), imageName: tag.Name()})); err != nil {
			return err
		}
		for _, a := range attachments {
			if err := to.AppendImage(a); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteArchive writes an image of one platform as docker save would.
func WriteArchive(path string, tag name.Tag, image v1.Image) (err error) {
	defer wrap(&err, "writing the archive "+path)
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(tarball.Write(tag, image, file), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Push pushes a layout that WriteLayout wrote, and the tag last: whoever finds the tag
// finds what is attached to it too. The repository is the last part of the layout's
// name for the image, below the given registry, which may have a path, as in
// "ghcr.io/krm-bypass". Push gives the reference with tag and digest, and uses the
// user's own credentials.
func Push(ctx context.Context, folder, registry string) (pushed string, err error) {
	defer wrap(&err, "pushing "+folder+" to "+registry)
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	named := slices.IndexFunc(manifest.Manifests, func(m v1.Descriptor) bool { return m.Annotations[imageName] != "" })
	if named < 0 {
		return "", fmt.Errorf("no image in it is annotated with %s", imageName)
	}
	tag, err := retarget(manifest.Manifests[named].Annotations[imageName], registry)
	if err != nil {
		return "", err
	}
	parts, err := partial.Manifests(index)
	if err != nil {
		return "", err
	}
	pusher, err := remote.NewPusher(remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", err
	}
	put := func(as name.Reference, part int) {
		if err == nil {
			err = pusher.Push(ctx, as, parts[part].(remote.Taggable))
		}
	}
	for i, m := range manifest.Manifests {
		put(tag.Digest(m.Digest.String()), i)
	}
	put(tag, named)
	return tag.Name() + "@" + manifest.Manifests[named].Digest.String(), err
}

func retarget(called, registry string) (name.Tag, error) {
	was, err := name.NewTag(called)
	if err != nil {
		return name.Tag{}, err
	}
	return name.NewTag(registry + "/" + filepath.Base(was.RepositoryStr()) + ":" + was.TagStr())
}
