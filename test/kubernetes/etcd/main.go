// The real etcd, for the kube-apiserver of the tests to store in. It is of the
// version that this Kubernetes is built with, and Debian's package would start
// a daemon for good on the machine of whoever runs the tests.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
