//go:build borrowed

// Package install is kumactl's command of that name.
package install

import "github.com/spf13/cobra"

// TransparentProxy is kumactl install transparent-proxy.
func TransparentProxy() *cobra.Command { return newInstallTransparentProxy() }
