package function

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// version is that of the release, set by its build, and commit that of the clone from
// which make build built the program.
var version, commit string

// Version gives the version of the program: that of the release, or else that of the
// module, which go install verifies by its sum. A build from a clone is "dev", with its
// commit where that is known.
func Version() string {
	if version != "" {
		return version
	}
	if build, known := debug.ReadBuildInfo(); known && build.Main.Sum != "" {
		return build.Main.Version
	}
	if commit != "" {
		return "dev-" + commit
	}
	return "dev"
}

// ErrReported is the error of a command that has told the user already.
var ErrReported = errors.New("reported")

// codedError is an error with an exit code of its own.
type codedError struct {
	error
	code int
}

func (e *codedError) Unwrap() error { return e.error }

// WithCode gives the error an exit code other than 1.
func WithCode(err error, code int) error {
	if err == nil {
		return nil
	}
	return &codedError{err, code}
}

// Exit says an error to the user, unless that has been done, and gives the exit
// code: 0 without one, or 1, as the KRM functions specification has it, or the
// one that the error was given.
func Exit(err error, errOut io.Writer) int {
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, ErrReported):
		fmt.Fprintf(errOut, "%s\n", terminal.Printable(fmt.Appendf(nil, "error: %v", err)))
	}
	if coded := (*codedError)(nil); errors.As(err, &coded) {
		return coded.code
	}
	return 1
}

// Help says what the function is and how it is called. The first paragraph is
// what metadata.yaml says of it too.
const Help = `Say once, for a whole cluster, which traffic bypasses the sidecars of its
service mesh, and write it into the pod templates.

Without a command it is a KRM function: it reads a ResourceList on standard
input and writes it to standard output, changed where the ClusterBypass asks
for it. kustomize and kpt run it so; its functionConfig is a ClusterBypass, or
a ConfigMap with the traffic fields of its global scope.

In kustomize, list the ClusterBypass under transformers and annotate it with
config.kubernetes.io/function. Then build with both flags: without
--enable-exec, kustomize skips the function and says nothing.

  kustomize build --enable-alpha-plugins --enable-exec DIR

In kpt, name it in the Kptfile under pipeline.mutators, with the ClusterBypass
as its configPath, or the fields themselves as its configMap:

  kpt fn render --allow-exec DIR`

// The flag that says the namespace of workloads whose manifests name none.
const (
	NamespaceFlag = "namespace"
	NamespaceHelp = "namespace of workloads whose manifests name none"
)

// Alone is the program that is the function and nothing else.
const Alone = "krm-bypass-fn"

// AddFlags adds the flags that this program has.
func AddFlags(flags *flag.FlagSet) (namespace *string, version *bool) {
	return flags.String(NamespaceFlag, Namespace(), NamespaceHelp), flags.Bool("version", false, "version of "+Alone)
}

// Once sets a flag that may be given once. Of two, the libraries for command lines
// forget the first, with the limits in it.
type Once struct{ given bool }

// Set gives a flag its value.
func (o *Once) Set(flag flag.Value, value string) error {
	if o.given {
		return fmt.Errorf("it is given twice, and %s would count for nothing: give one", strconv.Quote(flag.String()))
	}
	o.given = true
	return flag.Set(value) //nolint:wrapcheck // the library says which flag it is
}

// Namespace is that flag's default. Argo CD tells its plugins the destination
// namespace this way (argoproj/argo-cd docs/user-guide/build-environment.md), and
// those who run Helm may tell theirs that way (helm/helm pkg/cmd/root.go).
func Namespace() string {
	return cmp.Or(os.Getenv("ARGOCD_APP_NAMESPACE"), os.Getenv("HELM_NAMESPACE"))
}

// What a run leaves for the garbage collector is a small multiple of its input, and it
// ends soon: collecting less often saves an eighth of the time. On a huge input that would
// cost more memory than it is worth (make bench), so that it is done a little less often
// there. So it would on a small one that comes to very much, as ten thousand rules do:
// there all is usual from the first collection on.
const (
	gcPercent      = 400
	hugeGCPercent  = 150
	usualGCPercent = 100
	smallInput     = 1 << 16 // bytes
	largeInput     = 1 << 20
	hugeInput      = 8 << 20
	outputBuffer   = 1 << 18
	largestChunk   = 4 << 20
)

// readAll reads the input, and says how often to collect garbage while it does: a
// collection in the middle of reading would hold up the rest of it. Of an input that fits
// into a pipe nothing is collected, and saying it would take longer than reading it.
func readAll(in io.Reader) ([]byte, error) {
	first := make([]byte, smallInput)
	n, err := io.ReadFull(in, first)
	if first = first[:n]; err != nil {
		if isEnd(err) {
			err = nil
		}
		return first, err
	}
	debug.SetGCPercent(gcPercent)
	input, err := readRest(first, in)
	switch {
	case len(input) > hugeInput:
		debug.SetGCPercent(hugeGCPercent)
	case len(input) <= largeInput:
		runtime.AddCleanup(new([]byte), func(int) { debug.SetGCPercent(usualGCPercent) }, 0)
	}
	return input, err
}

// isEnd reports whether io.ReadFull ended because the input does. It asks first for what
// is usual.
func isEnd(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// readRest reads what follows the first bytes of the input, and gives all of it. io.ReadAll
// would clear the room for the whole input before it copies the input there.
func readRest(first []byte, in io.Reader) ([]byte, error) {
	chunks := [][]byte{first}
	for size := len(first); ; size = min(2*size, largestChunk) {
		chunk := make([]byte, size)
		n, err := io.ReadFull(in, chunk)
		chunks = append(chunks, chunk[:n])
		if isEnd(err) {
			return bytes.Join(chunks, nil), nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller says what was read
		}
	}
}

// Starting is for the first line of a program that ends soon. Nobody will ask where memory
// was allocated, which the runtime notes of some of it: a tenth of what such a program
// takes. And the stack has the size that it gets in the end: at every size on the way there
// the runtime would look for the pointers in all calls that are open.
func Starting() {
	runtime.MemProfileRate = 0
	enlargeStack(false)
}

// enlargeStack needs a stack with so much room, and writes none of it.
//
//go:noinline
func enlargeStack(written bool) {
	if written {
		var room [48 << 10]byte
		runtime.KeepAlive(&room)
	}
}

// Apply runs the KRM function once. Nothing is written before all is decided: kustomize takes an empty output with exit code 0 for "delete
// everything" (kubernetes-sigs/kustomize kyaml/kio/kio.go).
func Apply(in io.Reader, out, errOut io.Writer, options fn.Options) error {
	input, err := readAll(in)
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	output, results, err := fn.ProcessTo(input, options)
	if err != nil && !errors.Is(err, fn.ErrFailed) {
		return err
	}
	// Before the output, so that errors are said also where that breaks.
	if report := results.Report(); report != "" {
		fmt.Fprint(errOut, report)
	}
	buffered := bufio.NewWriterSize(out, outputBuffer)
	_, writeErr := output.WriteTo(buffered)
	if writeErr = cmp.Or(writeErr, buffered.Flush()); writeErr != nil {
		return fmt.Errorf("writing standard output: %w", writeErr)
	}
	if err != nil {
		return ErrReported
	}
	return nil
}

// IsTerminal reports whether somebody sits at the other end of a stream.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0 && !isNull(info)
}

// isNull tells /dev/null, which is a character device too, from a terminal.
func isNull(info os.FileInfo) bool {
	if info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}
