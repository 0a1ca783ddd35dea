// Package deployment owns the names by which the command line knows deployments: a name stands for a server's URL and where its token comes
// from, or for a deployment on AWS and with which credentials it is reached. They lie in a file of the user's; tokens and credentials
// themselves never do.
package deployment

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// FileVariable is the environment variable that names the file of deployments, in place of the one in the user's folder for configuration.
const FileVariable = "SUNDOG_DEPLOYMENTS"

// A Deployment is a server, or a deployment on AWS, that has a name.
type Deployment struct {
	Name string `yaml:"-" json:"name"`
	// Server is the base URL; empty for one on AWS.
	Server string `yaml:"server,omitempty" json:"server,omitempty"`
	// TokenFile is a file that holds the token, TokenEnv an environment variable; at most one is set.
	TokenFile string `yaml:"token_file,omitempty" json:"token_file,omitempty"`
	TokenEnv  string `yaml:"token_env,omitempty" json:"token_env,omitempty"`
	// AWS is where a deployment on AWS is; nil: it is a server.
	AWS *AWS `yaml:"aws,omitempty" json:"aws,omitempty"`
}

// AWS says where a deployment on AWS is, and with which credentials it is reached. What is empty is taken from the environment.
type AWS struct {
	// Name is the one under which the parameter store has the deployment; the deployment's own when empty.
	Name    string `yaml:"name,omitempty" json:"name,omitempty"`
	Profile string `yaml:"profile,omitempty" json:"profile,omitempty"` // of ~/.aws/config
	Region  string `yaml:"region,omitempty" json:"region,omitempty"`
	Role    string `yaml:"role,omitempty" json:"role,omitempty"` // ARN of a role that is assumed
}

// Errors of this package. They are wrapped with the name and the file.
var (
	ErrUnknown = errors.New("there is no deployment of this name")
	ErrInvalid = errors.New("not a valid deployment")
)

// validName is what a name may be: it stands on command lines and must not look like a flag.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Check returns an error that wraps ErrInvalid when something is wrong with the deployment.
func (d Deployment) Check() error {
	u, err := url.Parse(d.Server)
	switch {
	case !validName.MatchString(d.Name):
		return fmt.Errorf("%w: the name %q: up to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit", ErrInvalid, d.Name)
	case d.AWS != nil && (d.Server != "" || d.TokenFile != "" || d.TokenEnv != ""):
		return fmt.Errorf("%w: %s is on AWS, where it has neither server nor token", ErrInvalid, d.Name)
	case d.AWS != nil:
		return d.AWS.check(d.Name)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: %s: the server %q is no URL such as https://sundog.example.com", ErrInvalid, d.Name, d.Server)
	case d.TokenFile != "" && d.TokenEnv != "":
		return fmt.Errorf("%w: %s has both token_file and token_env", ErrInvalid, d.Name)
	}
	return nil
}

// validRole is the ARN of a role (IAM User Guide, IAM identifiers).
var validRole = regexp.MustCompile(`^arn:aws[-a-z]*:iam::\d{12}:role/\S+$`)

func (a *AWS) check(name string) error {
	if a.Role != "" && !validRole.MatchString(a.Role) {
		return fmt.Errorf("%w: %s: the role %q is no ARN such as arn:aws:iam::123456789012:role/operator", ErrInvalid, name, a.Role)
	}
	if a.Name != "" && !validName.MatchString(a.Name) {
		return fmt.Errorf("%w: %s: the name %q in the parameter store", ErrInvalid, name, a.Name)
	}
	return nil
}

// File is the file of the deployments.
type File struct{ path string }

// Open returns the file that FileVariable names or, without it, the user's own: sundog/deployments.yaml in the folder for configuration.
// It need not exist.
func Open(getenv func(string) string) (File, error) {
	if path := getenv(FileVariable); path != "" {
		return File{path}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return File{}, fmt.Errorf("finding the file of deployments (%s can name one): %w", FileVariable, err)
	}
	return File{filepath.Join(dir, "sundog", "deployments.yaml")}, nil
}

// Path is where the file lies.
func (f File) Path() string { return f.path }

type content struct {
	Deployments map[string]Deployment `yaml:"deployments"`
}

func (f File) read() (map[string]Deployment, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Deployment{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading deployments: %w", err)
	}
	c := content{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && len(bytes.TrimSpace(text)) > 0 {
		return nil, fmt.Errorf("%w: reading %s: %w", ErrInvalid, f.path, err)
	}
	all := make(map[string]Deployment, len(c.Deployments))
	for name, d := range c.Deployments {
		d.Name = name
		if err := d.Check(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.path, err)
		}
		all[name] = d
	}
	return all, nil
}

// List returns all deployments in the order of their names.
func (f File) List() ([]Deployment, error) {
	all, err := f.read()
	if err != nil {
		return nil, err
	}
	list := make([]Deployment, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list, nil
}

// Get returns a deployment by its name. The error wraps ErrUnknown when there is none.
func (f File) Get(name string) (Deployment, error) {
	all, err := f.read()
	if err != nil {
		return Deployment{}, err
	}
	d, ok := all[name]
	if !ok {
		return d, fmt.Errorf("%w: %q (%s has %v)", ErrUnknown, name, f.path, slices.Sorted(maps.Keys(all)))
	}
	return d, nil
}

// Put adds a deployment, or changes the one of its name.
func (f File) Put(d Deployment) error {
	if err := d.Check(); err != nil {
		return err
	}
	all, err := f.read()
	if err != nil {
		return err
	}
	all[d.Name] = d
	return f.write(all)
}

// Remove forgets a deployment. The server is not touched. The error wraps ErrUnknown when there is none of this name.
func (f File) Remove(name string) error {
	if _, err := f.Get(name); err != nil {
		return err
	}
	all, err := f.read()
	if err != nil {
		return err
	}
	delete(all, name)
	return f.write(all)
}

// write replaces the file in one step.
func (f File) write(all map[string]Deployment) error {
	text, err := yaml.Marshal(content{all})
	if err != nil {
		return fmt.Errorf("writing deployments: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("writing deployments: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), ".deployments-*")
	if err != nil {
		return fmt.Errorf("writing deployments: %w", err)
	}
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("writing deployments: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}
