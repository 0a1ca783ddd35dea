package problem

import "net/http"

// Exit codes that no kind of error maps to.
const (
	ExitOK          = 0   // done
	ExitFailed      = 10  // run-workflow, process --wait: a workflow did not succeed
	ExitTimedOut    = 11  // run-workflow, process --wait: a workflow timed out, or was not done within --timeout
	ExitInterrupted = 130 // SIGINT
	ExitTerminated  = 143 // SIGTERM
)

type facts struct {
	name    string // in problem documents and logs; never changes
	title   string // of the problem document
	status  int    // HTTP
	exit    int    // of the command line
	meaning string // in the table of exit codes
}

// table is the one mapping. The exit codes stay clear of 10 and 11, which scripts written for Cirrus know, and of 126 and
// above, which the shell uses.
func (k Kind) facts() facts {
	switch k {
	case Invalid:
		return facts{"invalid", "The request is not valid", http.StatusBadRequest, 2, "wrong usage, or input that is not valid: a flag, a project, a payload"}
	case NotFound:
		return facts{"not-found", "Not found", http.StatusNotFound, 3, "what was asked for does not exist"}
	case Conflict:
		return facts{"conflict", "Conflict", http.StatusConflict, 4, "it does not fit the present state: a name in use, an execution that has ended"}
	case Unauthorized:
		return facts{"unauthorized", "A token is needed", http.StatusUnauthorized, 5, "the server wants a token, or does not know this one"}
	case Forbidden:
		return facts{"forbidden", "Not allowed", http.StatusForbidden, 6, "the role of the token does not allow this"}
	case TooLarge:
		return facts{"too-large", "Too large", http.StatusRequestEntityTooLarge, 7, "a payload, document or answer is over its limit"}
	case Unavailable:
		return facts{"unavailable", "Not available", http.StatusServiceUnavailable, 8, "the server cannot be reached, or is stopping"}
	case Timeout:
		return facts{"timeout", "Timed out", http.StatusGatewayTimeout, 9, "the server took longer than it was given"}
	case Limit:
		return facts{"limit", "Too many at a time", http.StatusTooManyRequests, 12, "too much at a time; try again later"}
	default:
		return facts{"internal", "Internal error", http.StatusInternalServerError, 1, "a fault of Sundog itself; its log says more"}
	}
}

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{Internal, Invalid, NotFound, Conflict, Unauthorized, Forbidden, TooLarge, Unavailable, Timeout, Limit}
}

// String returns the name of the kind as it stands in problem documents: "not-found".
func (k Kind) String() string { return k.facts().name }

// HTTPStatus returns the status that answers a request which ended with err; 200 for nil.
func HTTPStatus(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return KindOf(err).facts().status
}

// ExitCode returns the exit code of a command that ended with err; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	return KindOf(err).facts().exit
}

// KindOfStatus returns the kind that an HTTP status stands for, for answers that carry no problem document (a proxy's).
func KindOfStatus(status int) Kind {
	for _, k := range Kinds() {
		if k.facts().status == status {
			return k
		}
	}
	switch {
	case status == http.StatusBadGateway:
		return Unavailable
	case status == http.StatusRequestTimeout:
		return Timeout
	case status >= 400 && status < 500:
		return Invalid
	default:
		return Internal
	}
}

// Exit is a row of the table of exit codes and HTTP statuses.
type Exit struct {
	Code    int
	Status  int // HTTP; 0 for what no request ends with
	Name    string
	Meaning string
}

// Exits returns the table of exit codes, in ascending order.
func Exits() []Exit {
	rows := []Exit{{ExitOK, http.StatusOK, "ok", "done"}}
	for _, k := range []Kind{Internal, Invalid, NotFound, Conflict, Unauthorized, Forbidden, TooLarge, Unavailable, Timeout} {
		rows = append(rows, k.exit())
	}
	return append(rows,
		Exit{ExitFailed, 0, "failed", "run-workflow, process --wait: a workflow failed, was aborted or refused its input"},
		Exit{ExitTimedOut, 0, "timed-out", "run-workflow, process --wait: a workflow timed out, or was not done within --timeout"},
		Limit.exit(),
		Exit{ExitInterrupted, 0, "interrupted", "stopped by SIGINT (Ctrl-C)"},
		Exit{ExitTerminated, 0, "terminated", "stopped by SIGTERM"},
	)
}

func (k Kind) exit() Exit {
	f := k.facts()
	return Exit{f.exit, f.status, f.name, f.meaning}
}
