package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
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

// ask gives the digest of the manifest that the registry sends. What the registry
// says of it in a header must agree.
func ask(ctx context.Context, tag name.Tag) (string, error) {
	heard := &header{}
	described, err := remote.Get(tag, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(heard))
	if err != nil {
		return "", fmt.Errorf("asking %s: %w", tag.RegistryStr(), err)
	}
	if err := errUnlessImage(described.MediaType, described.Manifest); err != nil {
		return "", fmt.Errorf("asking %s: %w", tag.RegistryStr(), err)
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(described.Manifest))
	switch said := heard.digest; {
	case said == "" || said == digest:
		return digest, nil
	case !strings.HasPrefix(said, "sha256:"):
		return "", fmt.Errorf("asking %s: it knows the manifest of %s as %s: pin writes sha256 alone, so write the digest into the spec yourself", tag.RegistryStr(), tag, said)
	default:
		return "", fmt.Errorf("asking %s: it says that the manifest of %s is %s, and sends one that is %s: the registry or a proxy before it is broken, or lies", tag.RegistryStr(), tag, said, digest)
	}
}

// header notes which digest a registry says that its answer has, a field that it may
// leave out (opencontainers/distribution-spec spec.md, "Pulling manifests"). It
// follows as many redirects as net/http does by itself; the library's client follows
// any number.
type header struct{ digest string }

const mostRedirects = 10

func (h *header) RoundTrip(request *http.Request) (*http.Response, error) {
	redirects := 0
	for from := request.Response; from != nil; from = from.Request.Response {
		redirects++
	}
	if redirects >= mostRedirects {
		return nil, fmt.Errorf("stopped after %d redirects", mostRedirects)
	}
	answer, err := remote.DefaultTransport.RoundTrip(request)
	if err == nil {
		h.digest = cmp.Or(answer.Header.Get("Docker-Content-Digest"), h.digest)
	}
	return answer, err
}
