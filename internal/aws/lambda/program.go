package lambda

import (
	"context"
	"io"
	"log/slog"

	"sundog/internal/aws"
	"sundog/internal/aws/config"
)

// Wanted reports whether the program was started by AWS Lambda, as the bootstrap of a custom runtime: there is a Runtime API, and no argument. A
// command that a function of somebody else's runs has arguments.
func Wanted(args []string, getenv func(name string) string) bool {
	return len(args) == 1 && getenv(apiVariable) != ""
}

// Variables that Lambda sets ("Defined runtime environment variables", AWS Lambda Developer Guide).
const (
	apiVariable      = "AWS_LAMBDA_RUNTIME_API"
	handlerVariable  = "_HANDLER"
	functionVariable = "AWS_LAMBDA_FUNCTION_NAME"
)

// Main is the program under AWS Lambda: it serves the handler that the environment names, and never returns. Logs are lines of JSON, those of the
// runtime among them.
func Main(ctx context.Context, getenv func(name string) string, log io.Writer) {
	var level slog.LevelVar
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: &level, ReplaceAttr: config.LogAttr}))
	slog.SetLogLoggerLevel(slog.LevelDebug) // they repeat every error that is told
	slog.SetDefault(logger)
	var platform *aws.Platform
	Serve(ctx, ServeOptions{
		Logger: logger,
		Open: func(ctx context.Context) (Func, error) {
			h, err := Select(Names{Handler: getenv(handlerVariable), Function: getenv(functionVariable)})
			if err != nil {
				return nil, err
			}
			e, err := h.Environment(getenv)
			if err != nil {
				return nil, err
			}
			level.Set(e.LogLevel)
			c, err := config.Load(ctx, config.Options{})
			if err != nil {
				return nil, err
			}
			platform = aws.Open(aws.Options{Config: c, Environment: e, Logger: logger})
			return Open(h, platform, logger)
		},
		Close: func() {
			if platform != nil {
				platform.Close()
			}
		},
	})
}
