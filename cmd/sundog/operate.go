package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os/user"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	platform "sundog/internal/aws"
	"sundog/internal/aws/config"
	"sundog/internal/aws/operator"
	"sundog/internal/aws/parameter"
	"sundog/internal/cli"
	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// Variables in the parameter store that say how a deployment is reached, and are nothing to its functions.
const (
	roleVariable   = "CIRRUS_CLI_IAM_ARN"
	regionVariable = "AWS_REGION"
)

// openAWS opens a deployment on AWS, for which this process then answers. Its parameters are read with the credentials as they are; it is
// operated in the role that the user or else the parameters name.
func openAWS(ctx context.Context, at deployment.AWS) (*cli.Remote, error) {
	cfg, err := config.Load(ctx, config.Options{Profile: at.Profile, Region: at.Region})
	if err != nil {
		return nil, err
	}
	parameters, err := parameter.New(ssm.NewFromConfig(cfg)).Environment(ctx, at.Name)
	if err != nil {
		return nil, explainDeployment(err, at.Name)
	}
	variables := make(map[string]string, len(parameters))
	for name, p := range parameters {
		variables[name] = p.Value
	}
	as := config.Options{Profile: at.Profile, Region: cmp.Or(at.Region, variables[regionVariable]), RoleARN: cmp.Or(at.Role, variables[roleVariable])}
	if as.RoleARN != "" || as.Region != cfg.Region {
		if cfg, err = config.Load(ctx, as); err != nil {
			return nil, err
		}
	}
	env, err := platform.ReadEnvironment(func(name string) string { return variables[name] }, operator.Required()...)
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "the deployment %s", at.Name).WithHint("mend its parameters in the parameter store: %s%s points to them", parameter.Pointers, at.Name)
	}
	p := platform.Open(platform.Options{Config: cfg, Environment: env})
	o, err := operator.New(operator.Options{Platform: p, Name: at.Name, Version: version(), Actor: userName()})
	if err != nil {
		p.Close()
		return nil, err
	}
	return &cli.Remote{
		Handler: o, Variables: variables, Secret: func(name string) bool { return parameters[name].Secret },
		Environment: func(ctx context.Context) ([]string, error) { return processEnvironment(ctx, cfg, variables) },
		Close: func() error {
			p.Close()
			return nil
		},
	}, nil
}

// explainDeployment says what it means that the parameters of a deployment cannot be read.
func explainDeployment(err error, name string) error {
	switch {
	case errors.Is(err, parameter.ErrNoDeployment):
		return problem.Wrap(problem.NotFound, err, "").WithHint("sundog list-deployments shows those that there are; is it another --region, --profile or account?")
	case errors.Is(err, parameter.ErrInvalid):
		return problem.Wrap(problem.Invalid, err, "").WithHint("a pointer is {\"type\": \"parameter_store\", \"value\": \"/PATH/\"}, with a parameter below /PATH/ for each variable of %s", name)
	}
	return config.Explain(err)
}

// listAWS lists the deployments in the parameter store.
func listAWS(ctx context.Context, at deployment.AWS) ([]string, error) {
	cfg, err := config.Load(ctx, config.Options{Profile: at.Profile, Region: at.Region, RoleARN: at.Role})
	if err != nil {
		return nil, err
	}
	names, err := parameter.New(ssm.NewFromConfig(cfg)).Names(ctx)
	return names, config.Explain(err)
}

// processEnvironment is what programs find that work on the deployment: its variables, and the credentials with which it is operated.
func processEnvironment(ctx context.Context, cfg aws.Config, variables map[string]string) ([]string, error) {
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, config.Explain(err)
	}
	all := maps.Clone(variables)
	delete(all, roleVariable) // it has been assumed
	maps.Copy(all, map[string]string{
		regionVariable: cfg.Region, "AWS_DEFAULT_REGION": cfg.Region, "AWS_ACCESS_KEY_ID": credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": credentials.SecretAccessKey, "AWS_SESSION_TOKEN": credentials.SessionToken, "AWS_PROFILE": "",
	})
	environment := make([]string, 0, len(all))
	for name, value := range all {
		environment = append(environment, name+"="+value)
	}
	return environment, nil
}

// userName is who operates, as this machine knows him.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "operator"
}
