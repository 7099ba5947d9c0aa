package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// manifest is as much of a Kubernetes object as has to agree with others and with the Caddyfile.
type manifest struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		Replicas int
		Selector map[string]any
		Ports    []port
		Template struct {
			Metadata struct{ Labels map[string]any }
			Spec     pod
		}
	}
}

type pod struct {
	ServiceAccountName string `yaml:"serviceAccountName"`
	Containers         []struct {
		Command      []string
		Ports        []port
		VolumeMounts []mount `yaml:"volumeMounts"`
	}
	Volumes []volume
}

type port struct {
	Target    int `yaml:"targetPort"`
	Container int `yaml:"containerPort"`
}

type mount struct {
	Name string
	Path string `yaml:"mountPath"`
}

type volume struct {
	Name      string
	ConfigMap struct{ Name string } `yaml:"configMap"`
	Secret    struct {
		Name string `yaml:"secretName"`
	}
	Projected struct {
		Sources []struct {
			Token struct{ Path, Audience string } `yaml:"serviceAccountToken"`
		}
	}
}

// manifests reads a file of Kubernetes objects, by kind.
func manifests(t *testing.T, file string) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	for d := yaml.NewDecoder(strings.NewReader(exampleText(t, file))); ; {
		var m manifest
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all[m.Kind] = m
	}
}

func TestTheManifestAgreesWithItsCaddyfile(t *testing.T) {
	folder := filepath.Join(checkout(t), "examples", "vault-kubernetes")
	text := exampleText(t, filepath.Join(folder, "Caddyfile"))
	all := manifests(t, filepath.Join(folder, "psagate.yaml"))
	service, deployment := all["Service"].Spec, all["Deployment"].Spec
	pod, namespace := deployment.Template.Spec, all["Deployment"].Metadata.Namespace
	if len(all) != 3 || len(pod.Containers) != 1 || len(service.Ports) != 1 || len(pod.Containers[0].Ports) != 1 {
		t.Fatalf("other objects than expected: %+v", all)
	}
	for kind, m := range all {
		if m.Metadata.Namespace != namespace {
			t.Errorf("the %s is in namespace %q", kind, m.Metadata.Namespace)
		}
	}
	if labels := deployment.Template.Metadata.Labels; !reflect.DeepEqual(service.Selector, labels) || !reflect.DeepEqual(deployment.Selector["matchLabels"], any(labels)) {
		t.Errorf("the selectors %v and %v are not for pods with %v", service.Selector, deployment.Selector, labels)
	}
	if deployment.Replicas != 1 || pod.ServiceAccountName != all["ServiceAccount"].Metadata.Name {
		t.Errorf("%d replicas with the account %s", deployment.Replicas, pod.ServiceAccountName)
	}
	if in := pod.Containers[0].Ports[0].Container; service.Ports[0].Target != in || !strings.Contains(text, fmt.Sprintf(":%d} {\n", in)) {
		t.Errorf("the service's port leads to %d, the container's is %d, and the Caddyfile's is another", service.Ports[0].Target, in)
	}
	for _, want := range append(pod.named(), "namespace "+namespace, "bound_service_account_names="+pod.ServiceAccountName, "bound_service_account_namespaces="+namespace) {
		if !strings.Contains(exampleHeader(text), want) {
			t.Errorf("the header does not make %q", want)
		}
	}
	pod.hasFiles(t, text)
}

// named are the words with which the header of the Caddyfile makes what the pod needs.
func (p pod) named() (all []string) {
	for _, v := range p.Volumes {
		switch {
		case v.ConfigMap.Name != "":
			all = append(all, "configmap "+v.ConfigMap.Name+" ")
		case v.Secret.Name != "":
			all = append(all, "secret tls "+v.Secret.Name+" ")
		case len(v.Projected.Sources) > 0:
			all = append(all, "audience="+v.Projected.Sources[0].Token.Audience+" ")
		}
	}
	return all
}

// defaultPath is where the Caddyfile looks for a file if the environment does not say otherwise.
var defaultPath = regexp.MustCompile(`\{\$\w+:(/[^}]+)\}(/[\w.]+)?`)

// hasFiles demands that each file that the Caddyfile names is in a volume of the pod.
func (p pod) hasFiles(t *testing.T, caddyfile string) {
	t.Helper()
	mounts, volumes := map[string]mount{}, map[string]volume{}
	for _, m := range p.Containers[0].VolumeMounts {
		mounts[m.Path] = m
	}
	for _, v := range p.Volumes {
		volumes[v.Name] = v
	}
	paths := [][]string{{"", p.Containers[0].Command[len(p.Containers[0].Command)-1], ""}}
	for _, found := range append(paths, defaultPath.FindAllStringSubmatch(caddyfile, -1)...) {
		file := found[1] + found[2]
		v, ok := volumes[mounts[path.Dir(file)].Name]
		if !ok {
			t.Errorf("the pod has no volume for %s, only at %q", file, slices.Sorted(maps.Keys(mounts)))
		}
		if sources := v.Projected.Sources; len(sources) > 0 && sources[0].Token.Path != path.Base(file) {
			t.Errorf("the token is the file %s, not %s", sources[0].Token.Path, file)
		}
	}
}
