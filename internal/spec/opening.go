package spec

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// SchemaFile is the file with the JSON Schema to which editors are led.
const SchemaFile = "clusterbypass.schema.json"

// Opening is how the file of a ClusterBypass begins that works where it stands: down to
// spec, with what editors and kustomize look for. The name is a YAML text as it is
// written. The program is what kustomize calls.
func Opening(name, program string) string {
	return fmt.Sprintf(opening, SchemaFile, v1alpha1.APIVersion, v1alpha1.Kind, name, FunctionAnnotation, program)
}

const opening = `# yaml-language-server: $schema=%[1]s
# (krm-bypass schema > %[1]s makes that file.)
apiVersion: %[2]s
kind: %[3]s
metadata:
  name: %[4]s
  annotations:
    # It is never applied to a cluster.
    config.kubernetes.io/local-config: "true"
    # By this kustomize calls krm-bypass, if it lists this file under transformers.
    # It looks up a bare name in $PATH, and a path with a slash in its own folder.
    # Where you cannot install a program, name an image of yours in place of exec:
    #   container: {image: registry.example.com/mesh/krm-bypass:v0.1.0}
    %[5]s: |
      exec:
        path: %[6]s
spec:
`

// Unbroken gives a text, such as a file's name, without the characters that would end a
// comment in a spec: blanks stand in their place.
func Unbroken(text string) string { return breaking.Regexp().ReplaceAllString(text, " ") }

var breaking = pattern.Of(`[\p{C}\x{2028}\x{2029}]`)
