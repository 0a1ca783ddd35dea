package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
)

func (a *app) tokensCommand() *cobra.Command {
	return group("tokens", "Make, list and revoke tokens", a.tokensCreateCommand(), a.tokensListCommand(), a.tokensRevokeCommand())
}

func (a *app) tokensCreateCommand() *cobra.Command {
	var req api.CreateToken
	c := &cobra.Command{
		Use:   "create --name NAME --role ROLE",
		Short: "Make a token and print it, this once",
		Long: `Make a token and print it. Nobody can ask for it again: the server keeps only a digest of it.
Roles: read looks at everything; operate also submits, starts, stops, calls and sends; administer also makes and revokes tokens.`,
		Example: "  sundog tokens create --name dashboard --role read --expires 90d > dashboard.token",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			made, err := c.CreateToken(ctx, req)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(made)
			}
			until := "for ever"
			if made.Expires != nil {
				until = "until " + localTime(*made.Expires)
			}
			a.say("token %s of role %s is good %s; it is not shown again", made.Name, made.Role, until)
			_, err = fmt.Fprintln(a.Out, made.Secret) // alone, so that it can go into a file for --token-file
			return err
		}),
	}
	f := c.Flags()
	f.StringVar(&req.Name, "name", "", "what it is called in lists and logs")
	f.StringVar(&req.Role, "role", "", "read, operate or administer")
	f.StringVar(&req.Expires, "expires", "", "how long it is good, such as 90d or 12h, or until when (default: for ever)")
	return c
}

func (a *app) tokensListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens",
		Example: "  sundog tokens list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			all, err := c.Tokens(ctx)
			if err != nil {
				return err
			}
			return printList(a, all.Tokens, []column[api.Token]{
				{title: "TOKEN", cell: func(t api.Token) string { return t.Name }},
				{title: "ROLE", cell: func(t api.Token) string { return t.Role }},
				{title: "CREATED", cell: func(t api.Token) string { return localTime(t.Created) }},
				{title: "BY", cell: func(t api.Token) string { return t.Creator }},
				{title: "EXPIRES", cell: tokenExpiry},
			})
		}),
	}
}

func tokenExpiry(t api.Token) string {
	switch {
	case t.Expires == nil:
		return "never"
	case t.Expired:
		return "expired"
	}
	return localTime(*t.Expires)
}

func (a *app) tokensRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Revoke a token: the server does not know it any more",
		Example: "  sundog tokens revoke dashboard",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if _, err := c.RevokeToken(ctx, args[0]); err != nil {
				return err
			}
			a.say("token %s is revoked", args[0])
			return nil
		}),
	}
}
