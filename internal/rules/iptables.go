package rules

import (
	"errors"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const iptablesName = "iptables"

// iptablesBackend programs iptables-legacy, by its programs.
type iptablesBackend struct{}

func (iptablesBackend) Name() string { return iptablesName }

// Show gives the rules of both families as iptables-restore and
// ip6tables-restore load them.
func (iptablesBackend) Show(s traffic.Settings) (string, error) {
	ruleset, err := legacy.Compile(s)
	if err != nil {
		return "", err
	}
	return ruleset.Text(), nil
}

// Apply replaces our chains, a family in one transaction, and reads them back.
func (iptablesBackend) Apply(s traffic.Settings) error {
	return taking(turnName, turnPatience, func() error { return explainedRights(legacy.Apply(s)) })
}

// Verify compares the kernel's chains with those of the settings.
func (iptablesBackend) Verify(s traffic.Settings) (Differences, error) {
	found, err := legacy.Verify(s)
	return found, explainedRights(err)
}

// Clean deletes our chains and what leads to them.
func (iptablesBackend) Clean() error {
	return taking(turnName, turnPatience, func() error { return explainedRights(legacy.Clean()) })
}

// explainedRights says which rights are missing. To speak to the kernel,
// iptables-legacy opens a raw socket (iptables libiptc/libiptc.c, TC_INIT).
func explainedRights(err error) error {
	if errors.Is(err, errors.ErrUnsupported) || !isAny(err, lacksRights) {
		return err
	}
	return fmt.Errorf("%w: iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, add them to the container's securityContext.capabilities.add, as krm-bypass does where spec.enforcement.backend is iptables", err)
}
