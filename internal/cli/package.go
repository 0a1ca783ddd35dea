package cli

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"sundog/internal/bundle"
	"sundog/internal/problem"
)

// packaged tells of a zip that was made.
type packaged struct {
	File         string `json:"file"`
	Architecture string `json:"architecture"`
	Bytes        int64  `json:"bytes"`
	ProgramBytes int64  `json:"program_bytes"`
	SHA256       string `json:"sha256"`
	CodeSHA256   string `json:"code_sha256"` // the same as Lambda shows it
}

// packageOptions are the flags of package.
type packageOptions struct{ arch, output, program, source string }

func (a *app) packageCommand() *cobra.Command {
	var opts packageOptions
	c := &cobra.Command{
		Use:   "package",
		Short: "Make the zip that AWS Lambda runs",
		Long: `Make the zip of Sundog's functions on AWS Lambda: this program under the name bootstrap, for the runtime provided.al2023. One zip serves all
functions; which one it is, is said by the function's handler, such as process or update-state.

What goes into the zip is this program itself when it runs on Linux and the function's processor, and was built without C libraries, as released
programs are. Otherwise give --binary with the program for the other processor, or --source with a checkout of Sundog, from which Go builds it.
The same program makes the same zip, byte for byte.`,
		Example: "  sundog package -o sundog.zip\n  sundog package --arch arm64 --source ./sundog -o sundog.zip",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bundle(cmd.Context(), opts)
		},
	}
	f := c.Flags()
	f.StringVar(&opts.arch, "arch", runtime.GOARCH, "the functions' `processor`: amd64 or arm64")
	f.Lookup("arch").DefValue = "that of this machine"
	f.StringVarP(&opts.output, "file", "o", "sundog.zip", "the `file` to write")
	f.StringVar(&opts.program, "binary", "", "the `file` of a program that was built for Linux and the functions' processor")
	f.StringVar(&opts.source, "source", "", "a `folder` with Sundog's source, from which Go builds the program")
	return c
}

func (a *app) bundle(ctx context.Context, opts packageOptions) error {
	if opts.arch != bundle.AMD64 && opts.arch != bundle.ARM64 {
		return problem.New(problem.Invalid, "--arch cannot be %q", opts.arch).WithHint("functions run on amd64 and arm64")
	}
	if opts.program != "" && opts.source != "" {
		return problem.New(problem.Invalid, "--binary and --source cannot go together").WithHint("the program is taken from one of them")
	}
	program, drop, err := a.program(ctx, opts)
	if err != nil {
		return err
	}
	defer drop()
	made, err := writeFile(opts.output, func(f *os.File) (bundle.Bundle, error) { return bundle.Write(f, program) })
	if err != nil {
		return err
	}
	if made.Size > bundle.MaxZip {
		a.say("the zip has %d bytes: Lambda takes more than %d from S3 only", made.Size, bundle.MaxZip)
	}
	p := packaged{
		File: opts.output, Architecture: opts.arch, Bytes: made.Size, ProgramBytes: made.Program,
		SHA256: hex.EncodeToString(made.Checksum[:]), CodeSHA256: base64.StdEncoding.EncodeToString(made.Checksum[:]),
	}
	return a.printOne(p, []field{
		{"file", p.File},
		{"architecture", p.Architecture},
		{"bytes", count(p.Bytes)},
		{"program bytes", count(p.ProgramBytes)},
		{"sha256", p.SHA256},
		{"code sha256", p.CodeSHA256},
	})
}

// program finds or builds what goes into the zip. What was built is removed by drop.
func (a *app) program(ctx context.Context, opts packageOptions) (path string, drop func(), err error) {
	drop = func() {}
	switch {
	case opts.program != "":
		_, err = bundle.Check(opts.program, opts.arch)
		return opts.program, drop, err
	case opts.source != "":
		dir, err := os.MkdirTemp("", "sundog-package-")
		if err != nil {
			return "", drop, fmt.Errorf("making a folder to build in: %w", err)
		}
		drop = func() { _ = os.RemoveAll(dir) } // what stays lies with other temporary files
		path = filepath.Join(dir, "bootstrap")
		a.say("building for %s …", opts.arch)
		if err := bundle.Build(ctx, opts.source, opts.arch, path, a.Err); err != nil {
			drop()
			return "", func() {}, err
		}
		return path, drop, nil
	}
	path, err = os.Executable()
	if err != nil {
		return "", drop, fmt.Errorf("finding this program: %w", err)
	}
	if _, err := bundle.Check(path, opts.arch); err != nil {
		return "", drop, problem.Wrap(problem.Invalid, err, "this program cannot run as a function on %s", opts.arch).
			WithHint("give --binary with the program that was released for linux and %s, or --source with a checkout of Sundog, from which Go builds it", opts.arch)
	}
	return path, drop, nil
}

// writeFile writes a file as a whole or not at all.
func writeFile[T any](path string, write func(*os.File) (T, error)) (result T, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return result, problem.Wrap(problem.Invalid, err, "writing %s", path)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error tells more
		}
	}()
	result, err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return result, fmt.Errorf("writing %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return result, problem.Wrap(problem.Invalid, err, "writing %s", path)
	}
	return result, nil
}
