package image

import (
	"encoding/json"
	"errors"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// emptyConfig is what stands for the configuration that an attachment does not
// have (github.com/opencontainers/image-spec manifest.md, at
// artifactType).
const (
	emptyConfig      = "{}"
	emptyConfigMedia = types.MediaType("application/vnd.oci.empty.v1+json")
)

// Attach turns a document into a manifest that refers to an image, so that registries
// list it with the image (github.com/opencontainers/
// distribution-spec spec.md, "Listing Referrers").
func Attach(to v1.Image, mediaType string, document []byte, annotations map[string]string) (attached v1.Image, err error) {
	defer wrap(&err, "attaching to an image")
	subject, err := partial.Descriptor(to)
	if err != nil {
		return nil, err
	}
	// What a reference to the image needs, and no more.
	subject = &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	layer := static.NewLayer(document, types.MediaType(mediaType))
	described, err := partial.Descriptor(layer)
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(strings.NewReader(emptyConfig))
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  mediaType,
		Config:        v1.Descriptor{MediaType: emptyConfigMedia, Digest: digest, Size: size},
		Layers:        []v1.Descriptor{*described},
		Annotations:   annotations,
		Subject:       subject,
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&attachment{manifest: manifest, layer: layer})
}

// attachment is an image of one layer, which nobody runs.
type attachment struct {
	manifest []byte
	layer    v1.Layer
}

var _ partial.CompressedImageCore = (*attachment)(nil)

func (a *attachment) RawConfigFile() ([]byte, error)      { return []byte(emptyConfig), nil }
func (a *attachment) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *attachment) RawManifest() ([]byte, error)        { return a.manifest, nil }

func (a *attachment) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	has, err := a.layer.Digest()
	if err != nil {
		return nil, err
	}
	if digest != has {
		return nil, errors.New("an attachment has one layer, and it is another")
	}
	return a.layer, nil
}
