package stepfunctions

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

type route struct {
	VersionARN *string `json:"stateMachineVersionArn"`
	Weight     *int    `json:"weight"`
}

var aliasName = regexp.MustCompile(`^[a-zA-Z0-9_.-]*[a-zA-Z_.-][a-zA-Z0-9_.-]*$`)

// aliasPattern is how the model writes aliasName.
const aliasPattern = `^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`

func checkRoutes(c *awsjson.Checks, routes []route) {
	c.Count("routingConfiguration", len(routes), 1, 2)
	for i, r := range routes {
		at := fmt.Sprintf("routingConfiguration.%d.member.", i+1)
		c.Required(at+"stateMachineVersionArn", r.VersionARN, 1, maxARN)
		if c.Present(at+"weight", r.Weight != nil) {
			c.Range(at+"weight", r.Weight, 0, 100)
		}
	}
}

// routes reads a routing configuration, and the name of the machine whose versions it names.
func (a *service) routes(given []route) (name string, routes []machine.Route, err error) {
	wrong := func(format string, args ...any) (string, []machine.Route, error) {
		e := awsjson.Validation(format, args...)
		e.Fields = map[string]any{"reason": "INVALID_ROUTING_CONFIGURATION"}
		return "", nil, e
	}
	sum, weights := 0, make([]string, len(given))
	for i, r := range given {
		ref, err := a.version(*r.VersionARN)
		if err != nil {
			return "", nil, err
		}
		if i > 0 && ref.Name != name {
			return wrong("Routing configuration must contain versions of one state machine. Received: %s and %s", *given[0].VersionARN, *r.VersionARN)
		}
		if i > 0 && ref.Version == routes[0].Version {
			return wrong("Routing configuration must contain distinct state machine version ARNs. Received twice: %s", *r.VersionARN)
		}
		name = ref.Name
		routes = append(routes, machine.Route{Version: ref.Version, Weight: *r.Weight})
		sum += *r.Weight
		weights[i] = strconv.Itoa(*r.Weight)
	}
	if sum != 100 {
		return wrong("Sum of routing configuration weights must equal 100. Received: [%s]", strings.Join(weights, ", "))
	}
	return name, routes, nil
}

type createAliasInput struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	Routes      []route `json:"routingConfiguration"`
}

type aliasItem struct {
	ARN     string       `json:"stateMachineAliasArn"`
	Created awsjson.Time `json:"creationDate"`
}

func (a *service) createStateMachineAlias(ctx context.Context, req *createAliasInput) (*aliasItem, error) {
	var c awsjson.Checks
	c.Required("name", req.Name, 1, maxName)
	c.Matches("name", req.Name, aliasName, aliasPattern)
	c.Length("description", req.Description, 0, maxDescription)
	checkRoutes(&c, req.Routes)
	if err := c.Err(); err != nil {
		return nil, err
	}
	name, routes, err := a.routes(req.Routes)
	if err != nil {
		return nil, err
	}
	made, err := a.machines.CreateAlias(ctx, name, machine.Alias{Name: *req.Name, Description: text(req.Description), Routes: routes})
	if err != nil {
		return nil, resourceFault(err, a.machines.Names.Machine(name))
	}
	return &aliasItem{ARN: made.ARN, Created: awsjson.Time(made.Created)}, nil
}

type aliasInput struct {
	ARN         *string `json:"stateMachineAliasArn"`
	Description *string `json:"description"`
	Routes      []route `json:"routingConfiguration"`
}

func (req *aliasInput) check(c *awsjson.Checks) {
	c.Required("stateMachineAliasArn", req.ARN, 1, maxARN)
}

type updateAliasOutput struct {
	Updated awsjson.Time `json:"updateDate"`
}

func (a *service) updateStateMachineAlias(ctx context.Context, req *aliasInput) (*updateAliasOutput, error) {
	var c awsjson.Checks
	req.check(&c)
	c.Length("description", req.Description, 0, maxDescription)
	if req.Routes != nil {
		checkRoutes(&c, req.Routes)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	ref, err := a.alias(*req.ARN)
	if err != nil {
		return nil, err
	}
	var routes []machine.Route
	switch {
	case req.Routes != nil:
		var name string
		if name, routes, err = a.routes(req.Routes); err != nil {
			return nil, err
		}
		if name != ref.Name {
			return nil, awsjson.Validation("The versions in the routing configuration are not of the state machine of %s", *req.ARN)
		}
	case req.Description == nil:
		e := awsjson.Validation("Either the description or the routing configuration must be specified")
		e.Fields = map[string]any{"reason": "MISSING_REQUIRED_PARAMETER"}
		return nil, e
	}
	changed, err := a.machines.UpdateAlias(ctx, ref.Name, ref.Alias, req.Description, routes)
	if err != nil {
		return nil, resourceFault(err, *req.ARN)
	}
	return &updateAliasOutput{Updated: awsjson.Time(changed.Updated)}, nil
}

type describeAliasOutput struct {
	ARN         string       `json:"stateMachineAliasArn"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Routes      []routeItem  `json:"routingConfiguration"`
	Created     awsjson.Time `json:"creationDate"`
	Updated     awsjson.Time `json:"updateDate"`
}

type routeItem struct {
	VersionARN string `json:"stateMachineVersionArn"`
	Weight     int    `json:"weight"`
}

func (a *service) describeStateMachineAlias(_ context.Context, req *aliasInput) (*describeAliasOutput, error) {
	var c awsjson.Checks
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	ref, err := a.alias(*req.ARN)
	if err != nil {
		return nil, err
	}
	found, err := a.machines.Alias(ref.Name, ref.Alias)
	if err != nil {
		return nil, resourceFault(err, *req.ARN)
	}
	out := &describeAliasOutput{
		ARN: found.ARN, Name: found.Name, Description: found.Description, Created: awsjson.Time(found.Created), Updated: awsjson.Time(found.Updated),
	}
	for _, r := range found.Routes {
		out.Routes = append(out.Routes, routeItem{VersionARN: a.machines.Names.Version(ref.Name, r.Version), Weight: r.Weight})
	}
	return out, nil
}

type listAliasesOutput struct {
	Aliases   []aliasItem `json:"stateMachineAliases"`
	NextToken *string     `json:"nextToken,omitempty"`
}

func (a *service) listStateMachineAliases(_ context.Context, req *listOfMachineInput) (*listAliasesOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	ref, err := a.parse(*req.ARN)
	if err == nil && ref.Alias != "" {
		err = machine.ErrInvalidARN
	}
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	if ref.Label != "" {
		return nil, labelled(*req.ARN)
	}
	position, err := openToken(req.NextToken, "aliases", *req.ARN)
	if err != nil {
		return nil, err
	}
	all, err := a.machines.Aliases(ref.Name, ref.Version)
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	nanos, name, _ := strings.Cut(position, "/")
	n, _ := strconv.ParseInt(nanos, 10, 64) // made here; none is not looked at
	at := time.Unix(0, n)
	page, more := cut(all, &req.paging, func(one machine.Alias) bool {
		return position == "" || one.Created.Before(at) || one.Created.Equal(at) && one.Name > name
	})
	out := &listAliasesOutput{Aliases: []aliasItem{}}
	for _, one := range page {
		out.Aliases = append(out.Aliases, aliasItem{ARN: one.ARN, Created: awsjson.Time(one.Created)})
	}
	if more {
		last := page[len(page)-1]
		out.NextToken = sealToken(strconv.FormatInt(last.Created.UnixNano(), 10)+"/"+last.Name, "aliases", *req.ARN)
	}
	return out, nil
}

type deleteAliasInput struct {
	ARN *string `json:"stateMachineAliasArn"`
}

func (a *service) deleteStateMachineAlias(ctx context.Context, req *deleteAliasInput) (*empty, error) {
	var c awsjson.Checks
	c.Required("stateMachineAliasArn", req.ARN, 1, maxARN)
	if err := c.Err(); err != nil {
		return nil, err
	}
	ref, err := a.alias(*req.ARN)
	if err != nil {
		return nil, err
	}
	return &empty{}, resourceFault(a.machines.DeleteAlias(ctx, ref.Name, ref.Alias), *req.ARN)
}
