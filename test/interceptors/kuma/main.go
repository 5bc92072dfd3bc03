//go:build borrowed

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"

	"github.com/kumahq/kuma/v2/pkg/plugins/runtime/k8s/metadata"
	"github.com/kumahq/kuma/v2/pkg/transparentproxy/kubernetes"
	corev1 "k8s.io/api/core/v1"

	"github.com/krm-bypass/krm-bypass/test/interceptors/kuma/install"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is what the injector (pkg/plugins/runtime/k8s/webhooks/injector/injector.go,
// NewAnnotations, NewInitContainer) has the container do.
func run(annotations string, further ...string) error {
	// Those of the injector's own, by pkg/config/app/kuma-cp/kuma-cp.defaults.yaml.
	var pod corev1.Pod
	pod.Annotations = map[string]string{
		metadata.KumaSidecarUID:                                "5678",
		metadata.KumaTransparentProxyingInboundPortAnnotation:  "15006",
		metadata.KumaTransparentProxyingOutboundPortAnnotation: "15001",
		metadata.KumaBuiltinDNS:                                metadata.AnnotationEnabled,
		metadata.KumaBuiltinDNSPort:                            "15053",
	}
	var said map[string]string
	if err := json.Unmarshal([]byte(annotations), &said); err != nil {
		return err
	}
	maps.Copy(pod.Annotations, said)
	redirect, err := kubernetes.NewPodRedirectForPod(&pod)
	if err != nil {
		return err
	}
	command := install.TransparentProxy()
	command.Flags().String("config-file", "", "of kumactl itself")
	command.SetArgs(append(redirect.AsKumactlCommandLine(), further...))
	return command.Execute()
}
