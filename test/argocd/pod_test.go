package argocd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/argoproj/argo-cd/v3/common"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// pod is argocd-repo-server's, as the components of examples/argocd leave it,
// with a folder in the place of each volume.
type pod struct {
	corev1.PodSpec
	folder string
}

// images are what the sidecars' images hold, by the path in them: the files of
// tools and of the Debian that runs the tests.
var images = map[string]map[string]string{
	// krm-bypass's own: an empty base.
	"krm-bypass": {"usr/local/bin/krm-bypass": "krm-bypass"},
	// Argo CD's: it has a shell and helm. busybox's is Alpine's shell.
	"krm-bypass-helm": {
		"usr/local/bin/helm": "helm",
		"bin/sh":             "/bin/busybox",
		"bin/realpath":       "/bin/busybox",
	},
}

// installation is the kustomization of somebody who installs Argo CD with both
// plugins. Argo CD's own manifest of repo-server comes with its module.
const installation = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: argocd
resources: [argocd-repo-server-deployment.yaml, argocd-cm.yaml]
components: [../examples/argocd/sidecar, ../examples/argocd/helm-sidecar, ../examples/argocd/build-options]
images:
- name: quay.io/argoproj/argocd
  newTag: v3.5.7
`

// installed is the folder's objects as the real kustomize builds them.
func installed(folder string) (repoServer appsv1.Deployment, configMaps map[string]corev1.ConfigMap, err error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3").Output()
	if err != nil {
		return repoServer, nil, fmt.Errorf("looking for Argo CD's module: %w", err)
	}
	install := filepath.Join(folder, "install")
	err = errors.Join(os.MkdirAll(install, 0o755),
		os.CopyFS(filepath.Join(folder, "examples"), os.DirFS(filepath.Join(repository, "examples"))),
		os.WriteFile(filepath.Join(install, "kustomization.yaml"), []byte(installation), 0o644))
	for _, manifest := range []string{"repo-server/argocd-repo-server-deployment.yaml", "config/argocd-cm.yaml"} {
		text, readErr := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "manifests", "base", manifest))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(install, filepath.Base(manifest)), text, 0o644))
	}
	if err != nil {
		return repoServer, nil, err
	}
	build := exec.Command(filepath.Join(tools, "kustomize"), "build", install)
	var stderr bytes.Buffer
	build.Stderr = &stderr
	built, err := build.Output()
	if err != nil {
		return repoServer, nil, fmt.Errorf("building the installation: %w\n%s", err, stderr.Bytes())
	}
	configMaps = map[string]corev1.ConfigMap{}
	for document := range strings.SplitSeq(string(built), "\n---\n") {
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			return repoServer, nil, err
		}
		switch meta.Kind {
		case "Deployment":
			err = yaml.UnmarshalStrict([]byte(document), &repoServer)
		case "ConfigMap":
			var one corev1.ConfigMap
			err = yaml.UnmarshalStrict([]byte(document), &one)
			configMaps[one.Name] = one
		default:
			err = fmt.Errorf("nobody asked for a %s", meta.Kind)
		}
		if err != nil {
			return repoServer, nil, err
		}
	}
	return repoServer, configMaps, nil
}

// installedPod makes the folders of its volumes and fills them as the kubelet
// and the pod's init containers do.
func installedPod(folder string) (pod, error) {
	repoServer, configMaps, err := installed(folder)
	if err != nil {
		return pod{}, err
	}
	p := pod{repoServer.Spec.Template.Spec, folder}
	for _, volume := range p.Volumes {
		where := p.volume(volume.Name)
		// As the kubelet makes an emptyDir: any user of the pod may write.
		if err := errors.Join(os.MkdirAll(where, 0o755), os.Chmod(where, 0o777)); err != nil {
			return pod{}, err
		}
		if volume.ConfigMap == nil {
			continue
		}
		for name, text := range configMaps[volume.ConfigMap.Name].Data {
			if err := os.WriteFile(filepath.Join(where, name), []byte(text), 0o644); err != nil {
				return pod{}, err
			}
		}
	}
	// copyutil's work, of Argo CD itself.
	tests, err := os.Executable()
	if err != nil {
		return pod{}, err
	}
	if err := link(tests, filepath.Join(p.volume("var-files"), common.CommandCMPServer)); err != nil {
		return pod{}, err
	}
	at := slices.IndexFunc(p.InitContainers, func(c corev1.Container) bool { return c.Name == "krm-bypass-install" })
	if at < 0 {
		return pod{}, errors.New("the pod has no init container krm-bypass-install")
	}
	install := p.InitContainers[at]
	args := slices.Clone(install.Args)
	for _, mount := range install.VolumeMounts {
		for i := range args {
			args[i] = strings.Replace(args[i], mount.MountPath, p.volume(mount.Name), 1)
		}
	}
	if said, err := exec.Command(filepath.Join(tools, "krm-bypass"), args...).CombinedOutput(); err != nil {
		return pod{}, fmt.Errorf("running init container %s: %w\n%s", install.Name, err, said)
	}
	return p, nil
}

func (p pod) volume(name string) string { return filepath.Join(p.folder, "volumes", name) }

// running is a sidecar whose server has opened its socket.
type running struct {
	// tmp is the folder of its volume at /tmp.
	tmp     string
	process *exec.Cmd
	log     *record
	done    chan error
}

// inside runs "$@" in a root of its own that cannot be written to but where a
// volume is mounted, as the user that the pod names. What does not stand in the
// image is not there.
const inside = `set -eu
root=$1 user=$2 image_path=$PATH
shift 2
PATH=/usr/sbin:/usr/bin:/sbin:/bin
chroot=$(command -v chroot)
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	shift 2
done
shift
mkdir -p "$root/proc" "$root/dev"
mount --rbind /proc "$root/proc"
: >>"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
mount -o remount,bind,ro "$root"
umask 0
PATH=$image_path
exec "$chroot" --userspec="$user:$user" "$root" "$@"
`

// start runs a container of the pod, without a network, and waits for the
// socket of the plugin.
func (p pod) start(name string, image map[string]string) (*running, error) {
	at := slices.IndexFunc(p.Containers, func(c corev1.Container) bool { return c.Name == name })
	if at < 0 {
		return nil, errors.New("the pod has no such container")
	}
	container := p.Containers[at]
	root := filepath.Join(p.folder, "roots", name)
	for path, file := range image {
		if !filepath.IsAbs(file) {
			file = filepath.Join(tools, file)
		}
		if err := link(file, filepath.Join(root, path)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}

	unshare := []string{"unshare", "--mount", "--net"}
	if os.Geteuid() != 0 {
		unshare = append(unshare, "--map-auto", "--map-root-user")
	}
	args := append(unshare[1:], "sh", "-c", inside, "sh", root, fmt.Sprint(*container.SecurityContext.RunAsUser))
	var tmp string
	for _, mount := range container.VolumeMounts {
		args = append(args, p.volume(mount.Name), mount.MountPath)
		if mount.MountPath == "/tmp" {
			tmp = p.volume(mount.Name)
		}
	}
	args = append(append(append(args, "--"), container.Command...), container.Args...)

	server := &running{tmp: tmp, process: exec.Command(unshare[0], args...), log: &record{}, done: make(chan error, 1)}
	// The PATH that container runtimes give where neither the image nor the pod does.
	server.process.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, variable := range container.Env {
		server.process.Env = append(server.process.Env, variable.Name+"="+variable.Value)
	}
	server.process.Stdout, server.process.Stderr = server.log, server.log
	if err := server.process.Start(); err != nil {
		return nil, err
	}
	go func() { server.done <- server.process.Wait() }()

	socket := filepath.Join(p.volume("plugins"), name+".sock")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("unix", socket); err == nil {
			return server, connection.Close()
		}
		select {
		case err := <-server.done:
			return nil, fmt.Errorf("it ended: %w\n%s", err, server.log)
		default:
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("no answer on %s\n%s", socket, server.log), server.stop())
		}
	}
}

func (s *running) stop() error {
	err := s.process.Process.Kill()
	<-s.done //nolint:errcheck // it was killed
	return err
}

// record is a log that is read while it is written.
type record struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(text []byte) (int, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.text.Write(text)
}

func (r *record) String() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.text.String()
}

// link puts a file at another path, as a copy where they are on two disks.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Link(from, to); err == nil {
		return nil
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
