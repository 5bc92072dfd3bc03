package interceptor

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// The annotations of which Kuma's injector makes the configuration of its init
// container (kumahq/kuma pkg/plugins/runtime/k8s/metadata/annotations.go).
const (
	kumaInboundPorts   = "traffic.kuma.io/exclude-inbound-ports"
	kumaOutboundPorts  = "traffic.kuma.io/exclude-outbound-ports"
	kumaInboundRanges  = "traffic.kuma.io/exclude-inbound-ips"
	kumaOutboundRanges = "traffic.kuma.io/exclude-outbound-ips"
)

// KumaProxy is kuma-dp with Envoy (kumahq/kuma pkg/config/app/kuma-cp/kuma-cp.defaults.yaml).
// It calls its application at the pod's address and from 127.0.0.6
// (api/mesh/v1alpha1/dataplane_helpers.go:313-317,
// pkg/xds/generator/inbound_proxy_generator.go:45-53).
var KumaProxy = Proxy{UID: lab.KumaProxy, Outbound: 15001, Inbound: 15006, DNS: 15053, CallsFrom: lab.InboundSource}

// KumaProgram is what Kuma's init container does by kumactl 2.7.20, the newest that the Go
// module proxy has, to be built by lab.Main.
var KumaProgram = lab.Program{Name: "kuma-init", Directory: "test/interceptors/kuma", Borrows: &lab.Borrowed{
	Module:  "github.com/kumahq/kuma/v2",
	Version: "v2.7.20",
	Sum:     "h1:0SodurnpXzOhb0t6XXNBtEDoLnP4nZOtX8psAmIB4dc=",
	Package: "app/kumactl/cmd/install",
	Files:   []string{"install_transparent_proxy.go"},
}}

// Kuma27Init is the container kuma-init by that program, which takes nft where it can. It
// knows no annotation about ranges: they are in kumahq/kuma since 2.9 (CHANGELOG.md).
type Kuma27Init struct{}

// once: by then it has fallen back to legacy, and left its rules there too.
func (Kuma27Init) once() once {
	return once{IptablesNFT, "KUMA_MESH_INBOUND", "iptables-nft-restore failed"}
}

// Run runs it, without the four retries, which take eight seconds, and with little patience
// for names: it lists the rules (pkg/transparentproxy/transparentproxy_v2.go,
// ShouldEnableIPv6), and ip6tables asks for the name of each address in them, where nobody
// answers.
func (Kuma27Init) Run(pod *lab.Host, annotations map[string]string) error {
	text, err := json.Marshal(annotations)
	if err != nil {
		return err
	}
	command := exec.Command(lab.Binary(KumaProgram.Name), string(text), "--max-retries=0")
	command.Env = append(os.Environ(), "RES_OPTIONS=timeout:1 attempts:1")
	_, err = pod.Try(command)
	return err
}

// KumaInit is the container kuma-init, `kumactl install transparent-proxy`: kumahq/kuma at
// 348b652 (3.0-dev), written down, since the Go module proxy refuses its module, as it does
// v2.13.4 ("403 Forbidden: This module version is not available"). The lines are those of pkg/transparentproxy/iptables/builder/builder_table_nat.go, if
// nothing else is said; what the real program left for some annotations is in
// test/e2e/testdata/rules/kuma.txt.
type KumaInit struct {
	// Backend is the one whose programs it runs; where it may choose, "", it is nft,
	// unless legacy alone has rules.
	Backend Backend
	// IPv4 has it leave IPv6 alone: ipFamilyMode.
	IPv4 bool
	// NoDNS switches off what is on by default, to take all DNS (deployments/charts/kuma/values.yaml).
	NoDNS bool
	// TakesTCP has it take DNS over TCP too, as before 2.13.1, 2.12.6 and 2.11.9: release-2.9
	// at 091bb03.
	TakesTCP bool
}

// Run runs it. Rules of its own that are there it takes away first, in both families; what
// it writes for IPv6 needs a pod with an address of it (pkg/transparentproxy/config/config.go:801-820,
// iptables/setup.go:15-45).
func (k KumaInit) Run(pod *lab.Host, annotations map[string]string) error {
	exclusions, err := kumaExclusionsOf(annotations)
	if err != nil {
		return err
	}
	suffix, err := k.suffix(pod)
	if err != nil {
		return err
	}
	families := []kumaFamily{kumaIPv4}
	addresses, err := pod.Try(exec.Command("ip", "-6", "-oneline", "address", "show"))
	if err != nil {
		return err
	}
	if !k.IPv4 && strings.Count(addresses, "\n") > strings.Count(addresses, " ::1/128 ") {
		families = append(families, kumaIPv6)
		if _, err := pod.Try(exec.Command("ip", "-6", "address", "replace", "::6/128", "dev", "lo")); err != nil {
			return err
		}
	}
	for _, family := range families {
		if err := family.cleanUp(pod, suffix); err != nil {
			return err
		}
	}
	for _, family := range families {
		if err := restore(pod, k.rules(family, exclusions), family.iptables+suffix+"-restore", "--noflush"); err != nil {
			return err
		}
	}
	return nil
}

// suffix is that of the programs (pkg/transparentproxy/config/config_executables.go:432-476,
// config_executables_functionality.go, verifyExistingRules).
func (k KumaInit) suffix(pod *lab.Host) (string, error) {
	if k.Backend != "" {
		return strings.TrimPrefix(string(k.Backend), "iptables"), nil
	}
	has := map[string]bool{}
	for _, suffix := range []string{"-nft", "-legacy"} {
		saved, err := save(pod, "iptables"+suffix+"-save")
		if err != nil {
			return "", err
		}
		has[suffix] = strings.Contains(saved, "\n-A ")
	}
	if has["-legacy"] && !has["-nft"] {
		return "-legacy", nil
	}
	return "-nft", nil
}

// kumaFamily is what differs between the families (pkg/transparentproxy/consts/consts.go:48-56).
type kumaFamily struct {
	iptables, passthrough, localhost string
	is4                              bool
}

var (
	kumaIPv4 = kumaFamily{"iptables", "127.0.0.6/32", "127.0.0.1/32", true}
	kumaIPv6 = kumaFamily{"ip6tables", "::6/128", "::1/128", false}
)

// By these its rules are found again (pkg/transparentproxy/consts/consts.go).
const (
	kumaChains   = "KUMA_MESH"
	kumaComments = "kuma/mesh/transparent/proxy/"
)

// cleanUp is cleanupIPvX (iptables/setup.go:51-119): the whole ruleset is saved, and
// loaded again without the lines that are Kuma's.
func (f kumaFamily) cleanUp(pod *lab.Host, suffix string) error {
	saved, err := save(pod, f.iptables+suffix+"-save")
	if err != nil || !strings.Contains(saved, kumaChains) && !strings.Contains(saved, kumaComments) {
		return err
	}
	var kept []string
	for line := range strings.Lines(saved) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, kumaComments) && !strings.Contains(line, kumaChains) {
			kept = append(kept, line)
		}
	}
	return restore(pod, strings.Join(kept, ""), f.iptables+suffix+"-restore")
}

// save is what such a program prints, but for its warnings.
func save(pod *lab.Host, command string) (string, error) {
	return pod.Try(exec.Command("sh", "-c", command+" 2>/dev/null"))
}

func restore(pod *lab.Host, rules string, command ...string) error {
	run := exec.Command(command[0], command[1:]...)
	run.Stdin = strings.NewReader(rules)
	if _, err := pod.Try(run); err != nil {
		return fmt.Errorf("%w\n%s", err, rules)
	}
	return nil
}

// rules is what it feeds to iptables-restore. Where the real program explains each rule
// in a comment, these have the beginning of it, by which they are found again.
func (k KumaInit) rules(family kumaFamily, exclusions kumaExclusions) string {
	var text strings.Builder
	rule := func(format string, arguments ...any) {
		fmt.Fprintf(&text, format+" -m comment --comment "+kumaComments+"\n", arguments...)
	}
	const uid, dns = lab.KumaProxy, 15053
	if !k.NoDNS { // builder_table_raw.go:18-53
		text.WriteString("*raw\n")
		rule("-A PREROUTING -p udp --sport 53 -j CT --zone 1")
		rule("-A OUTPUT -p udp --dport 53 -m owner --uid-owner %d -j CT --zone 1", uid)
		rule("-A OUTPUT -p udp --sport %d -m owner --uid-owner %d -j CT --zone 2", dns, uid)
		rule("-A OUTPUT -p udp --dport 53 -j CT --zone 2")
		text.WriteString("COMMIT\n")
	}
	text.WriteString("*nat\n-N KUMA_MESH_INBOUND\n-N KUMA_MESH_OUTBOUND\n-N KUMA_MESH_INBOUND_REDIRECT\n-N KUMA_MESH_OUTBOUND_REDIRECT\n")
	rule("-A PREROUTING -p tcp -j KUMA_MESH_INBOUND") // :331-341

	// At the top of what is there: :219-306.
	position := 0
	insert := func(format string, arguments ...any) {
		position++
		rule("-I OUTPUT %d "+format, append([]any{position}, arguments...)...)
	}
	for _, excluded := range exclusions.outboundRanges.of(family) {
		insert("-d %s -j RETURN", excluded)
	}
	otherThanDNS := "" // what does not stand in the way of DNS over TCP to 127.0.0.1
	if !k.NoDNS {
		insert("-p udp --dport 53 -m owner --uid-owner %d -j RETURN", uid)
		insert("-p udp --dport 53 -j REDIRECT --to-ports %d", dns)
		if k.TakesTCP {
			otherThanDNS = "! --dport 53 "
		} else {
			rule("-A OUTPUT -p tcp --dport 53 -m owner ! --uid-owner %d -j RETURN", uid)
		}
	}
	rule("-A OUTPUT -p tcp -j KUMA_MESH_OUTBOUND")

	for _, excluded := range exclusions.inboundRanges.of(family) { // :39-83
		rule("-A KUMA_MESH_INBOUND -s %s -j RETURN", excluded)
	}
	for _, port := range exclusions.inboundPorts {
		rule("-A KUMA_MESH_INBOUND -p tcp --dport %d -j RETURN", port)
	}
	rule("-A KUMA_MESH_INBOUND -p tcp -j KUMA_MESH_INBOUND_REDIRECT")

	for _, port := range exclusions.outboundPorts { // :100-200
		rule("-A KUMA_MESH_OUTBOUND -p tcp --dport %d -j RETURN", port)
	}
	rule("-A KUMA_MESH_OUTBOUND -s %s -o lo -j RETURN", family.passthrough)
	rule("-A KUMA_MESH_OUTBOUND -p tcp %s-o lo ! -d %s -m owner --uid-owner %d -j KUMA_MESH_INBOUND_REDIRECT", otherThanDNS, family.localhost, uid)
	rule("-A KUMA_MESH_OUTBOUND -p tcp %s-o lo -m owner ! --uid-owner %d -j RETURN", otherThanDNS, uid)
	rule("-A KUMA_MESH_OUTBOUND -m owner --uid-owner %d -j RETURN", uid)
	if !k.NoDNS && k.TakesTCP {
		rule("-A KUMA_MESH_OUTBOUND -p tcp --dport 53 -j REDIRECT --to-ports %d", dns)
	}
	rule("-A KUMA_MESH_OUTBOUND -d %s -j RETURN", family.localhost)
	rule("-A KUMA_MESH_OUTBOUND -j KUMA_MESH_OUTBOUND_REDIRECT")

	rule("-A KUMA_MESH_INBOUND_REDIRECT -p tcp -j REDIRECT --to-ports %d", KumaProxy.Inbound) // :208-217
	rule("-A KUMA_MESH_OUTBOUND_REDIRECT -p tcp -j REDIRECT --to-ports %d", KumaProxy.Outbound)
	text.WriteString("COMMIT\n")
	return text.String()
}

// kumaExclusions is what annotations come to.
type kumaExclusions struct {
	inboundPorts, outboundPorts   []uint16
	inboundRanges, outboundRanges kumaRanges
}

// kumaExclusionsOf is ConfigForKubernetes (pkg/transparentproxy/kubernetes/kubernetes_config.go:320-430).
// An error of it denies the pod.
func kumaExclusionsOf(annotations map[string]string) (kumaExclusions, error) {
	var all kumaExclusions
	var errs [4]error
	all.inboundPorts, errs[0] = kumaPorts(annotations[kumaInboundPorts])
	all.outboundPorts, errs[1] = kumaPorts(annotations[kumaOutboundPorts])
	all.inboundRanges, errs[2] = kumaRangesOf(annotations[kumaInboundRanges])
	all.outboundRanges, errs[3] = kumaRangesOf(annotations[kumaOutboundRanges])
	// The proxy for the application's probes: kuma.io/application-probe-proxy-port.
	all.inboundPorts = append(all.inboundPorts, 9001)
	return all, firstOf(errs[:])
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// kumaPorts is Ports.append (pkg/transparentproxy/config/config.go:126-148).
func kumaPorts(list string) ([]uint16, error) {
	var ports []uint16
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		port, err := strconv.ParseUint(entry, 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("value '%s' is not a valid port (uint16 in the range [1, 65535])", entry)
		}
		ports = append(ports, uint16(port))
	}
	return ports, nil
}

// kumaRanges are ranges and addresses of both families.
type kumaRanges []string

// kumaRangesOf is parseExcludePortsForIPs (pkg/transparentproxy/config/utils.go:146-171).
func kumaRangesOf(list string) (kumaRanges, error) {
	var ranges kumaRanges
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if _, err := kumaAddress(entry); err != nil {
			return nil, fmt.Errorf("invalid IP address: '%s'", entry)
		}
		ranges = append(ranges, entry)
	}
	return ranges, nil
}

// kumaAddress takes one of IPv4 that is written as one of IPv6 for what it is.
func kumaAddress(entry string) (netip.Addr, error) {
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		return prefix.Addr().Unmap(), nil
	}
	address, err := netip.ParseAddr(entry)
	return address.Unmap(), err
}

// of are those of one family.
func (r kumaRanges) of(family kumaFamily) []string {
	return slices.DeleteFunc(slices.Clone(r), func(entry string) bool {
		address, err := kumaAddress(entry)
		return err != nil || address.Is4() != family.is4
	})
}

func kumaVariants() []Variant {
	variant := func(name, rules string, init InitContainer, backend Backend, families []lab.Family, dns, spares []string) Variant {
		return Variant{
			Interceptor: ByInit("kuma-"+name, KumaProxy, init, nil), Mesh: "Kuma", Rules: "kumahq/kuma " + rules,
			Backend: backend, Families: families, DNS: dns, Spares: spares,
		}
	}
	const newest, old = "3.0-dev 348b652, written down", "2.9 091bb03, written down"
	tcp, udp := []string{"tcp"}, []string{"udp"}
	oldest := variant("2.7.20", "v2.7.20", Kuma27Init{}, IptablesNFT, bothFamilies, bothDNS, nil)
	oldest.Unread, oldest.FailsAgain = []string{kumaInboundRanges, kumaOutboundRanges}, Kuma27Init{}.once().failure
	return []Variant{
		variant("iptables-nft", newest, KumaInit{Backend: IptablesNFT}, IptablesNFT, bothFamilies, udp, tcp),
		variant("iptables-legacy", newest, KumaInit{Backend: IptablesLegacy}, IptablesLegacy, bothFamilies, udp, tcp),
		variant("without-dns", newest, KumaInit{Backend: IptablesNFT, NoDNS: true}, IptablesNFT, bothFamilies, nil, nil),
		variant("ipv4", newest, KumaInit{Backend: IptablesNFT, IPv4: true}, IptablesNFT, []lab.Family{lab.IPv4}, udp, tcp),
		variant("2.9-iptables-nft", old, KumaInit{Backend: IptablesNFT, TakesTCP: true}, IptablesNFT, bothFamilies, bothDNS, nil),
		oldest,
	}
}
