package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sundog/internal/bundle"
	"sundog/internal/problem"
)

// program writes the smallest file that looks like a program: an ELF header (System V ABI, chapter 4), and a segment that names a C library's
// loader when it is asked for.
func program(t *testing.T, machine uint16, dynamic bool) string {
	t.Helper()
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	segments := uint16(0)
	if dynamic {
		segments = 1
	}
	put([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(2), machine, uint32(1), uint64(0), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), segments, uint16(64), uint16(0), uint16(0))
	if dynamic {
		put(uint32(3), uint32(4), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(1))
	}
	return write(t, b.Bytes())
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	const x86, arm, mips = 62, 183, 8
	for _, c := range []struct {
		name, program, arch, want, err string
		kind                           problem.Kind
	}{
		{name: "amd64", program: program(t, x86, false), want: "amd64"},
		{name: "arm64", program: program(t, arm, false), arch: "arm64", want: "arm64"},
		{name: "another", program: program(t, arm, false), arch: "amd64", err: "is for arm64, not for amd64", kind: problem.Invalid},
		{name: "a processor of its own", program: program(t, mips, false), err: "EM_MIPS", kind: problem.Invalid},
		{name: "with a C library", program: program(t, x86, true), err: "C library", kind: problem.Invalid},
		{name: "for Windows", program: write(t, []byte("MZ\x90\x00")), err: "no program for Linux", kind: problem.Invalid},
		{name: "none", program: filepath.Join(t.TempDir(), "x"), err: "reading the program", kind: problem.NotFound},
	} {
		arch, err := bundle.Check(c.program, c.arch)
		if arch != c.want || (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || problem.KindOf(err) != c.kind) {
			t.Errorf("%s: %s, %v", c.name, arch, err)
		}
	}
}

func TestWriteIsReproducible(t *testing.T) {
	content := bytes.Repeat([]byte("what a program does"), 1000)
	var first, second bytes.Buffer
	b, err := bundle.Write(&first, write(t, content))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Write(&second, write(t, content)); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two zips of one program differ (%v)", err)
	}
	if b.Size != int64(first.Len()) || b.Program != int64(len(content)) || b.Checksum != sha256.Sum256(first.Bytes()) {
		t.Errorf("%+v of %d bytes", b, first.Len())
	}
	z, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("%v", z.File)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the program is another one (%v)", err)
	}
}
