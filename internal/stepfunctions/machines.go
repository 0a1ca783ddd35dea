package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

type createStateMachineInput struct {
	Name       *string `json:"name"`
	Definition *string `json:"definition"`
	RoleARN    *string `json:"roleArn"`
	Type       *string `json:"type"`
	Tags       []tag   `json:"tags"`
	publishing
	settings
}

// publishing asks for a version with a change.
type publishing struct {
	Publish            bool    `json:"publish"`
	VersionDescription *string `json:"versionDescription"`
}

func (p *publishing) check(c *awsjson.Checks) {
	c.Length("versionDescription", p.VersionDescription, 0, maxDescription)
}

func (p *publishing) valid() error {
	if p.VersionDescription != nil && !p.Publish {
		return awsjson.Validation("Version description can only be set when publish is true")
	}
	return nil
}

// description is that of the version, nil when none is asked for.
func (p *publishing) description() *string {
	if !p.Publish {
		return nil
	}
	d := text(p.VersionDescription)
	return &d
}

type createStateMachineOutput struct {
	ARN        string       `json:"stateMachineArn"`
	Created    awsjson.Time `json:"creationDate"`
	VersionARN string       `json:"stateMachineVersionArn,omitempty"`
}

func (a *service) createStateMachine(ctx context.Context, req *createStateMachineInput) (*createStateMachineOutput, error) {
	var c awsjson.Checks
	c.Required("name", req.Name, 1, maxName)
	c.Required("definition", req.Definition, 1, machine.MaxDefinition)
	c.Required("roleArn", req.RoleARN, 1, maxARN)
	c.OneOf("type", req.Type, machine.Standard, machine.Express)
	checkTags(&c, req.Tags)
	req.publishing.check(&c)
	req.settings.check(&c)
	for _, check := range []func() error{
		c.Err, req.publishing.valid, req.settings.valid,
		func() error { return validName(*req.Name) },
		func() error { return validRole(*req.RoleARN) },
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	name, ok := strings.CutPrefix(*req.Name, a.machines.Prefix)
	if !ok || name == "" {
		return nil, awsjson.Errorf("InvalidName", "Invalid Name: '%s': names of this server begin with %s", *req.Name, a.machines.Prefix)
	}
	m, v, err := a.machines.Create(ctx, machine.Draft{
		Name: name, Type: text(req.Type), Definition: []byte(*req.Definition), Config: req.config(*req.RoleARN), Tags: tagsOf(req.Tags), Publish: req.description(),
	})
	if errors.Is(err, machine.ErrTooMany) {
		return nil, awsjson.Errorf("StateMachineLimitExceeded", "%v", err)
	}
	if err != nil {
		return nil, machineFault(err, a.machines.Names.Machine(name))
	}
	out := &createStateMachineOutput{ARN: m.ARN, Created: awsjson.Time(m.Created)}
	if v != nil {
		out.VersionARN = v.ARN
	}
	return out, nil
}

func validName(name string) error {
	if !machine.ValidName(name) {
		return invalidName(name)
	}
	return nil
}

func validRole(arn string) error {
	if !strings.HasPrefix(arn, "arn:") {
		return invalidARN(arn)
	}
	return nil
}

type updateStateMachineInput struct {
	ARN        *string `json:"stateMachineArn"`
	Definition *string `json:"definition"`
	RoleARN    *string `json:"roleArn"`
	publishing
	settings
}

type updateStateMachineOutput struct {
	Updated    awsjson.Time `json:"updateDate"`
	RevisionID string       `json:"revisionId,omitempty"`
	VersionARN string       `json:"stateMachineVersionArn,omitempty"`
}

func (a *service) updateStateMachine(ctx context.Context, req *updateStateMachineInput) (*updateStateMachineOutput, error) {
	var c awsjson.Checks
	c.Required("stateMachineArn", req.ARN, 1, maxARN)
	c.Length("definition", req.Definition, 1, machine.MaxDefinition)
	c.Length("roleArn", req.RoleARN, 1, maxARN)
	req.publishing.check(&c)
	req.settings.check(&c)
	for _, check := range []func() error{c.Err, req.publishing.valid, req.settings.valid} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	name, err := a.unqualified(*req.ARN)
	if err != nil {
		return nil, err
	}
	if req.Definition == nil && req.RoleARN == nil && req.Logging == nil && req.Tracing == nil && req.Encryption == nil {
		return nil, awsjson.Errorf("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or the EncryptionConfiguration must be specified")
	}
	if req.RoleARN != nil {
		if err := validRole(*req.RoleARN); err != nil {
			return nil, err
		}
	}
	u := machine.Update{Config: req.config(text(req.RoleARN)), Publish: req.description()}
	if req.Definition != nil {
		u.Definition = []byte(*req.Definition)
	}
	m, v, err := a.machines.Update(ctx, name, u)
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	out := &updateStateMachineOutput{Updated: awsjson.Time(m.Revision.Since), RevisionID: m.Revision.ID}
	if v != nil {
		out.VersionARN = v.ARN
	}
	return out, nil
}

type stateMachineInput struct {
	ARN          *string `json:"stateMachineArn"`
	IncludedData *string `json:"includedData"`
}

func (req *stateMachineInput) check() error {
	var c awsjson.Checks
	c.Required("stateMachineArn", req.ARN, 1, maxARN)
	c.OneOf("includedData", req.IncludedData, "ALL_DATA", "METADATA_ONLY")
	return c.Err()
}

type describeStateMachineOutput struct {
	ARN         string          `json:"stateMachineArn"`
	Name        string          `json:"name"`
	Status      machine.Status  `json:"status,omitempty"`
	Definition  string          `json:"definition"`
	RoleARN     string          `json:"roleArn"`
	Type        string          `json:"type,omitempty"`
	Created     awsjson.Time    `json:"creationDate,omitzero"`
	Updated     awsjson.Time    `json:"updateDate,omitzero"`
	Logging     json.RawMessage `json:"loggingConfiguration,omitempty"`
	Tracing     json.RawMessage `json:"tracingConfiguration,omitempty"`
	Encryption  json.RawMessage `json:"encryptionConfiguration,omitempty"`
	RevisionID  string          `json:"revisionId,omitempty"`
	Description string          `json:"description,omitempty"`
}

func (a *service) describeStateMachine(_ context.Context, req *stateMachineInput) (*describeStateMachineOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	ref, err := a.parse(*req.ARN)
	if err == nil && ref.Alias != "" {
		err = machine.ErrNotFound // an alias has an operation of its own
	}
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	if ref.Label != "" {
		return nil, labelled(*req.ARN)
	}
	m, err := a.machines.Machine(*req.ARN)
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	out := &describeStateMachineOutput{
		ARN: m.ARN, Name: a.machines.Prefix + m.Name, Status: m.Status, Type: m.Type, Created: awsjson.Time(m.Created),
	}
	revision := m.Revision
	if ref.Version != 0 {
		v, err := a.machines.Version(m.Name, ref.Version)
		if err != nil {
			return nil, machineFault(err, *req.ARN)
		}
		revision = v.Revision
		out.ARN, out.Created, out.Description = v.ARN, awsjson.Time(v.Created), v.Description
	}
	return out, a.fill(out, revision)
}

// fill takes over what a revision says.
func (a *service) fill(out *describeStateMachineOutput, r machine.Revision) error {
	config := withDefaults(r.Config)
	out.RoleARN, out.Logging, out.Tracing, out.Encryption, out.RevisionID = r.RoleARN, config.Logging, config.Tracing, config.Encryption, r.ID
	definition, err := a.machines.Definition(r.Definition)
	out.Definition = string(definition)
	return err
}

type stateMachineItem struct {
	ARN     string       `json:"stateMachineArn"`
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Created awsjson.Time `json:"creationDate"`
}

type listStateMachinesOutput struct {
	Machines  []stateMachineItem `json:"stateMachines"`
	NextToken *string            `json:"nextToken,omitempty"`
}

func (a *service) listStateMachines(_ context.Context, req *paging) (*listStateMachinesOutput, error) {
	var c awsjson.Checks
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	after, err := openToken(req.NextToken, "machines")
	if err != nil {
		return nil, err
	}
	out := &listStateMachinesOutput{Machines: []stateMachineItem{}}
	for _, m := range a.machines.Machines(after, req.limit()+1) {
		if len(out.Machines) == req.limit() {
			out.NextToken = sealToken(after, "machines")
			break
		}
		out.Machines = append(out.Machines, stateMachineItem{ARN: m.ARN, Name: a.machines.Prefix + m.Name, Type: m.Type, Created: awsjson.Time(m.Created)})
		after = m.Name
	}
	return out, nil
}

func (a *service) deleteStateMachine(ctx context.Context, req *stateMachineInput) (*empty, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	_, err := a.unqualified(*req.ARN)
	if named, ok := errors.AsType[*awsjson.Error](err); ok && named.Name == "StateMachineDoesNotExist" {
		return &empty{}, nil // of another server: gone, as far as this one is concerned
	}
	if err == nil {
		err = machineFault(a.engine.DeleteMachine(ctx, *req.ARN), *req.ARN)
	}
	return &empty{}, err
}
