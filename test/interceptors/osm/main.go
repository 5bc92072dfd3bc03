//go:build borrowed

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/openservicemesh/osm/pkg/apis/config/v1alpha2"
	corev1 "k8s.io/api/core/v1"

	"github.com/krm-bypass/krm-bypass/test/interceptors/osm/injector"
)

func main() {
	command, err := command(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(command)
}

func command(annotations, spec string) (string, error) {
	var pod corev1.Pod
	if err := json.Unmarshal([]byte(annotations), &pod.Annotations); err != nil {
		return "", err
	}
	var config v1alpha2.MeshConfigSpec
	if err := json.Unmarshal([]byte(spec), &config); err != nil {
		return "", err
	}
	return injector.Command(&pod, config)
}
