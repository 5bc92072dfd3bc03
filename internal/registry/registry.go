package registry

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Pin gives an image, written as name:tag, with the digest of what stands behind
// the tag now, as name:tag@digest: that of the index, where an image has one for
// several platforms. A digest that it has already is replaced; one without a tag
// says all there is to say, and stays. Without either, the tag is latest.
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

// digest asks twice: behind some registries are several servers, of which one may
// not have heard yet of what was pushed to another, and a proxy may answer from
// its memory.
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
		return "", fmt.Errorf("asked twice, %s said %s and then %s: the tag is being moved, try again in a while", tag.RegistryStr(), first, second)
	}
	return first, nil
}

func ask(ctx context.Context, tag name.Tag) (string, error) {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	// A HEAD request does not count against the limits that some registries have
	// for pulls, but not all of them answer it.
	if described, err := remote.Head(tag, options...); err == nil {
		return described.Digest.String(), nil
	}
	described, err := remote.Get(tag, options...)
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", tag.RegistryStr(), err)
	}
	return described.Digest.String(), nil
}
