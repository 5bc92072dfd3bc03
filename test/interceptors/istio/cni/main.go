//go:build borrowed

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/krm-bypass/krm-bypass/test/interceptors/istio/cni/plugin"
)

func main() {
	native := flag.Bool("native-nftables", false, "write nftables")
	binary := flag.String("force-iptables-binary", "", "nft or legacy: the node has no other")
	redirectDNS := flag.Bool("redirect-dns", false, "the proxy has ISTIO_META_DNS_CAPTURE")
	dualStack := flag.Bool("dual-stack", false, "the proxy has ISTIO_DUAL_STACK")
	flag.Parse()
	pod := &plugin.PodInfo{ProxyEnvironments: map[string]string{
		"ISTIO_META_DNS_CAPTURE": strconv.FormatBool(*redirectDNS),
		"ISTIO_DUAL_STACK":       strconv.FormatBool(*dualStack),
	}}
	if err := install(pod, *native, *binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func install(pod *plugin.PodInfo, native bool, binary string) error {
	if err := json.NewDecoder(os.Stdin).Decode(&pod.Annotations); err != nil {
		return fmt.Errorf("reading the pod's annotations: %w", err)
	}
	redirect, err := plugin.NewRedirect(pod)
	if err != nil {
		return err
	}
	manager := plugin.IptablesInterceptRuleMgr()
	if native {
		manager = plugin.NftablesInterceptRuleMgr()
	}
	if binary != "" {
		folder, err := onlyIptables(binary)
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	}
	return manager.Program("pod", "/proc/self/ns/net", redirect)
}

// onlyIptables leaves in PATH only the iptables of one kind, by its plain name: the plugin
// has no setting for it and takes what the node has.
func onlyIptables(kind string) (string, error) {
	folder, err := os.MkdirTemp("", "iptables-")
	if err != nil {
		return "", err
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, end := range []string{"", "-save", "-restore"} {
			found, err := exec.LookPath(family + "-" + kind + end)
			if err != nil {
				return folder, err
			}
			if err := os.Symlink(found, filepath.Join(folder, family+end)); err != nil {
				return folder, err
			}
		}
	}
	return folder, os.Setenv("PATH", folder)
}
