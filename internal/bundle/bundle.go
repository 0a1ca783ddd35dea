// Package bundle makes the zip that AWS Lambda runs: this program under the name bootstrap, and nothing else ("Building an AWS Lambda function
// with a custom runtime", AWS Lambda Developer Guide, deployment packages in .zip files).
//
// # Promises
//
//   - The same program makes the same zip, byte for byte, wherever and whenever it is made.
//   - A program that Lambda cannot run is refused: one for another system, for another processor than the function's, or one that needs the C
//     library of the machine that it was built on.
package bundle

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sundog/internal/problem"
)

// Architectures of functions, by the names that Go has for them.
const (
	AMD64 = "amd64" // x86_64 in a function's configuration
	ARM64 = "arm64"
)

// Limits of a function's code: "Lambda quotas", deployment packages.
const (
	MaxZip      = 50 << 20  // bytes that can be uploaded at once; a larger zip has to come from S3
	MaxUnzipped = 250 << 20 // bytes
)

// entry is the name of the program in the zip.
const entry = "bootstrap"

// Check looks whether Lambda can run a program. An empty arch is that of the program, which is returned. Errors are of kind problem.Invalid or
// problem.NotFound.
func Check(program, arch string) (string, error) {
	f, err := elf.Open(program)
	if errors.Is(err, fs.ErrNotExist) {
		return "", problem.Wrap(problem.NotFound, err, "reading the program")
	}
	if err != nil {
		return "", problem.Wrap(problem.Invalid, err, "%s is no program for Linux", program).WithHint("functions run Linux: build the program with GOOS=linux")
	}
	defer func() { _ = f.Close() }()
	found := map[elf.Machine]string{elf.EM_X86_64: AMD64, elf.EM_AARCH64: ARM64}[f.Machine]
	switch {
	case found == "":
		return "", problem.New(problem.Invalid, "%s is for the processor %s: functions run on amd64 and arm64", program, f.Machine)
	case arch != "" && arch != found:
		return "", problem.New(problem.Invalid, "%s is for %s, not for %s", program, found, arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", problem.New(problem.Invalid, "%s needs the C library of the machine that it was built on", program).
				WithHint("build it with CGO_ENABLED=0, or have --source build it")
		}
	}
	return found, nil
}

// Bundle is a zip that was written.
type Bundle struct {
	Size     int64    // bytes of the zip
	Program  int64    // bytes of the program in it
	Checksum [32]byte // SHA-256 of the zip; in base64 it is what Lambda shows as CodeSha256
}

// Write writes the zip of a program.
func Write(w io.Writer, program string) (Bundle, error) {
	f, err := os.Open(program)
	if err != nil {
		return Bundle{}, fmt.Errorf("reading the program: %w", err)
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(w, sum)}
	z := zip.NewWriter(counted)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	header := &zip.FileHeader{Name: entry, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)} // the first that zips have
	header.SetMode(0o755)
	into, err := z.CreateHeader(header)
	if err != nil {
		return Bundle{}, fmt.Errorf("writing the zip: %w", err)
	}
	n, err := io.Copy(into, f)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return Bundle{}, fmt.Errorf("writing the zip: %w", err)
	}
	if n > MaxUnzipped {
		return Bundle{}, problem.New(problem.TooLarge, "%s has %d bytes: a function's code may have %d", program, n, MaxUnzipped).
			WithHint("build it without what only debuggers need: -ldflags='-s -w'")
	}
	b := Bundle{Size: counted.n, Program: n}
	sum.Sum(b.Checksum[:0])
	return b, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Build builds the program for an architecture from its source, with the Go toolchain of this machine. What that says goes to log.
func Build(ctx context.Context, source, arch, program string, log io.Writer) error {
	if _, err := os.Stat(filepath.Join(source, "cmd", "sundog")); err != nil {
		return problem.Wrap(problem.NotFound, err, "%s is no source of Sundog", source).WithHint("--source names a checkout of Sundog's repository")
	}
	absolute, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("naming the program: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", absolute, "./cmd/sundog")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return problem.Wrap(problem.NotFound, err, "building the program").WithHint("install Go, or give a program that was built elsewhere with --binary")
	}
	if err != nil {
		return problem.Wrap(problem.Invalid, err, "building the program from %s", source)
	}
	return nil
}
