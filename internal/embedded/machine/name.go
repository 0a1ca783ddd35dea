package machine

import "regexp"

var validName = regexp.MustCompile(`^[^\x00-\x1f\x7f-\x9f\s<>{}\[\]?*"#%\\^|~` + "`" + `$&,;:/]{1,80}$`)

// ValidName says whether AWS allows a name for a machine or an execution (API reference, CreateStateMachine and StartExecution): 1 to 80
// characters without white space, control characters and <>{}[]?*"#%\^|~`$&,;:/.
func ValidName(name string) bool { return validName.MatchString(name) }
