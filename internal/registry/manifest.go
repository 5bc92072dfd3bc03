package registry

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// indexes says of each media type that containerd reads as what an image is, whether
// it is an index (containerd core/images/mediatypes.go, IsManifestType and IsIndexType).
var indexes = map[types.MediaType]bool{
	types.OCIImageIndex:         true,
	types.DockerManifestList:    true,
	types.OCIManifestSchema1:    false,
	types.DockerManifestSchema2: false,
}

// errUnlessImage refuses what stands behind a tag and no node can run, such as a
// chart, and what is no registry's answer, such as a proxy's page.
func errUnlessImage(contentType types.MediaType, text []byte) error {
	// Some registries write an encoding behind the type (containerd
	// core/remotes/docker/resolver.go, getManifestMediaType).
	name, _, _ := strings.Cut(string(contentType), ";")
	mediaType := types.MediaType(name)
	isIndex, known := indexes[mediaType]
	if !known {
		return fmt.Errorf("it sends %q: only an OCI or Docker manifest or index of an image can be pinned; is this a proxy's page, or no image?", contentType)
	}
	var is struct {
		MediaType types.MediaType `json:"mediaType"`
		Config    *struct {
			MediaType types.MediaType `json:"mediaType"`
		} `json:"config"`
		Manifests *[]any          `json:"manifests"`
		Layers    *[]any          `json:"layers"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	switch err := json.Unmarshal(text, &is); {
	case err != nil:
		return fmt.Errorf("reading the %s: %w", mediaType, err)
	case is.MediaType != "" && is.MediaType != mediaType:
		return fmt.Errorf("it sends a %s that says it is a %s: the registry or a proxy before it is broken", mediaType, is.MediaType)
	case isIndex && (is.Manifests == nil || is.Config != nil || is.Layers != nil), !isIndex && (is.Config == nil || is.Manifests != nil), is.FSLayers != nil:
		// containerd core/images/image.go, validateMediaType
		return fmt.Errorf("it sends a %s whose fields are not those of one: the registry or a proxy before it is broken", mediaType)
	case !isIndex && is.Config.MediaType != types.OCIConfigJSON && is.Config.MediaType != types.DockerConfigJSON:
		return fmt.Errorf("what stands behind the tag is no image: its config is %q", is.Config.MediaType)
	}
	return nil
}
