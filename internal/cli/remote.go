package cli

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sundog/internal/client"
	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// Remote is a deployment on AWS, for which this process answers.
type Remote struct {
	// Handler answers the part of the API that there is for it.
	Handler http.Handler
	// Variables are those of the deployment, as its functions have them.
	Variables map[string]string
	// Secret says which of them are not shown.
	Secret func(name string) bool
	// Environment is what a program needs that works on the deployment: the variables, its region and credentials, each as NAME=VALUE.
	Environment func(ctx context.Context) ([]string, error)
	// Close ends what is under way, and waits for it.
	Close func() error
}

// aws is where the deployment of `manage` is on AWS, with what flags say otherwise; nil when it is a server.
func (a *app) aws() *deployment.AWS {
	if a.deployment == nil || a.deployment.AWS == nil || a.root.PersistentFlags().Changed("server") {
		return nil
	}
	return a.located(a.deployment)
}

// located is where a deployment is on AWS, with what flags say otherwise.
func (a *app) located(d *deployment.Deployment) *deployment.AWS {
	at := *d.AWS
	if at.Name == "" {
		at.Name = d.Name
	}
	a.credentials(&at)
	return &at
}

// credentials has the flags go before what a deployment says.
func (a *app) credentials(at *deployment.AWS) {
	for _, f := range []struct{ from, to *string }{{&a.profile, &at.Profile}, {&a.region, &at.Region}, {&a.role, &at.Role}} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
}

// openRemote opens the deployment of `manage` on AWS, once.
func (a *app) openRemote(ctx context.Context, at *deployment.AWS) (*Remote, error) {
	if a.remote != nil {
		return a.remote, nil
	}
	if a.missing != nil && !a.hasAWS() {
		return nil, problem.Wrap(problem.NotFound, a.missing, "").WithHint("%[1]s deployments add %[2]s --server URL; one on AWS is found with --profile or --region", a.deps.Name, at.Name)
	}
	remote, err := a.deps.OpenAWS(ctx, *at)
	if err != nil {
		return nil, a.unknown(err, at.Name)
	}
	a.remote, a.opened = remote, append(a.opened, remote)
	return remote, nil
}

// connect returns a client of a deployment by its name, or of a server by its URL, as commands want it that have to do with two.
func (a *app) connect(ctx context.Context, name string) (*client.Client, error) {
	if strings.Contains(name, "://") {
		token, err := a.tokenOf(nil)
		if err != nil {
			return nil, err
		}
		return client.New(name, token)
	}
	a.missing = nil
	d, err := a.lookUp(name)
	if err != nil {
		return nil, err
	}
	if d.AWS == nil {
		token, err := a.tokenOf(d)
		if err != nil {
			return nil, err
		}
		return client.New(d.Server, token)
	}
	a.remote = nil
	remote, err := a.openRemote(ctx, a.located(d))
	if err != nil {
		return nil, err
	}
	return client.NewLocal(remote.Handler, name), nil
}

// unknown adds to the error of a name that no file has what the file has: the name may be mistyped, and AWS not at all meant.
func (a *app) unknown(err error, name string) error {
	if a.missing == nil {
		return err
	}
	if problem.Is(err, problem.NotFound) {
		return problem.Wrap(problem.NotFound, err, "%v; on AWS", a.missing)
	}
	return problem.Wrap(problem.KindOf(err), err, "looking for %s on AWS, since the file of deployments does not have it", name)
}

// closeRemotes ends the deployments on AWS that were opened.
func (a *app) closeRemotes() error {
	var failed error
	for _, remote := range a.opened {
		failed = errors.Join(failed, remote.Close())
	}
	return failed
}

// client returns a client of the server that the flags name, or of the deployment.
func (a *app) client(ctx context.Context) (*client.Client, error) {
	if at := a.aws(); at != nil {
		remote, err := a.openRemote(ctx, at)
		if err != nil {
			return nil, err
		}
		return client.NewLocal(remote.Handler, a.deployment.Name), nil
	}
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	return client.New(a.serverURL(), token)
}

// environment is what a program needs that works on the server or deployment, each as NAME=VALUE.
func (a *app) environment(ctx context.Context) ([]string, error) {
	if at := a.aws(); at != nil {
		remote, err := a.openRemote(ctx, at)
		if err != nil {
			return nil, err
		}
		return remote.Environment(ctx)
	}
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	variables := []string{"SUNDOG_SERVER=" + a.serverURL()}
	if token != "" {
		variables = append(variables, "SUNDOG_TOKEN="+token)
	}
	return variables, nil
}

// variables are those of a deployment on AWS; a server has none.
func (a *app) variables(ctx context.Context) (map[string]string, error) {
	at := a.aws()
	if at == nil {
		return nil, nil
	}
	remote, err := a.openRemote(ctx, at)
	if err != nil {
		return nil, err
	}
	return maps.Clone(remote.Variables), nil
}

// shown are the variables as people may see them.
func (a *app) shown(ctx context.Context) (map[string]string, error) {
	all, err := a.variables(ctx)
	for name := range all {
		if a.remote.Secret(name) {
			all[name] = "(encrypted in the parameter store)"
		}
	}
	return all, err
}

// lookUp finds a deployment by its name: in the file or else, where AWS can be reached, on AWS, which is asked when there is something to do.
func (a *app) lookUp(name string) (*deployment.Deployment, error) {
	file, err := deployment.Open(a.deps.Getenv)
	if err != nil {
		return nil, err
	}
	d, err := file.Get(name)
	switch {
	case errors.Is(err, deployment.ErrUnknown) && a.deps.OpenAWS != nil:
		a.missing = err
		return &deployment.Deployment{Name: name, AWS: &deployment.AWS{}}, nil
	case errors.Is(err, deployment.ErrUnknown):
		return nil, problem.Wrap(problem.NotFound, err, "").WithHint("%s deployments add %s --server URL", a.deps.Name, name)
	case err != nil:
		return nil, problem.Wrap(problem.Invalid, err, "")
	case d.AWS != nil && a.deps.OpenAWS == nil:
		return nil, problem.New(problem.Invalid, "%s is on AWS, which this program does not reach", name)
	}
	return &d, nil
}

// listed are the deployments of the file and, where AWS can be reached, those of the parameter store that the file does not name. Of those
// on AWS it is said why they cannot be listed, and the others are.
func (a *app) listed(ctx context.Context) ([]deployment.Deployment, error) {
	file, err := deployment.Open(a.deps.Getenv)
	if err != nil {
		return nil, err
	}
	all, err := file.List()
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "")
	}
	var at deployment.AWS
	a.credentials(&at)
	asked := at != (deployment.AWS{}) // by flags: then it is an error that they cannot be listed
	if a.deps.ListAWS == nil || !asked && !a.hasAWS() {
		return all, nil
	}
	names, err := a.deps.ListAWS(ctx, at)
	if err != nil && asked {
		return nil, err
	}
	if err != nil {
		a.say("deployments on AWS are not listed: %v", err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(d deployment.Deployment) bool { return d.Name == name }) {
			all = append(all, deployment.Deployment{Name: name, AWS: &at})
		}
	}
	return all, nil
}

// hasAWS says whether anything names credentials or a region of AWS: a flag, the environment, or a file of AWS's tools. Without that nobody
// is kept waiting for AWS because of a name that was mistyped.
func (a *app) hasAWS() bool {
	if a.profile+a.region+a.role != "" {
		return true
	}
	if slices.ContainsFunc([]string{
		"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	}, func(name string) bool { return a.deps.Getenv(name) != "" }) {
		return true
	}
	file := a.deps.Getenv("AWS_CONFIG_FILE")
	if home := a.deps.Getenv("HOME"); file == "" && home != "" {
		file = filepath.Join(home, ".aws", "config")
	}
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}
