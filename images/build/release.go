package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/images/build/sbom"
)

// release is one run of make.
type release struct {
	// programs is the folder of the programs, a folder each platform, as in
	// linux-amd64/krm-bypass.
	programs  string
	output    string
	version   string
	revision  string
	platforms []v1.Platform
	created   time.Time
	base      image.Base
	based     bool
}

// creation gives the one time in the images: SOURCE_DATE_EPOCH, seconds since
// 1970 (reproducible-builds.org/specs/source-date-epoch), 1970 by default.
func creation(text string) (time.Time, error) {
	if text == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("reading SOURCE_DATE_EPOCH: %q is not a number of seconds since 1970", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// make writes every image and prints its place and digest.
func (r release) make(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(r.output, 0o755); err != nil {
		return fmt.Errorf("making the folder of the images: %w", err)
	}
	for _, p := range products {
		if p.needs != nil && !r.based {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.makeOne(p, out); err != nil {
			return fmt.Errorf("making the image %s: %w", p.name+p.suffix, err)
		}
	}
	return nil
}

func (r release) makeOne(p product, out io.Writer) error {
	tag, err := name.NewTag(p.published() + ":" + r.version + p.suffix)
	if err != nil {
		return err
	}
	var variants []image.Variant
	var attachments []v1.Image
	for _, platform := range r.platforms {
		built, document, err := r.forPlatform(p, platform)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		variants = append(variants, image.Variant{Platform: platform, Image: built})
		attached, err := image.Attach(built, sbom.MediaType, document, map[string]string{
			"org.opencontainers.image.title":   p.name + p.suffix + ".spdx.json",
			"org.opencontainers.image.created": r.created.UTC().Format(time.RFC3339),
		})
		if err != nil {
			return err
		}
		attachments = append(attachments, attached)
		archive := filepath.Join(r.output, p.name+p.suffix+"-"+folderOf(platform)+".tar")
		if err := image.WriteArchive(archive, tag, built); err != nil {
			return err
		}
		size, err := compressed(built)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s %s: %.2f MiB compressed\n", archive, platform, float64(size)/(1<<20))
	}
	index := image.Index(p.annotations(r), variants...)
	folder := filepath.Join(r.output, p.name+p.suffix)
	if err := image.WriteLayout(folder, tag, index, attachments); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s@%s\n", folder, tag, digest)
	return nil
}

func (r release) forPlatform(p product, platform v1.Platform) (built v1.Image, document []byte, err error) {
	program, err := os.ReadFile(filepath.Join(r.programs, folderOf(platform), p.name))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the program: %w", err)
	}
	files, data, err := p.files(program)
	if err != nil {
		return nil, nil, err
	}
	bill := sbom.Image{
		Repository: p.published(), Version: r.version + p.suffix,
		Created: r.created, Program: sbom.Program{Name: p.name, Content: program}, Data: data,
	}
	contents := image.Contents{
		Files:       files,
		Entrypoint:  []string{p.entrypoint},
		Env:         []string{"PATH=" + image.Path},
		User:        p.user,
		Annotations: p.annotations(r),
		Created:     r.created,
	}
	var base image.Base
	if p.needs != nil {
		base = r.base
		if bill.Base, bill.BaseName, err = checkBase(base, platform, p.needs); err != nil {
			return nil, nil, err
		}
	}
	if built, err = contents.On(base, platform); err != nil {
		return nil, nil, err
	}
	digest, err := built.Digest()
	if err != nil {
		return nil, nil, err
	}
	bill.Digest = digest.String()
	document, err = sbom.Document(bill)
	return built, document, err
}

// checkBase gives the base's digest and name, or an error if it lacks a program: the
// image would fail only where it is needed.
func checkBase(base image.Base, platform v1.Platform, needs []string) (digest, name string, err error) {
	under, err := base.On(platform)
	if err != nil {
		return "", "", err
	}
	missing, err := image.Missing(under, needs)
	if err != nil {
		return "", "", err
	}
	if len(missing) > 0 {
		return "", "", fmt.Errorf("the base image has no %s: take one that has, such as Debian with its package iptables", strings.Join(missing, ", "))
	}
	of, err := under.Digest()
	if err != nil {
		return "", "", err
	}
	return of.String(), base.Repository(), nil
}

func folderOf(platform v1.Platform) string { return strings.ReplaceAll(platform.String(), "/", "-") }

// compressed gives the size of an image as it is pulled, in bytes.
func compressed(built v1.Image) (int64, error) {
	manifest, err := built.Manifest()
	if err != nil {
		return 0, err
	}
	sum := manifest.Config.Size
	for _, l := range manifest.Layers {
		sum += l.Size
	}
	return sum, nil
}

// push pushes every image of a folder and prints its reference with its digest.
// The lines by which a spec names the init container's go to hints.
func push(ctx context.Context, from, registry string, out, hints io.Writer) error {
	folders, err := filepath.Glob(filepath.Join(from, "*", "oci-layout"))
	if err != nil {
		return fmt.Errorf("looking for images: %w", err)
	}
	if len(folders) == 0 {
		return fmt.Errorf("looking for images: there is no OCI layout in %s: make images makes some", from)
	}
	var problems []error
	for _, f := range folders {
		pushed, err := image.Push(ctx, filepath.Dir(f), registry)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		fmt.Fprintln(out, pushed)
		fmt.Fprint(hints, specLines(filepath.Base(filepath.Dir(f)), pushed))
	}
	return errors.Join(problems...)
}

// specLines gives what a spec says to use an image that was pushed from a folder,
// "" where it is not the init container's.
func specLines(folder, pushed string) string {
	const lines = "%s:\n\nspec:\n  enforcement:\n    image: %s\n%s\n"
	switch folder {
	case initContainer.name:
		return fmt.Sprintf(lines, "Put this into the spec", pushed, "")
	case initContainerWithIptables.name + initContainerWithIptables.suffix:
		return fmt.Sprintf(lines, "Or this, for nodes without nf_tables", pushed, "    backend: iptables\n")
	}
	return ""
}
