// The real kube-controller-manager, which makes of a Deployment its ReplicaSets,
// of a CronJob its Jobs, and of an admission policy's expressions its type
// warnings.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	os.Exit(cli.Run(app.NewControllerManagerCommand()))
}
