package kpt

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const kptfileName = "Kptfile"

// kptfile is as much of a Kptfile as the packages use, in kpt's order of fields
// (kptdev/kpt api/kptfile/v1/types.go): kpt writes the file anew from such a
// struct, and so its comments go.
type kptfile struct {
	yaml.ResourceMeta `yaml:",inline"`

	Info struct {
		Description string `yaml:"description,omitempty"`
	} `yaml:"info,omitempty"`
	Pipeline struct {
		Mutators []step `yaml:"mutators,omitempty"`
	} `yaml:"pipeline,omitempty"`
	Status *status `yaml:"status,omitempty"`
}

// step is a function of the pipeline.
type step struct {
	Image      string            `yaml:"image,omitempty"`
	Exec       string            `yaml:"exec,omitempty"`
	ConfigPath string            `yaml:"configPath,omitempty"`
	ConfigMap  map[string]string `yaml:"configMap,omitempty"`
}

// status is what kpt records of a rendering in place.
type status struct {
	Conditions   []condition   `yaml:"conditions,omitempty"`
	RenderStatus *renderStatus `yaml:"renderStatus,omitempty"`
}

type condition struct {
	Type    string `yaml:"type"`
	Status  string `yaml:"status"`
	Reason  string `yaml:"reason,omitempty"`
	Message string `yaml:"message,omitempty"`
}

type renderStatus struct {
	MutationSteps []stepResult `yaml:"mutationSteps,omitempty"`
	ErrorSummary  string       `yaml:"errorSummary,omitempty"`
}

type stepResult struct {
	Image        string   `yaml:"image,omitempty"`
	Exec         string   `yaml:"exec,omitempty"`
	Stderr       string   `yaml:"stderr,omitempty"`
	ExitCode     int      `yaml:"exitCode"`
	Results      []result `yaml:"results,omitempty"`
	ErrorResults []result `yaml:"errorResults,omitempty"`
}

type result struct {
	Message     string                   `yaml:"message,omitempty"`
	Severity    string                   `yaml:"severity,omitempty"`
	ResourceRef *yaml.ResourceIdentifier `yaml:"resourceRef,omitempty"`
	Field       *field                   `yaml:"field,omitempty"`
	File        *place                   `yaml:"file,omitempty"`
}

type field struct {
	Path         string `yaml:"path,omitempty"`
	CurrentValue string `yaml:"currentValue,omitempty"`
}

type place struct {
	Path  string `yaml:"path,omitempty"`
	Index int    `yaml:"index,omitempty"`
}

func readKptfile(folder string) (*kptfile, error) {
	file, err := os.Open(filepath.Join(folder, kptfileName))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var k kptfile
	if err := decoder.Decode(&k); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file.Name(), err)
	}
	return &k, nil
}

// record writes the outcome of a rendering into the Kptfile of the package that
// was named; those of its subpackages get none.
func record(folder string, s *status) error {
	k, err := readKptfile(folder)
	if err != nil {
		return err
	}
	k.Status = s
	text, err := yaml.MarshalWithOptions(k, &yaml.EncoderOptions{SeqIndent: yaml.WideSequenceStyle})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, kptfileName), text, 0o600)
}
