package registry

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pin adds to an image, written as name:tag, the digest that the tag stands for
// now: name:tag@digest. If the image has an index for several platforms, that is
// the index's digest. Pin replaces a digest that is there already, but leaves a
// digest without a tag alone, which says everything. Without either, the tag is
// latest.
func Pin(ctx context.Context, image string) (string, error) {
	tagged, _, digested := strings.Cut(image, "@")
	if digested {
		// The library takes a digest without looking at the tag beside it.
		if _, err := name.NewDigest(image); err != nil {
			return "", err
		}
	}
	tag, err := name.NewTag(tagged)
	switch {
	case err != nil:
		return "", err
	case !strings.HasSuffix(tagged, ":"+tag.TagStr()) && digested:
		return image, nil
	case !strings.HasSuffix(tagged, ":"+tag.TagStr()):
		tagged += ":" + tag.TagStr()
	}
	digest, err := digest(ctx, tag)
	if err != nil {
		return "", err
	}
	return tagged + "@" + digest, nil
}

// digest asks twice: some registries have several servers, and one may not know yet
// what was pushed to another. A proxy may answer from memory.
func digest(ctx context.Context, tag name.Tag) (string, error) {
	first, err := ask(ctx, tag)
	if err != nil {
		return "", err
	}
	second, err := ask(ctx, tag)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", fmt.Errorf("asked twice, %s said %s and then %s: somebody is moving the tag, try again later", tag.RegistryStr(), first, second)
	}
	return first, nil
}

func ask(ctx context.Context, tag name.Tag) (string, error) {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	// A HEAD request does not count against the limits that some registries set
	// for pulls, but not every registry answers it.
	if described, err := remote.Head(tag, options...); err == nil {
		return described.Digest.String(), nil
	}
	described, err := remote.Get(tag, options...)
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", tag.RegistryStr(), err)
	}
	return described.Digest.String(), nil
}
